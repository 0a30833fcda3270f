"""One execution as the page sees it: its history read, its definition parsed. The latest that were seen are kept."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from sfn_emulator.asl.model import MachineType, State
from sfn_emulator.asl.parse import parse
from sfn_emulator.console.answers import RefusedError
from sfn_emulator.engine.ports import Identity
from sfn_emulator.picture.definition import Definition, UndrawableError, read_definition
from sfn_emulator.picture.exports.data import data
from sfn_emulator.picture.graph import Graph, graph_of
from sfn_emulator.picture.history.data import outline
from sfn_emulator.picture.history.events import Event
from sfn_emulator.picture.history.file import UnreadableHistoryError, read_history
from sfn_emulator.picture.history.reading import happened
from sfn_emulator.picture.history.stages import states_by_name
from sfn_emulator.picture.history.visit import Happened
from sfn_emulator.service import arns
from sfn_emulator.service.operations.executions import Found, describe, stored_events
from sfn_emulator.service.revisions import revision_of
from sfn_emulator.service.running import history
from sfn_emulator.service.running.express import Ended
from sfn_emulator.service.running.live import Live
from sfn_emulator.service.stepfunctions import StepFunctions
from sfn_emulator.service.store.records import Execution, MapRun, StateMachine
from sfn_emulator.values import dumps, loads

KEPT: Final = 40
KEPT_EVENTS: Final = 200_000
"""Events of all kept histories, some hundred bytes each. The last one seen is kept whatever its length."""
KEPT_TEXT: Final = 64 * 1024 * 1024
"""Characters of the inputs and outputs of all kept histories."""
_LONG: Final = 500
"""A history with more events than this is read in a thread."""
_LONG_TEXT: Final = 50_000
"""A definition with more characters than this is read in a thread."""
_REST: Final = 4
"""A growing history is not read again for this many times as long as reading it took."""
FILE: Final = "file:"
"""The prefix of an opened file's name. No ARN begins like that."""
_MAP_CHILD: Final = "ItemProcessor"


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


class _Kept(NamedTuple):
    """``moment`` is the status it was read at; until ``until`` further events are not read."""

    past: Past
    moment: str
    until: float


class Pasts:
    """Executions of the service by ARN, and opened files by ``file:DIGEST``."""

    def __init__(self, service: StepFunctions) -> None:
        self._service = service
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._files: OrderedDict[str, Past] = OrderedDict()

    async def get(self, arn: str) -> Past:
        """A long history is read beside the loop. Raises ``RefusedError``, and ``ApiError`` for what is no ARN."""
        if arn.startswith(FILE):
            found = self._files.get(arn)
            if found is None:
                raise RefusedError("This file is not open any more; open it again.", 404)
            return found
        found_execution = self.found(arn)
        if found_execution is None:
            raise RefusedError(_not_there(arn, self._service.host.express.most), 404)
        execution = found_execution.execution
        count, read = self._events(found_execution)
        moment = f"{execution.status} {execution.redrive_count}"
        kept = self._kept.get(arn)
        if kept is None or kept.moment != moment or (count != len(kept.past.events) and self._now() >= kept.until):
            began = self._now()
            past = await self._of(arn, found_execution, [read(n) for n in range(1, count + 1)])
            ended = self._now()
            kept = _Kept(past, moment, ended + (ended - began) * _REST)
            self._kept.pop(arn, None)  # so that it is the last one
            self._kept[arn] = kept
            while len(self._kept) > KEPT or (len(self._kept) > 1 and self._is_too_much()):
                self._kept.popitem(last=False)
        elif arn in self._kept:
            self._kept.move_to_end(arn)
        return kept.past

    def is_behind(self, past: Past) -> bool:
        """Whether there are newer events, which are not read yet: a long history is not read with every change."""
        live = self._service.host.live(past.arn)
        return live is not None and len(live.events) != len(past.events)

    def _now(self) -> float:
        return self._service.around.loop.time()

    def _is_too_much(self) -> bool:
        pasts = [kept.past for kept in self._kept.values()]
        return sum(len(past.events) for past in pasts) > KEPT_EVENTS or sum(past.size for past in pasts) > KEPT_TEXT

    def found(self, arn: str) -> Live | Found | Ended | None:
        """Raises ``ApiError`` for what is no ARN."""
        parsed, service = arns.parse(arn, "execution", "express"), self._service
        if parsed.kind == "express":
            return service.host.live(parsed.text) or service.host.express.get(parsed.text)
        return service.executions.found(service.around, parsed.text)

    def _events(self, found: Live | Found | Ended) -> tuple[int, Callable[[int], Any]]:
        if isinstance(found, Ended):
            return len(found.events), lambda number: found.events[number - 1]
        return stored_events(self._service.around, found, included=True)

    async def open(self, text: str, name: str, definition: str | None) -> str:
        """Reads a history from a file. Returns the name by which it is known from now on."""
        try:
            past = await asyncio.to_thread(_past_of_file, text, name, definition)
        except (UnreadableHistoryError, UndrawableError) as error:
            raise RefusedError(str(error)) from None
        key = FILE + hashlib.sha256((text + (definition or "")).encode()).hexdigest()[:16]
        self._files[key] = past._replace(arn=key)
        while len(self._files) > KEPT:
            self._files.popitem(last=False)
        return key

    async def _of(self, arn: str, found: Any, events: list[Any]) -> Past:
        around, execution = self._service.around, found.execution
        revision = revision_of(around, execution.revision)
        started = history.started_details(execution, revision)
        machine = arns.parse(execution.machine_arn, "stateMachine")
        told = describe(execution, around.now()) | {
            "live": isinstance(found, Live) and not found.ended,
            "parent": execution.parent_arn,
            "revision": execution.revision,
            "express": execution.type is MachineType.EXPRESS,
            "origin": execution.origin and {"execution": execution.origin.execution, "state": execution.origin.state},
        }
        run = self._service.store.get(MapRun, execution.map_run_arn) if execution.map_run_arn else None
        name = machine.name.partition("/")[0]
        identity = Identity(arn, execution.name, execution.machine_arn, name, revision.role_arn, execution.started_at)
        begun = {} if execution.origin is None else loads(execution.origin.variables)
        variables = {variable: dumps(value) for variable, value in begun.items()}

        def read() -> Past:
            text = revision.definition if execution.map_run_arn is None else _processor(revision.definition, run)
            return _past(arn, told, _rendered(events, started), text, identity, variables)

        is_short = len(events) < _LONG and len(revision.definition) < _LONG_TEXT
        return read() if is_short else await asyncio.to_thread(read)

    def beside(self, arn: str) -> dict[str, Any]:
        """What may change after its end: ``current``, whether its machine is still as it ran by it, and ``again``,
        those that were started again of it."""
        found = None if arn.startswith(FILE) else self.found(arn)
        if found is None:
            return {"current": False, "again": []}
        store, execution = self._service.store, found.execution
        machine = store.get(StateMachine, execution.machine_arn.partition("/")[0])
        again = [*store.begun_from(arn, KEPT), *self._express_of(arn)]
        return {
            "current": machine is not None and machine.revision == execution.revision,
            "again": [
                {"arn": one.arn, "name": one.name, "status": one.status, "state": one.origin.state}
                for one in again
                if one.origin is not None
            ],
        }

    def _express_of(self, arn: str) -> list[Execution]:
        kept = (ended.execution for ended in self._service.host.express.newest())
        return [one for one in kept if one.origin is not None and one.origin.execution == arn]


def _processor(definition: str, run: MapRun | None) -> str:
    """The definition of a Map Run's child: the Map's processor."""
    raw = read_definition(definition).raw
    node = graph_of(raw).by_id.get(run.state) if run else None
    inner: Any = raw
    for key in node.place if node else ():
        inner = inner[key]
    return dumps(inner.get(_MAP_CHILD) or inner.get("Iterator") or raw)


def _not_there(arn: str, kept: int) -> str:
    if ":express:" not in arn:
        return f"There is no execution {arn}."
    return f"The EXPRESS execution {arn} is not kept any more: only the last {kept} are (--express-history)."


def _rendered(events: Sequence[Any], started: Mapping[str, str]) -> list[Event]:
    texts = history.Texts(events[0].detail if events else None)
    held: dict[str, str] = {}
    return [_held_once(history.render(event, n, texts, started), held) for n, event in enumerate(events, 1)]


def _held_once(event: dict[str, Any], held: dict[str, str]) -> Event:
    """What a state takes is what the one before it gave: a text of both is ``held`` once, and as plain text."""
    for name, details in event.items():
        if isinstance(details, dict):
            event[name] = {key: held.setdefault(v, str(v)) if isinstance(v, str) else v for key, v in details.items()}
    return event


def _size(events: list[Event]) -> int:
    details = (value for event in events for value in event.values() if isinstance(value, dict))
    return sum(map(len, {text for detail in details for text in detail.values() if isinstance(text, str)}))


def _past(
    arn: str,
    execution: Mapping[str, Any],
    events: list[Event],
    text: str,
    identity: Identity,
    variables: Mapping[str, str] | None = None,
) -> Past:
    definition = read_definition(text) if text else None
    graph = None if definition is None else graph_of(definition.raw)
    model = parse(text)[0] if text else None
    states = {} if model is None else states_by_name(model.body)
    told = happened(events, graph, variables)
    drawn = orjson.Fragment(orjson.dumps({"graph": graph and data(graph), "happened": outline(told)}))
    return Past(arn, execution, events, told, definition, text, graph, states, identity, drawn, _size(events))


def _past_of_file(text: str, name: str, definition: str | None) -> Past:
    read = read_history(text, name)
    told = {
        "name": read.execution.get("name", name),
        "stateMachineArn": read.execution.get("stateMachineArn", ""),
        "executionArn": read.execution.get("executionArn", ""),
        "file": name,
        "live": False,
    }
    identity = Identity(str(told["executionArn"]), str(told["name"]), str(told["stateMachineArn"]), "", "", 0.0)
    past = _past("", told, list(read.events), definition or read.definition or "", identity)
    seen = past.told
    described = {"status": seen.status, "startDate": seen.started, "stopDate": seen.ended}
    described |= {"input": seen.input, "output": seen.output, "error": seen.error, "cause": seen.cause}
    return past._replace(execution={**described, **told})
