"""A recorded execution: its definition, input and history, and further facts about it.

As a folder: ``definition.asl.json``, ``input.json``, ``history.json`` (events, and DescribeExecution's answer),
``mocks.json`` (each Task's answers, as ``--mocks`` takes them) and ``test_replay_NAME.py``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sfn_emulator.picture.history.events import moment
from sfn_emulator.picture.history.file import UnreadableHistoryError, read_history

DEFINITION: Final = "definition.asl.json"
HISTORY: Final = "history.json"
INPUT: Final = "input.json"
MOCKS: Final = "mocks.json"
MASKED: Final = "***"


class UnreadableCaseError(Exception):
    """The message says in one line what is missing or wrong, and where."""


@dataclass(frozen=True, slots=True)
class Case:
    """``definition`` and ``given`` are JSON text, ``events`` in the order of their ids."""

    name: str
    definition: str
    given: str
    events: Sequence[Mapping[str, Any]]
    execution: Mapping[str, Any]

    @property
    def began(self) -> float:
        """Epoch seconds."""
        return moment(self.events[0])

    @property
    def ended(self) -> float:
        """Epoch seconds."""
        return moment(self.events[-1])

    @property
    def express(self) -> bool:
        return ":express:" in str(self.execution.get("executionArn", ""))


def read_case(folder: Path) -> Case:
    """The case in a folder or file. Raises ``UnreadableCaseError``."""
    file = folder / HISTORY
    try:
        history = read_history(file.read_text(encoding="utf-8-sig"), str(file))
        definition = (folder / DEFINITION).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableCaseError(
            f"{error.filename}: {error.strerror}; a case has {DEFINITION} and {HISTORY}"
        ) from None
    except UnicodeDecodeError as error:
        raise UnreadableCaseError(f"{folder}: {DEFINITION} or {HISTORY} is not UTF-8 (byte {error.start})") from None
    except UnreadableHistoryError as error:
        raise UnreadableCaseError(str(error)) from None
    return case_of(folder.name, definition, history.events, history.execution)


def case_of(name: str, definition: str, events: Sequence[Mapping[str, Any]], execution: Mapping[str, Any]) -> Case:
    """The case of a history. Raises ``UnreadableCaseError`` if its beginning or its data is missing."""
    ordered = sorted(events, key=lambda event: int(event["id"]))
    started = ordered[0].get("executionStartedEventDetails")
    if ordered[0]["type"] != "ExecutionStarted" or not isinstance(started, Mapping) or "input" not in started:
        raise UnreadableCaseError(
            f"{name}: its history does not begin with ExecutionStarted and an input; "
            "get it whole, with --include-execution-data"
        )
    given = started["input"]
    text = str(given) if isinstance(given, str) else json.dumps(given)  # our own is a subclass, which orjson refuses
    return Case(name, definition, text, ordered, execution)


def masked(value: Any, names: frozenset[str]) -> Any:
    """The value with the content of those fields replaced, also within JSON that is text."""
    if isinstance(value, Mapping):
        return {key: MASKED if key in names else masked(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, names) for inner in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            inner = json.loads(value)
        except ValueError:
            return value
        hidden = masked(inner, names)
        return value if hidden == inner else json.dumps(hidden, separators=(",", ":"), ensure_ascii=False)
    return value
