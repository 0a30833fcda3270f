"""The three families of errors, which never mix.

* ``DefinitionError``: problems of a definition, found when it is created.
* ``EvaluationError`` → ``StateError``: an expression failed, and so does its state.
* API errors live in ``service`` (they have an error code of the API).
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

RUNTIME: Final = "States.Runtime"
QUERY_EVALUATION: Final = "States.QueryEvaluationError"
DATA_LIMIT: Final = "States.DataLimitExceeded"
TIMEOUT: Final = "States.Timeout"
TASK_FAILED: Final = "States.TaskFailed"
PERMISSIONS: Final = "States.Permissions"
ALL: Final = "States.ALL"
EXCEEDED: Final = "States.ExceedToleratedFailureThreshold"
EXCEEDED_CAUSE: Final = "The specified tolerated failure threshold was exceeded"

OWN_FAULT: Final = "The emulator met a fault of its own; its log says more."
"""The message to a caller for a fault of ours. It never holds an exception's name."""

RESTORE: Final = (
    "Restore it; or, to begin anew, move the whole state directory away or choose another with --state-dir."
)
"""How a damaged or missing file of the state directory is mended. Moving the file alone away is no way: every file must
be there, so that a lost one is noticed."""


def lacking(error: ModuleNotFoundError) -> str:
    """A package that this Python lacks, and how to get it: ``this Python (...) lacks the package 'click'; run ...``"""
    return (
        f"this Python ({sys.executable}) lacks the package '{error.name or error}'; "
        "run '. .venv/bin/activate' in a checkout where make ran, or 'pip install .'"
    )


class Severity(StrEnum):
    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding in a definition.

    ``code`` and ``message`` are AWS's (API_ValidateStateMachineDefinitionDiagnostic, and recordings); ``pointer`` is
    the place as AWS writes it (``/States/X/Choices[0]/Next``), empty where AWS names none; ``line`` and ``column``
    count from 1 and are 0 where no text is known. ``kind`` is our own stable word for the rule that was broken.
    ``place`` is the RFC 6901 pointer of the very field at fault, also where AWS names only the object around it.
    """

    code: str
    message: str
    pointer: str
    severity: Severity = Severity.ERROR
    kind: str = ""
    line: int = 0
    column: int = 0
    place: str = ""

    def __str__(self) -> str:
        """The message of CreateStateMachine; ``at null`` was measured on AWS (floci issue 2735).

        A message that ends with a blank when it stands alone (recorded 2025-10) has one before ``at`` (2024-07).
        """
        return f"{self.code}: {self.message.rstrip()} at {self.pointer or 'null'}"


class DefinitionError(Exception):
    """A definition with at least one problem of severity ERROR. ``problems`` holds all of them, warnings too."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(", ".join(str(p) for p in self.problems if p.severity is Severity.ERROR))


class QuerySyntaxError(ValueError):
    """A path, intrinsic or JSONata expression that does not parse. ``offset`` counts characters from 0."""

    def __init__(self, message: str, offset: int = 0) -> None:
        self.message = message
        self.offset = offset
        super().__init__(message)


class EvaluationError(Exception):
    """A compiled query met data it can't work on.

    ``error`` is a States.* name, ``message`` AWS's text without the "An error occurred while executing the state"
    prefix, which the engine adds because it alone knows state and event id. ``location`` is the field, as
    EvaluationFailed reports it (``Output/v``, ``Catch[1]/Output/v``); empty in JSONPath states.
    """

    def __init__(self, error: str, message: str, location: str = "") -> None:
        self.error = error
        self.message = message
        self.location = location
        super().__init__(f"{error}: {message}")


class StateError(Exception):
    """A state failed with an error name and a cause; Retriers and Catchers may see it, unless it is final.

    ``cause`` is ``None`` where AWS reports none.
    """

    def __init__(self, error: str, cause: str | None = None, *, final: bool = False) -> None:
        self.error = error
        self.cause = cause
        self.final = final
        super().__init__(f"{error}: {cause}")


class OutOfMemoryError(BaseException):
    """An execution holds more memory than is allowed, and is ended. No handler on the way may catch this error."""
