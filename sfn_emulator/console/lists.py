"""Lists: machines, executions by a search, and a grid of the last executions by the states they entered.

Lists are read from an index, so that a million executions list as fast as ten. Texts of inputs and outputs are in no
index: a search looks at ``LOOKED_AT`` executions at a time and reports how far it came.
"""

import asyncio
from collections.abc import Iterator, Mapping
from heapq import merge
from typing import Any, Final

from sfn_emulator.asl.model import MachineType
from sfn_emulator.console.answers import RefusedError, number
from sfn_emulator.console.opened import Pasts
from sfn_emulator.engine.run import Status
from sfn_emulator.picture.history.visit import Outcome
from sfn_emulator.service.errors import ApiError
from sfn_emulator.service.stepfunctions import StepFunctions
from sfn_emulator.service.store.documents import Filter
from sfn_emulator.service.store.records import Alias, Execution, MapRun, StateMachine, Version

SIZE: Final = 50
MOST: Final = 200
LOOKED_AT: Final = 1_000
_GRID: Final = 40
_ORDER: Final = list(Outcome)
_BELOW: Final = 2**40
_NO_PLACE: Final = "'before' is not a place in this list."
_BREATH: Final = 50
"""Executions a search looks at before it lets others have their turn."""


Place = tuple[float, ...]
"""The place of an execution in a list: (time, seq), or the place of an EXPRESS child in its Map Run."""


class Lists:
    """The page's lists. Use it on the loop's thread."""

    def __init__(self, service: StepFunctions, pasts: Pasts) -> None:
        self._service, self._pasts = service, pasts

    # -- machines

    def _all(self) -> list[StateMachine]:
        store = self._service.store
        rows = store.database.execute("SELECT DISTINCT parent FROM document WHERE kind = ?", (StateMachine.kind,))
        regions = [region for (region,) in rows.fetchall()]
        return [machine for region in regions for machine in store.documents(StateMachine, region)]

    async def machines(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """All machines, and how many ended EXPRESS executions are kept."""
        machines = [self._machine(machine) for machine in self._all()]
        return {"machines": machines, "express": self._service.host.express.most}

    def _machine(self, machine: StateMachine) -> dict[str, Any]:
        store = self._service.store
        aliases = store.documents(Alias, machine.arn)
        return {
            "arn": machine.arn,
            "name": machine.name,
            "type": machine.type,
            "region": machine.region,
            "updated": machine.updated_at,
            "aliases": [{"name": alias.name, "arn": alias.arn} for alias in aliases],
            "versions": store.count(Version, machine.arn),
        }

    # -- executions

    async def executions(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """A page, newest first; ``next`` is where the next one begins, ``looked`` how many a search looked at."""
        status, before = _status(parameters), _cursor(parameters.get("before", ""))
        size, wanted = number(parameters, "limit", SIZE, MOST) or SIZE, parameters.get("q", "").lower()
        since = self._since(parameters)
        found: list[dict[str, Any]] = []
        looked, last = 0, None
        for last, execution in self._newest(parameters, status, before):
            looked += 1
            if wanted and looked % _BREATH == 0:
                await asyncio.sleep(0)
            if (execution.stopped_at or execution.redriven_at or execution.started_at) < since:
                last = None
                break
            shown = execution if not wanted else self._searched(execution, wanted)
            if shown is not None:
                found.append(self._brief(shown))
            if len(found) >= size or looked >= LOOKED_AT:
                break
        else:
            last = None
        following = "" if last is None else ",".join(map(repr, last))
        return {"executions": found, "next": following, "looked": looked}

    def _since(self, parameters: Mapping[str, str]) -> float:
        """The time ``within`` seconds ago, by the server's clock, which may differ from the browser's."""
        within = number(parameters, "within", 0, 10**10)
        return self._service.around.now() - within if within else 0.0

    def _newest(
        self, parameters: Mapping[str, str], status: Status | None, before: Place | None
    ) -> Iterator[tuple[Place, Execution]]:
        """The newest executions of all machines, or of one machine, alias or Map Run."""
        machine = self._service.store.get(StateMachine, parameters.get("machine", ""))
        if machine is not None and machine.type is MachineType.EXPRESS:
            yield from self._express(parameters.get("alias") or machine.arn, status, before)
            return
        for column in ("map_run", "alias", "machine"):
            if parameters.get(column):
                yield from self._of(column, parameters[column], status, before)
                return
        machines = [machine.arn for machine in self._all() if machine.type is MachineType.STANDARD]
        lists = [self._of("machine", arn, status, before) for arn in machines]
        lists.append(self._express("", status, before))
        yield from merge(*lists, key=lambda row: row[0], reverse=True)

    def _of(
        self, column: str, value: str, status: Status | None, before: Place | None
    ) -> Iterator[tuple[Place, Execution]]:
        service = self._service
        run = service.store.get(MapRun, value) if column == "map_run" else None
        express = run is not None and run.express
        if before is not None and not express and len(before) != 2:
            raise RefusedError(_NO_PLACE)
        place: Any = before
        page: Any
        while True:
            if run is not None and express:
                page = service.map_runs.newest(run, status, place, SIZE)
            else:
                page = service.store.executions(Filter(column, value, status, None, place), SIZE)
            yield from page
            if len(page) < SIZE:
                return
            place = page[-1][0]

    def _express(self, of: str, status: Status | None, before: Place | None) -> Iterator[tuple[Place, Execution]]:
        """EXPRESS executions that run, and the last that ended: of a machine, of an alias, or of all (``of`` is empty).

        The second part of their place is below 0, so that none stands where a stored one does.
        """
        host = self._service.host
        running = (live.execution for live in host.all() if live.execution.type is MachineType.EXPRESS)
        rows = [((one.started_at, number - _BELOW // 2), one) for number, one in enumerate(running)]
        rows += [((e.execution.stopped_at or 0.0, e.number - _BELOW), e.execution) for e in host.express.newest()]
        for place, one in sorted(rows, key=lambda row: row[0], reverse=True):
            wanted = of in ("", one.machine_arn, one.alias_arn) and status in (None, one.status)
            if wanted and (before is None or place < before):
                yield place, one

    def _searched(self, execution: Execution, wanted: str) -> Execution | None:
        """The execution with its texts, if its name or one of the texts contains the searched text."""
        found = self._pasts.found(execution.arn)
        if found is None:
            return None
        whole = found.execution
        texts = (whole.name, whole.input, whole.output, whole.error, whole.cause)
        return whole if any(text and wanted in text.lower() for text in texts) else None

    def _brief(self, execution: Execution) -> dict[str, Any]:
        """The newest state of a running execution; the reason of a failed one."""
        found = self._pasts.found(execution.arn)
        whole = execution if found is None else found.execution
        return {
            "arn": whole.arn,
            "name": whole.name,
            "machine": whole.machine_arn,
            "status": whole.status,
            "started": whole.started_at,
            "stopped": whole.stopped_at,
            "redrives": whole.redrive_count,
            "error": whole.error,
            "alias": whole.alias_arn and whole.alias_arn.rpartition(":")[2],
            "version": whole.version_arn and whole.version_arn.rpartition(":")[2],
            "events": whole.events,
            "again": whole.origin and whole.origin.state,
        }

    # -- the grid

    async def grid(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The last executions of a machine × its states: which step failed in which run."""
        machine = parameters.get("machine", "")
        wanted = number(parameters, "n", 20, _GRID)
        runs: list[dict[str, Any]] = []
        states: dict[str, None] = {}
        for _, execution in self._newest({"machine": machine}, None, None) if machine else ():
            if len(runs) == wanted:
                break
            if execution.events <= _LONG:
                runs.append(await self._run(execution, states))
        return {"states": list(states), "runs": runs}

    async def _run(self, execution: Execution, states: dict[str, None]) -> dict[str, Any]:
        try:
            past = await self._pasts.get(execution.arn)
        except (RefusedError, ApiError):
            return {"arn": execution.arn, "name": execution.name, "status": execution.status, "outcomes": {}}
        for node in past.graph.nodes if past.graph else ():
            states[node.id] = None
        outcomes: dict[str, Outcome] = {}
        for visit in past.told.visits:
            known = outcomes.get(visit.state)
            if known is None or _ORDER.index(visit.outcome) < _ORDER.index(known):
                outcomes[visit.state] = visit.outcome
        status = past.told.status
        return {"arn": execution.arn, "name": execution.name, "status": status, "outcomes": outcomes}


_LONG: Final = 2_000
"""A history with more events than this is not read for the grid."""


def _status(parameters: Mapping[str, str]) -> Status | None:
    text = parameters.get("status", "")
    if text and text not in Status.__members__:
        raise RefusedError(f"There is no status {text[:30]}.")
    return Status(text) if text else None


def _cursor(text: str) -> Place | None:
    try:
        return tuple(float(part) if "." in part else int(part) for part in text.split(",")) if text else None
    except ValueError:
        raise RefusedError(_NO_PLACE) from None
