"""The rules that hold after any number of crashes. Every function returns one line per breach."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from tests.crash.known import Known
from tests.crash.machines import KINDS
from tests.crash.participants import Call, mark

_GRACE: Final = 2.0
"""Seconds a call may be on its way while its caller is dead already, on a busy machine."""
_LATENESS: Final = 30.0
"""Seconds a wait may be late beside the time nobody was there. Servers are ready before their executions have caught
up, and a busy machine is slow to do that. A wait that is forgotten never ends.
"""
_SECONDS: Final = {"W": 1, "W2": 1, "X": 1}


def exists(end: Any) -> bool:
    return end is not None and "Code" not in end


def breaches(
    executions: dict[str, Known],
    ends: dict[str, Any],
    histories: dict[str, list[Any]],
    reference: dict[str, Counter[str]],
    down: list[tuple[float, float]],
) -> list[str]:
    """Of each execution: it exists if it was acknowledged, ended as it should, and its history is as it was told."""
    found: list[str] = []
    for name, known in executions.items():
        end, history = ends.get(name), histories.get(name, [])
        if end is None:
            found.append(f"{name} has not ended: {[event['type'] for event in history[-3:]]}")
        elif not exists(end):
            if known.acknowledged:
                found.append(f"{name} was acknowledged and is gone: {end}")
        else:
            found += [f"{name}: {breach}" for breach in _of_one(known, end, history, reference, down)]
    return found


def _of_one(
    known: Known,
    end: dict[str, Any],
    history: list[Any],
    reference: dict[str, Counter[str]],
    down: list[tuple[float, float]],
) -> Iterator[str]:
    yield from _end(known, end)
    yield from _order(history)
    yield from _against_reference(known, history, reference)
    yield from _told_before(known, end, history)
    yield from _waits(known, history, down)


def _end(known: Known, end: dict[str, Any]) -> Iterator[str]:
    kind = KINDS[known.kind]
    wanted = kind.status, kind.output(known.n) if kind.status == "SUCCEEDED" else None
    got = end["status"], json.loads(end["output"]) if "output" in end else None
    if got != wanted:
        yield f"ended {got}, not {wanted}: {end.get('error')} {end.get('cause')}"


def _order(history: list[Any]) -> Iterator[str]:
    if [event["id"] for event in history] != list(range(1, len(history) + 1)):
        yield f"ids have gaps or duplicates: {[event['id'] for event in history]}"
    for before, event in pairwise(history):
        if event["timestamp"] < before["timestamp"]:
            yield f"event {event['id']} is before event {before['id']}"
        if event["previousEventId"] >= event["id"]:
            yield f"event {event['id']} follows {event['previousEventId']}"
    ends = [event["type"] for event in history if event["type"].startswith("Execution")]
    if len([one for one in ends if one not in ("ExecutionStarted", "ExecutionRedriven")]) != 1 + ends.count(
        "ExecutionRedriven"
    ):
        yield f"begins and ends as {ends}"


def _against_reference(known: Known, history: list[Any], reference: dict[str, Counter[str]]) -> Iterator[str]:
    apart = KINDS[known.kind].apart or ("-",)
    got = Counter(event["type"] for event in history if not event["type"].startswith(apart))
    wanted = reference.get(known.kind)
    if wanted is not None and got != wanted:
        yield f"events differ from an undisturbed run: more {dict(got - wanted)}, fewer {dict(wanted - got)}"


def _told_before(known: Known, end: dict[str, Any], history: list[Any]) -> Iterator[str]:
    """An answer from before a crash is the same after it."""
    for _, earlier in known.histories:
        if earlier != history[: len(earlier)]:
            differing = next(
                (pair for pair in zip(earlier, history, strict=False) if pair[0] != pair[1]), "it is shorter now"
            )
            yield f"a history of {len(earlier)} events, seen before, has changed: {differing}"
    for earlier in known.described:
        if earlier["status"] in ("SUCCEEDED", "ABORTED", "TIMED_OUT") and earlier != end:
            yield f"was {earlier}, is {end}"
        if earlier["startDate"] != end["startDate"]:
            yield f"began {earlier['startDate']}, now {end['startDate']}"


def _waits(known: Known, history: list[Any], down: list[tuple[float, float]]) -> Iterator[str]:
    """Waits end when due, or later by the time in which no server ran."""
    entered: dict[str, float] = {}
    for event in history:
        if event["type"] == "WaitStateEntered":
            entered[event["stateEnteredEventDetails"]["name"]] = event["timestamp"].timestamp()
        elif event["type"] == "WaitStateExited":
            name = event["stateExitedEventDetails"]["name"]
            seconds = 2 if known.kind == "wait" and name == "W" else _SECONDS[name]
            due, at = entered[name] + seconds, event["timestamp"].timestamp()
            absent = max((up for since, up in down if since <= due + _LATENESS and up > due), default=due)
            if at < due - 0.001:
                yield f"{name} ended {due - at:.3f} s early"
            if at > max(due, absent) + _LATENESS:
                yield f"{name} ended {at - max(due, absent):.3f} s late"


def repeated(
    all_calls: dict[tuple[str, int, int], list[Call]], killed_at: list[float], executions: dict[str, Known]
) -> Iterator[str]:
    """A call is made again only if a server died meanwhile, and never once its outcome was seen in a history."""
    for which, calls in all_calls.items():
        known = executions.get(which[0].partition("/")[0])
        seen = _first_seen(known, mark(which)) if known else float("inf")
        for before, after in pairwise(calls):
            if not any(before.came - _GRACE <= at <= after.came for at in killed_at):
                yield f"{which} was called twice without a crash"
            if after.came > seen:
                yield f"{which} was called again {after.came - seen:.1f} s after its outcome had been recorded"


def _first_seen(known: Known, text: str) -> float:
    times = (at for at, history in known.histories if any(text in str(event) for event in history))
    return min(times, default=float("inf"))
