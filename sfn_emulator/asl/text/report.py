"""Gathers problems while a definition is read: all of them, in the order in which AWS reports them."""

from dataclasses import dataclass, field
from typing import Final

from sfn_emulator.asl.text.place import location, pointer
from sfn_emulator.errors import Problem, Severity
from sfn_emulator.query.java.jackson import JsonError
from sfn_emulator.values import Place

SCHEMA: Final = "SCHEMA_VALIDATION_FAILED"
INVALID_JSON: Final = "INVALID_JSON_DESCRIPTION"
MISSING_TARGET: Final = "MISSING_TRANSITION_TARGET"
MISSING_END: Final = "MISSING_END_STATE"
DUPLICATE_NAME: Final = "DUPLICATE_STATE_NAME"
INVALID_NAME: Final = "INVALID_STATE_NAME"
DUPLICATE_LABEL: Final = "DUPLICATE_LABEL_NAME"
INVALID_LABEL: Final = "INVALID_LABEL_NAME"
TOO_DEEP: Final = "TOO_DEEPLY_NESTED"


MOST: Final = 1_000
"""Problems that are kept. Nobody reads more, and a megabyte of nonsense has more than 30,000."""


@dataclass(slots=True)
class Report:
    """Problems in the order they were found, each with the exact place it stands at."""

    found: list[tuple[Problem, Place]] = field(default_factory=list)
    failed: bool = False

    def _keep(self, problem: Problem, exact: Place) -> None:
        if len(self.found) < MOST:
            self.found.append((problem, exact))

    def error(
        self, at: Place, message: str, kind: str = "SCHEMA", *, code: str = SCHEMA, exact: Place | None = None
    ) -> None:
        """An error. ``exact`` is the field at fault, where AWS's location names only an object around it."""
        self.failed = True
        exact = at if exact is None else exact
        self._keep(Problem(code, message, location(at), kind=kind, place=pointer(exact)), exact)

    def unplaced(self, exact: Place, message: str, kind: str, *, code: str = SCHEMA) -> None:
        """An error that AWS reports without a location."""
        self.failed = True
        self._keep(Problem(code, message, "", kind=kind, place=pointer(exact)), exact)

    def fault(self, fault: JsonError) -> None:
        """The error that the text is no JSON."""
        self.failed = True
        found = Problem(
            INVALID_JSON,
            fault.message,
            fault.location,
            kind=_fault_kind(fault),
            line=fault.line,
            column=fault.column,
            place=pointer(fault.place),
        )
        self.found.append((found, fault.place))

    def at_line(self, line: int, column: int, message: str, kind: str, *, code: str) -> None:
        """An error in a text that could not be read: only line and column are known."""
        self.failed = True
        self.found.append((Problem(code, message, "", kind=kind, line=line, column=column), ()))

    def warning(self, at: Place, message: str, code: str, *, kind: str = "") -> None:
        """A problem that refuses nothing."""
        found = Problem(code, message, location(at), Severity.WARNING, kind=kind or code, place=pointer(at))
        self._keep(found, at)

    def problems(self) -> tuple[Problem, ...]:
        return tuple(problem for problem, _ in self.found)


def _fault_kind(fault: JsonError) -> str:
    if not fault.duplicate:
        return "INVALID_JSON"
    return "DUPLICATE_STATE_NAME" if fault.place[-2:-1] == ("States",) else "DUPLICATE_FIELD"
