"""What the page has opened: executions of the service, and histories from files. The latest that were seen are kept."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from weakref import WeakValueDictionary

from sfn_emulator.asl.model import MachineType
from sfn_emulator.console.answers import RefusedError
from sfn_emulator.console.past import Case, Past, PastReading, past_of_file
from sfn_emulator.engine.ports import Identity
from sfn_emulator.picture.definition import UndrawableError, read_definition
from sfn_emulator.picture.graph import graph_of
from sfn_emulator.picture.history.events import Event
from sfn_emulator.picture.history.file import UnreadableHistoryError
from sfn_emulator.service import arns
from sfn_emulator.service.machines.revisions import revision_of
from sfn_emulator.service.operations.executions import Found, describe, stored_events
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
_TURN: Final = 0.005
"""Seconds of reading a long history from the store, after which others have their turn."""
_LONG_TEXT: Final = 50_000
"""A definition with more characters than this is read in a thread."""
_REST: Final = 4
"""A growing history is not read on for this many times as long as reading took the last time."""
_REST_OF_ONE: Final = 40e-6
"""The pause lasts at least this many seconds per event, because the page gets the outline of all events."""
FILE: Final = "file:"
"""The prefix of an opened file's name. No ARN begins like that."""
_MAP_CHILD: Final = "ItemProcessor"


class Source(NamedTuple):
    """An execution for a download. ``event`` gives an event by its number, from 1 to ``length``."""

    execution: Mapping[str, Any]
    text: str
    length: int
    event: Callable[[int], Event]


class _Kept(NamedTuple):
    """``moment`` is the status it was read at. New events are read from ``until`` on, by ``reading``."""

    past: Past
    moment: str
    until: float
    reading: PastReading | None


class Pasts:
    """Executions of the service by ARN, and opened files by ``file:DIGEST``."""

    def __init__(self, service: StepFunctions) -> None:
        self._service = service
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._files: OrderedDict[str, Past] = OrderedDict()
        (self._newest_before,) = service.store.database.execute("SELECT max(seq) FROM execution").fetchone()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, arn: str) -> Past:
        """A long history is read beside the loop. Of one that grows, only the new events are read.

        Raises ``RefusedError``, and ``ApiError`` for what is no ARN.
        """
        if arn.startswith(FILE):
            return self._opened(arn)
        async with self._locks.setdefault(arn, asyncio.Lock()):
            return await self._read(arn)

    def _opened(self, arn: str) -> Past:
        found = self._files.get(arn)
        if found is None:
            raise RefusedError("This file is no longer open; open it again.", 404)
        return found

    async def _read(self, arn: str) -> Past:
        found = self._there(arn)
        count, read = self._events(found)
        moment = f"{found.execution.status} {found.execution.redrive_count}"
        kept = self._kept.get(arn)
        if kept is not None and kept.moment != moment:
            kept = None
        if kept is None or (count != len(kept.past.events) and self._now() >= kept.until):
            began = self._now()
            reading = kept.reading if kept is not None and kept.reading is not None else await self._begun(arn, found)
            try:
                past = await self._grown(reading, count, read)
            except LookupError:  # it was forgotten meanwhile
                raise RefusedError(self._not_there(arn), 404) from None
            rest = max((self._now() - began) * _REST, count * _REST_OF_ONE)
            self._keep(arn, _Kept(past, moment, self._now() + rest, reading if isinstance(found, Live) else None))
            return past
        self._kept.move_to_end(arn)
        return kept.past

    def _keep(self, arn: str, kept: _Kept) -> None:
        self._kept[arn] = kept
        self._kept.move_to_end(arn)
        while len(self._kept) > KEPT or (len(self._kept) > 1 and self._is_too_much()):
            self._kept.popitem(last=False)

    async def _begun(self, arn: str, found: Live | Found | Ended) -> PastReading:
        case = self._case(arn, found)
        is_short = len(case.text) < _LONG_TEXT
        return PastReading(arn, case) if is_short else await asyncio.to_thread(PastReading, arn, case)

    async def _grown(self, reading: PastReading, count: int, read: Callable[[int], Any]) -> Past:
        """Reads from the store on the loop, a little at a time, and builds the rest in a thread."""
        if count < _LONG and len(reading.case.text) < _LONG_TEXT:
            reading.add([read(number) for number in range(reading.count + 1, count + 1)])
            return reading.past()
        while reading.count < count:
            until, events = self._now() + _TURN, list[Any]()
            while reading.count + len(events) < count and self._now() < until:
                events.append(read(reading.count + len(events) + 1))
            await asyncio.to_thread(reading.add, events)
        return await asyncio.to_thread(reading.past)

    def source(self, arn: str) -> Source:
        """Raises as ``get`` does. ``event`` raises ``LookupError`` for one that was forgotten meanwhile."""
        if arn.startswith(FILE):
            past = self._opened(arn)
            return Source(past.execution, past.text, len(past.events), lambda number: past.events[number - 1])
        found = self._there(arn)
        case, (count, read) = self._case(arn, found), self._events(found)
        texts = history.Texts(read(1).detail if count else None)

        def event(number: int) -> Event:
            return history.render(read(number), number, texts, case.started)

        return Source(case.execution, case.text, count, event)

    def _there(self, arn: str) -> Live | Found | Ended:
        found = self.found(arn)
        if found is None:
            raise RefusedError(self._not_there(arn), 404)
        return found

    def _not_there(self, arn: str) -> str:
        return _not_there(arn, self._service.host.express.most)

    def now(self, arn: str) -> float | None:
        """The present instant of an execution that runs, by its own clock."""
        live = self._service.host.live(arn)
        return None if live is None or live.ended else live.now

    def is_behind(self, past: Past) -> bool:
        """Whether there are newer events, which are not read yet: a long history is not read with every change."""
        live = self._service.host.live(past.arn)
        return live is not None and len(live.events) != len(past.events)

    def is_older(self, arn: str) -> bool:
        """Whether it began before this server's start: its earlier writes were not noted."""
        found = None if arn.startswith(FILE) else self.found(arn)
        return isinstance(found, Live | Found) and 0 < found.seq <= (self._newest_before or 0)

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
            past = await asyncio.to_thread(past_of_file, text, name, definition)
        except (UnreadableHistoryError, UndrawableError) as error:
            raise RefusedError(str(error)) from None
        key = FILE + hashlib.sha256((text + (definition or "")).encode()).hexdigest()[:16]
        self._files[key] = past._replace(arn=key)
        while len(self._files) > KEPT:
            self._files.popitem(last=False)
        return key

    def _case(self, arn: str, found: Live | Found | Ended) -> Case:
        around, execution = self._service.around, found.execution
        revision = revision_of(around, execution.revision)
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
        text = revision.definition if execution.map_run_arn is None else _processor(revision.definition, run)
        return Case(told, text, identity, history.started_details(execution, revision), variables)

    def beside(self, arn: str) -> dict[str, Any]:
        """The facts that may change after its end: ``current``, whether its machine still has its definition, and
        ``again``, the executions that were started again from it.
        """
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
    return f"The EXPRESS execution {arn} is no longer kept: only the last {kept} are (--express-history)."
