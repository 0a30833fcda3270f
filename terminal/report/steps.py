"""An execution as its steps. The history is read in the same way on every target, for any state machine."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from rich.text import Text

from deploy.wanted import definition
from sfn_emulator.picture.graph import Graph, graph_of
from sfn_emulator.picture.history.reading import happened
from sfn_emulator.picture.history.tree import drawn, reason, rows_of, status
from sfn_emulator.picture.history.visit import OPEN, Happened, Outcome, Visit

COMPENSATIONS = frozenset(definition.claims()["undo"].values())


class Steps:
    """Reads executions by their ARN, over a Step Functions client."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._graph = lru_cache(maxsize=50)(self._drawn)

    def events(self, arn: str) -> list[dict[str, Any]]:
        """All events of the execution, as GetExecutionHistory gives them."""
        pages = self._client.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def read(self, arn: str) -> Happened:
        return happened(self.events(arn), self._graph(arn))

    def lines(self, told: Happened, visits: Iterable[Visit]) -> Iterator[Text]:
        """A line for each visit, with what is inside it below; also the executions that it started."""
        return (drawn(row) for visit in visits for row in rows_of(told, visit, self.read))

    def _drawn(self, arn: str) -> Graph:
        told = self._client.describe_state_machine_for_execution(executionArn=arn)
        return graph_of(json.loads(told["definition"]))


def settled(told: Happened) -> list[Visit]:
    """The visits at the top level whose outcome is final, oldest first.

    A step's outcome is known once the Choices after it have led somewhere.
    """
    visits = told.on(0)
    if told.status != "RUNNING":
        return visits
    last = next((place for place in reversed(range(len(visits))) if visits[place].type != "Choice"), 0)
    return visits[:last]


def unfinished(told: Happened, *outcomes: Outcome) -> list[Visit]:
    """The visits with one of those outcomes now, at any depth."""
    return [visit for visit in told.visits if visit.outcome in OPEN and visit.outcome in outcomes]


def undone_by(told: Happened) -> list[str]:
    """The compensations that succeeded, in their order."""
    return [v.state for v in told.visits if v.state in COMPENSATIONS and v.outcome is Outcome.COMPENSATED]


def ending(told: Happened) -> str:
    """``FAILED: OrderCompensated``"""
    return f"{told.status}{f': {told.error}' if told.error else ''}"


def row(told: Happened, visit: Visit) -> Mapping[str, Any]:
    """A step for machines. ``in`` is its place inside a Parallel or a Map: ``Each[3]/Both[0]``."""
    names = {"state": visit.state, "type": visit.type, "outcome": visit.outcome.value, "seconds": visit.seconds}
    said = {"status": status(visit), "error": visit.error, "reason": reason(visit) or None}
    return {**names, **said, "attempts": max(len(visit.attempts), visit.rounds), "in": _inside(told, visit)}


def _inside(told: Happened, visit: Visit) -> str | None:
    line = told.lines[visit.line]
    if line.owner is None:
        return None
    owner = told.visits[line.owner]
    return "/".join(filter(None, (_inside(told, owner), f"{owner.state}[{line.index}]")))
