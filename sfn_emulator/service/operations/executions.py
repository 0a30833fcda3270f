"""The operations on executions: start, stop, describe, list, history. ``host`` has the running ones."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sfn_emulator.asl.model import MachineType
from sfn_emulator.engine.events import Event
from sfn_emulator.engine.run import Status
from sfn_emulator.service import arns
from sfn_emulator.service.errors import Reason, invalid, refuse, type_not_supported
from sfn_emulator.service.inputs import read_input
from sfn_emulator.service.machines.revisions import revision_of
from sfn_emulator.service.map_runs import operations as map_runs
from sfn_emulator.service.map_runs.host import MapRunHost
from sfn_emulator.service.names import check_name
from sfn_emulator.service.operations import aliases
from sfn_emulator.service.operations.machines import Machines
from sfn_emulator.service.paging import issue, page, page_size, resume
from sfn_emulator.service.redrive import redrive_status, redriven_with
from sfn_emulator.service.running import history, pages
from sfn_emulator.service.running.host import Host
from sfn_emulator.service.running.live import Live
from sfn_emulator.service.store.documents import Filter
from sfn_emulator.service.store.records import Alias, Execution, MapRun, StateMachine, Version
from sfn_emulator.service.surroundings import Surroundings

MOST_OPEN: Final = 1_000_000
HISTORY_BYTES: Final = 2 * 1024 * 1024
"""Length of the data on one page of a history. A page may have fewer events than were asked for
(API_GetExecutionHistory: maxResults).
"""
_NAME_TAKEN: Final = 90 * 24 * 3600.0
"""Seconds after an execution's end for which its name is taken (API_StartExecution: name)."""
_END_SOON: Final = 1.0
"""Seconds that StopExecution waits for the end of a long turn before it is answered."""
_BILLED_STEP: Final = 100
_BILLED_MEMORY: Final = 64


class Executions:
    """The operations on executions."""

    def __init__(self, host: Host, machines: Machines, map_runs: MapRunHost) -> None:
        self._host = host
        self._machines = machines
        self._map_runs = map_runs

    # -- start

    def start(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Idempotent for a STANDARD execution of the same name and input that still runs (API_StartExecution)."""
        execution = self.begin(around, self.wanted(around, told)).execution
        return {"executionArn": execution.arn, "startDate": execution.started_at}

    def begin(self, around: Surroundings, wanted: Execution, *, keep: bool = False) -> "Live | Found":
        """A new live execution, or the running one of the same name and input. ``keep``: see ``Host.begin``."""
        value = read_input(wanted.input)
        if wanted.type is MachineType.EXPRESS:
            return self._host.begin(wanted, value)
        existing = self.found(around, wanted.arn)
        if isinstance(existing, Found) and around.now() - (existing.execution.stopped_at or around.now()) > _NAME_TAKEN:
            around.store.forget(existing.seq)
            existing = None
        if existing is None:
            if len(self._host) >= MOST_OPEN:
                raise refuse("ExecutionLimitExceeded", f"{MOST_OPEN} executions are open")
            return self._host.begin(wanted, value, keep=keep)
        same = existing.execution.status is Status.RUNNING and existing.execution.input == wanted.input
        if not same:
            raise refuse("ExecutionAlreadyExists", wanted.arn)
        return existing

    async def start_sync(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Runs an EXPRESS execution to its end."""
        wanted = self.wanted(around, told)
        if wanted.type is not MachineType.EXPRESS:
            raise type_not_supported()
        live = self._host.begin(wanted, read_input(wanted.input))
        done = await self._host.end_of(live)
        return _sync_answer(done, told.get("includedData"))

    def wanted(self, around: Surroundings, told: Mapping[str, Any]) -> Execution:
        """The record of the execution that a start asks for. Raises StartExecution's errors about machine and name."""
        return _wanted(around, told)

    # -- stop

    async def stop(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Stops an execution. For one that has ended, the time of its end is returned."""
        found = self._existing(around, told["executionArn"])
        if found.execution.type is MachineType.EXPRESS:
            raise type_not_supported()
        if not isinstance(found, Live) or found.ended:
            return {"stopDate": found.execution.stopped_at}
        asked = found.stop(told.get("error"), told.get("cause"))
        if not found.ended:  # the execution is between two commits, or in a long turn that is given up in a moment
            await self._end_soon(around, found)
        return {"stopDate": found.execution.stopped_at or asked}

    async def _end_soon(self, around: Surroundings, live: Live) -> None:
        """Waits for the end of an execution that was stopped. If that takes long, because the execution has yet to come
        to where it was before a restart, the stop need only be stored.
        """
        midway = False
        while not live.ended and not midway:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._host.end_of(live), _END_SOON)
            midway = live.behind or live.run.midway
        if around.journal.pending or around.journal.failure is not None:
            await around.journal.committed()

    # -- redrive

    def redrive(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Idempotent by the last ``clientToken``s."""
        found = self._existing(around, told["executionArn"])
        execution, token = found.execution, told.get("clientToken")
        before = redriven_with(execution, token, around.now())
        if before is not None:
            return {"redriveDate": before}
        status, reason = redrive_status(execution, around.now(), deleting=_is_deleting(around, execution))
        if isinstance(found, Live) or status != "REDRIVABLE":
            raise refuse("ExecutionNotRedrivable", reason or f"Execution is {status}")
        if len(self._host) >= MOST_OPEN:
            raise refuse("ExecutionLimitExceeded", f"{MOST_OPEN} executions are open")
        return {"redriveDate": self._host.redrive(found.seq, execution, token).execution.redriven_at}

    # -- describe

    def describe(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        execution = self._existing(around, told["executionArn"]).execution
        deleting = _is_deleting(around, execution)
        return describe(execution, around.now(), told.get("includedData"), deleting=deleting)

    def describe_machine(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """The machine as this execution runs it, even if it was changed or deleted since."""
        execution = self._existing(around, told["executionArn"]).execution
        revision = revision_of(around, execution.revision)
        arn = arns.parse(execution.machine_arn, "stateMachine")
        answer = {
            "stateMachineArn": arn.text,
            "name": arn.name.partition("/")[0],
            "updateDate": revision.created_at,
            **self._machines.configuration(revision, told.get("includedData"), arn.label),
        }
        if execution.map_run_arn is None:
            return answer
        return answer | {"mapRunArn": execution.map_run_arn, "label": execution.machine_arn.rpartition("/")[2]}

    # -- lists

    def list(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """The executions of a machine, version, alias or Map Run, newest first."""
        column, value = self._listed(around, told)
        status = Status(told["statusFilter"]) if "statusFilter" in told else None
        redriven = told["redriveFilter"] == "REDRIVEN" if "redriveFilter" in told else None
        scope, size = f"executions {value} {status} {redriven}", page_size(told.get("maxResults"))
        before = resume(scope, told.get("nextToken"), around.now())
        map_run = around.store.get(MapRun, value) if column == "map_run" else None
        found: Sequence[tuple[Any, Execution]]
        if map_run is not None and map_run.express:
            found = [] if redriven else self._map_runs.newest(map_run, status, before, size + 1)
        else:
            found = around.store.executions(Filter(column, value, status, redriven, before), size + 1)
        shown, more = page(found, size, scope, lambda row: row[0], around.now())
        return {"executions": [_brief(execution) for _, execution in shown], **more}

    def _listed(self, around: Surroundings, told: Mapping[str, Any]) -> tuple[str, str]:
        machine_arn, map_run_arn = told.get("stateMachineArn"), told.get("mapRunArn")
        if (machine_arn is None) == (map_run_arn is None):
            raise invalid(Reason.MISSING_PARAMETER, "Exactly one of stateMachineArn and mapRunArn must be specified")
        if map_run_arn is not None:
            if around.store.get(MapRun, arns.parse(map_run_arn, "mapRun").text) is None:
                raise refuse("ResourceNotFound", map_run_arn, resourceName=map_run_arn)
            return "map_run", map_run_arn
        arn = arns.parse(told["stateMachineArn"], "stateMachine")
        if told.get("statusFilter") == Status.PENDING_REDRIVE:
            raise refuse("ValidationException", "statusFilter PENDING_REDRIVE can only be used with mapRunArn")
        machine = around.store.get(StateMachine, arn.base)
        column = _qualified(around, arn) if arn.qualifier else "machine"
        if machine is None or column is None:
            raise refuse("StateMachineDoesNotExist", arn.text)
        if machine.type is MachineType.EXPRESS:
            raise type_not_supported()
        return column, arn.text

    def list_map_runs(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        self._existing(around, told["executionArn"])
        return map_runs.list_map_runs(around, told)

    # -- history

    def history(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        found = self._existing(around, told["executionArn"])
        if found.execution.type is MachineType.EXPRESS:
            raise type_not_supported()
        backwards = told.get("reverseOrder", False)
        scope = f"history {found.execution.arn} {backwards}"
        seen = resume(scope, told.get("nextToken"), around.now()) or 0
        size = page_size(told.get("maxResults"))
        included = told.get("includeExecutionData", True)
        count, read = stored_events(around, found, included=included)
        numbers = _numbers(count, seen, size + 1, backwards)
        first = read(1).detail if numbers and min(numbers[0], numbers[-1]) <= 2 else None
        texts = history.Texts(first, included=included)
        started = history.started_details(found.execution, revision_of(around, found.execution.revision))
        shown: list[dict[str, Any]] = []
        for number in numbers[:size]:
            shown.append(history.render(read(number), number, texts, started))
            if texts.given >= HISTORY_BYTES:
                break
        more = issue(scope, shown[-1]["id"], around.now()) if len(shown) < len(numbers) else None
        return {"events": shown, **_optional(nextToken=more)}

    # -- finding

    def found(self, around: Surroundings, arn: str) -> "Live | Found | None":
        live = self._host.live(arn)
        if live is not None:
            return live
        row = around.store.execution(arn)
        if row is not None:
            return Found(*row)
        child = self._map_runs.find(arn)
        return Found(0, child) if child is not None else None

    def _existing(self, around: Surroundings, text: str) -> "Live | Found":
        arn = arns.parse(text, "execution").text
        found = self.found(around, arn)
        if found is None:
            raise refuse("ExecutionDoesNotExist", arn)
        return found


@dataclass(frozen=True, slots=True)
class Found:
    """An ended execution: its row."""

    seq: int
    execution: Execution


def stored_events(around: Surroundings, found: Live | Found, *, included: bool) -> tuple[int, Callable[[int], Event]]:
    """The number of an execution's events, and a function that reads one by its number."""
    stored = pages.Reader(around.store, found.seq, included=included)
    if isinstance(found, Found):
        return found.execution.events, stored
    events = found.events

    def read(number: int) -> Event:
        if found.behind and number <= found.paged:
            return stored(number)
        event = events[number - 1]
        return stored(event.detail) if isinstance(event.detail, int) else event

    return max(len(events), found.paged) if found.behind else len(events), read


def _numbers(count: int, seen: int, most: int, backwards: bool) -> Sequence[int]:
    """The next event ids after ``seen`` (0 at the beginning), in the order asked for."""
    if backwards:
        first = (seen or count + 1) - 1
        return range(first, max(first - most, 0), -1)
    return range(seen + 1, min(seen + most, count) + 1)


def _qualified(around: Surroundings, arn: arns.Arn) -> str | None:
    if around.store.get(Version, arn.text) is not None:
        return "version"
    return "alias" if around.store.get(Alias, arn.text) is not None else None


def _wanted(around: Surroundings, told: Mapping[str, Any]) -> Execution:
    text, test_case = arns.split_test_case(told["stateMachineArn"])
    arn = arns.parse_unlabelled(text)
    machine = around.store.get(StateMachine, arn.base)
    alias = around.store.get(Alias, text) if arn.qualifier else None
    version_arn = aliases.route(alias, around.chance()) if alias else text if arn.qualifier else None
    version = around.store.get(Version, version_arn) if version_arn else None
    if machine is None or (arn.qualifier and version is None):
        raise refuse("StateMachineDoesNotExist", text)
    if machine.deleting:
        raise refuse("StateMachineDeleting", text)
    name = told.get("name") or around.new_id()
    check_name(name)
    express = around.new_id() if machine.type is MachineType.EXPRESS else None
    return Execution(
        arn=around.place.execution_of(machine.arn, name, express),
        name=name,
        machine_arn=machine.arn,
        revision=version.revision if version else machine.revision,
        type=machine.type,
        started_at=around.now(),
        input=told.get("input", "{}"),
        seed=around.new_id(),
        version_arn=version_arn,
        alias_arn=alias.arn if alias else None,
        trace_header=told.get("traceHeader"),
        test_case=test_case,
    )


def _optional(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _brief(execution: Execution) -> dict[str, Any]:
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.started_at,
        "redriveCount": execution.redrive_count,
        **_optional(
            stopDate=execution.stopped_at,
            mapRunArn=execution.map_run_arn,
            itemCount=execution.item_count,
            stateMachineVersionArn=execution.version_arn,
            stateMachineAliasArn=execution.alias_arn,
            redriveDate=execution.redriven_at,
        ),
    }


def _is_deleting(around: Surroundings, execution: Execution) -> bool:
    machine = around.store.get(StateMachine, execution.machine_arn.partition("/")[0])
    return machine is None or machine.deleting


def describe(
    execution: Execution, now: float, included: str | None = None, *, deleting: bool = False
) -> dict[str, Any]:
    """DescribeExecution's answer."""
    told = _brief(execution) | _data(execution, included)
    told.pop("itemCount", None)
    told |= _optional(traceHeader=execution.trace_header, error=execution.error, cause=execution.cause)
    status, reason = redrive_status(execution, now, deleting=deleting)
    return told | {"redriveStatus": status} | _optional(redriveStatusReason=reason)


def _data(execution: Execution, included: str | None) -> dict[str, Any]:
    if included == "METADATA_ONLY":
        return {"inputDetails": {"included": False}, "outputDetails": {"included": False}}
    told: dict[str, Any] = {"input": execution.input, "inputDetails": {"included": True}}
    if execution.output is not None:
        told |= {"output": execution.output, "outputDetails": {"included": True}}
    return told


def _sync_answer(execution: Execution, included: str | None) -> dict[str, Any]:
    """StartSyncExecution's answer; it has outputDetails for failures, too (recorded)."""
    told = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine_arn,
        "name": execution.name,
        "startDate": execution.started_at,
        "stopDate": execution.stopped_at,
        "status": Status.FAILED if execution.status is Status.ABORTED else execution.status,
        "outputDetails": {"included": True},
        "billingDetails": _billed(execution),
    }
    told |= _optional(error=execution.error, cause=execution.cause, traceHeader=execution.trace_header)
    return told | _data(execution, included)


def _billed(execution: Execution) -> dict[str, int]:
    """Duration in steps of 100 ms, memory in steps of 64 MB (Step Functions pricing)."""
    took = round(((execution.stopped_at or execution.started_at) - execution.started_at) * 1000)
    steps = max(1, -(-took // _BILLED_STEP))
    return {"billedDurationInMilliseconds": steps * _BILLED_STEP, "billedMemoryUsedInMB": _BILLED_MEMORY}
