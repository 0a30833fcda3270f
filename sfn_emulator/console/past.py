"""One execution as the page sees it: its history read, its definition parsed."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from sfn_emulator.asl.model import State
from sfn_emulator.asl.parse import parse
from sfn_emulator.engine.ports import Identity
from sfn_emulator.picture.definition import Definition, read_definition
from sfn_emulator.picture.exports.data import data
from sfn_emulator.picture.graph import Graph, graph_of
from sfn_emulator.picture.history.data import outline
from sfn_emulator.picture.history.events import Event
from sfn_emulator.picture.history.file import read_history
from sfn_emulator.picture.history.reading import Reading
from sfn_emulator.picture.history.stages import states_by_name
from sfn_emulator.picture.history.visit import Happened
from sfn_emulator.service.running import history


class Past(NamedTuple):
    """``definition`` is ``None`` for a history from a file without one; ``states`` is empty if it has errors."""

    arn: str
    execution: Mapping[str, Any]
    events: list[Event]
    told: Happened
    definition: Definition | None
    text: str
    graph: Graph | None
    states: Mapping[str, State]
    identity: Identity
    drawn: orjson.Fragment
    """The graph and the outline as JSON: long texts are made once."""
    size: int
    """Characters of the inputs and outputs that its events hold."""


class Case(NamedTuple):
    """An execution without its events: ``started`` is the detail of the first one, ``variables`` are those it began
    with.
    """

    execution: Mapping[str, Any]
    text: str
    identity: Identity
    started: Mapping[str, str] = MappingProxyType({})
    variables: Mapping[str, str] = MappingProxyType({})


class PastReading:
    """An execution as far as its history was read. Later events are added to it."""

    def __init__(self, arn: str, case: Case) -> None:
        text = case.text
        self.case = case
        self._arn = arn
        self._definition = read_definition(text) if text else None
        self._graph = None if self._definition is None else graph_of(self._definition.raw)
        model = parse(text)[0] if text else None
        self._states = {} if model is None else states_by_name(model.body)
        self._read = Reading(self._graph, case.variables)
        self._events: list[Event] = []
        self._first: Any = None
        self._held: dict[str, str] = {}
        self._size = 0

    @property
    def count(self) -> int:
        return len(self._events)

    def add(self, events: Sequence[Any]) -> None:
        """Events of the service."""
        if not self._events and events:
            self._first = events[0].detail
        texts = history.Texts(self._first)
        for event in events:
            self.note(history.render(event, len(self._events) + 1, texts, self.case.started))

    def note(self, event: dict[str, Any]) -> None:
        """Keeps a text once, and as plain text: a state's input is mostly the output of the state before it."""
        for name, details in event.items():
            if isinstance(details, dict):
                event[name] = {key: self._once(value) for key, value in details.items()}
        self._events.append(event)
        self._read.read(event)

    def _once(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        known = self._held.get(value)
        if known is None:
            known = self._held[value] = str(value)
            self._size += len(known)
        return known

    def past(self) -> Past:
        """The execution as it is now."""
        told, case = self._read.judged(), self.case
        drawn = orjson.Fragment(orjson.dumps({"graph": self._graph and data(self._graph), "happened": outline(told)}))
        about = (self._definition, case.text, self._graph, self._states, case.identity)
        return Past(self._arn, case.execution, self._events, told, *about, drawn, self._size)


def past_of_file(text: str, name: str, definition: str | None) -> Past:
    """A history from a file, with the definition beside it or in it. Raises ``UnreadableHistoryError`` and
    ``UndrawableError``.
    """
    read = read_history(text, name)
    told = {
        "name": read.execution.get("name", name),
        "stateMachineArn": read.execution.get("stateMachineArn", ""),
        "executionArn": read.execution.get("executionArn", ""),
        "file": name,
        "live": False,
    }
    identity = Identity(str(told["executionArn"]), str(told["name"]), str(told["stateMachineArn"]), "", "", 0.0)
    reading = PastReading("", Case(told, definition or read.definition or "", identity))
    for event in read.events:
        reading.note(dict(event))
    past = reading.past()
    seen = past.told
    described = {"status": seen.status, "startDate": seen.started, "stopDate": seen.ended}
    described |= {"input": seen.input, "output": seen.output, "error": seen.error, "cause": seen.cause}
    return past._replace(execution={**described, **told})
