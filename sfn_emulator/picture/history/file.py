"""A history in a file: the output of ``aws stepfunctions get-execution-history``, or a download from the page. A
download has, besides ``events``, the ``execution`` (DescribeExecution's answer) and the ``definition``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sfn_emulator.values import dumps, loads


class UnreadableHistoryError(Exception):
    """The message says in one line why a file holds no history."""


class HistoryFile(NamedTuple):
    """``definition`` is text, if the file has one; ``execution`` is DescribeExecution's answer, perhaps empty."""

    events: list[Mapping[str, Any]]
    definition: str | None
    execution: Mapping[str, Any]


def read_history(text: str, name: str) -> HistoryFile:
    """Raises ``UnreadableHistoryError``. Events may be in any order."""
    try:
        told = loads(text)
    except ValueError as error:
        raise UnreadableHistoryError(f"{name}: not JSON: {error}") from None
    events = told.get("events") if isinstance(told, dict) else told
    if not isinstance(events, list) or not events or not all(_is_event(event) for event in events):
        raise UnreadableHistoryError(
            f"{name}: not an execution's history: it has no 'events' with 'id' and 'type', as "
            "'aws stepfunctions get-execution-history' prints them"
        )
    around: Mapping[str, Any] = told if isinstance(told, dict) else {}
    definition = around.get("definition")
    if isinstance(definition, dict):
        definition = dumps(definition)
    execution = around.get("execution")
    return HistoryFile(
        sorted(events, key=lambda event: event["id"]),
        definition if isinstance(definition, str) else None,
        execution if isinstance(execution, dict) else {},
    )


def _is_event(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("id"), int) and isinstance(event.get("type"), str)
