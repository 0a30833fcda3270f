"""The operations on Map Runs: list, describe, update. The runner of Map Runs writes the records and reads the
settings.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sfn_emulator.engine.run import Status
from sfn_emulator.service import arns
from sfn_emulator.service.errors import Reason, invalid, refuse
from sfn_emulator.service.paging import page, page_size, resume
from sfn_emulator.service.store.records import MapRun
from sfn_emulator.service.surroundings import Surroundings

_COUNTS: Final = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten")
_SETTINGS: Final = {
    "maxConcurrency": "max_concurrency",
    "toleratedFailurePercentage": "tolerated_percentage",
    "toleratedFailureCount": "tolerated_count",
}


def _map_run(around: Surroundings, arn: str) -> MapRun:
    found = around.store.get(MapRun, arns.parse(arn, "mapRun").text)
    if found is None:
        raise refuse("ResourceNotFound", arn, resourceName=arn)
    return found


def _counts(counted: Mapping[str, int]) -> dict[str, int]:
    return dict.fromkeys(_COUNTS, 0) | {"failuresNotRedrivable": 0, "pendingRedrive": 0} | dict(counted)


def describe_map_run(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    run = _map_run(around, told["mapRunArn"])
    answer = {
        "mapRunArn": run.arn,
        "executionArn": run.execution_arn,
        "status": run.status,
        "startDate": run.created_at,
        "maxConcurrency": run.max_concurrency,
        "toleratedFailurePercentage": run.tolerated_percentage or 0.0,
        "toleratedFailureCount": run.tolerated_count or 0,
        "itemCounts": _counts(run.items),
        "executionCounts": _counts(run.executions),
        "redriveCount": run.redrive_count,
    }
    if run.stopped_at is not None:
        answer["stopDate"] = run.stopped_at
    if run.redriven_at is not None:
        answer["redriveDate"] = run.redriven_at
    return answer


def list_map_runs(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    """The Map Runs of one execution, in the order of their start. ``Executions`` checks that the execution exists."""
    execution_arn = arns.parse(told["executionArn"], "execution").text
    scope, size = f"map runs {execution_arn}", page_size(told.get("maxResults"))
    after = resume(scope, told.get("nextToken"), around.now())
    found = around.store.documents(MapRun, execution_arn, after=after, limit=size + 1)
    shown, more = page(found, size, scope, lambda run: (run.created_at, run.key), around.now())
    return {"mapRuns": [_brief(run) for run in shown], **more}


def _labelled(run: MapRun) -> str:
    """The state machine's ARN with the label of the Map state (recorded)."""
    return f"{run.machine_arn.partition('/')[0]}/{run.label}" if run.label else run.machine_arn


def _brief(run: MapRun) -> dict[str, Any]:
    told = {
        "executionArn": run.execution_arn,
        "mapRunArn": run.arn,
        "stateMachineArn": _labelled(run),
        "startDate": run.created_at,
    }
    return told if run.stopped_at is None else told | {"stopDate": run.stopped_at}


def update_map_run(around: Surroundings, told: Mapping[str, Any]) -> MapRun:
    """The record with its new settings; only while it runs (API_UpdateMapRun)."""
    run = _map_run(around, told["mapRunArn"])
    changes = {field: told[name] for name, field in _SETTINGS.items() if name in told}
    if not changes:
        raise invalid(Reason.MISSING_PARAMETER, f"At least one of {', '.join(_SETTINGS)} must be specified")
    if run.status is not Status.RUNNING:
        raise invalid(Reason.COMPLETED_MAP_RUN, "The Map Run is not running")
    changed = replace(run, **changes)
    around.store.put(changed)
    return changed


def abandoned(run: MapRun, now: float) -> MapRun:
    """The record of a Map Run whose parent has ended without it: its running children were aborted."""
    return replace(
        run, status=Status.ABORTED, stopped_at=now, items=_aborted(run.items), executions=_aborted(run.executions)
    )


def _aborted(counts: Mapping[str, int]) -> dict[str, int]:
    running = counts.get("running", 0)
    return {**counts, "running": 0, "aborted": counts.get("aborted", 0) + running, "pendingRedrive": 0}
