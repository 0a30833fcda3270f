"""The schedules, read from moto, and the parcels they post when a moment comes.

Reading waits for moto's lock, so a thread does it; the loop only keeps the timetable and posts. A schedule counts from
the request that made it, however much later it is read: what came due in between fires at once. A one-time schedule
that has fired is noted, so that it does not fire again after a restart. One that came due while the server was down
fires when the server is back. Other schedules skip the moments that they missed.
"""

import json
import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from sfn_emulator.cloud.delivery.checkpoints import Checkpoints
from sfn_emulator.cloud.delivery.outbox import Post
from sfn_emulator.cloud.delivery.sending import Client
from sfn_emulator.cloud.events.courier import KIND
from sfn_emulator.cloud.events.rules import about, input_of
from sfn_emulator.cloud.keeping.chance import drawn, new_id
from sfn_emulator.cloud.schedules.expressions import ExpressionError, compile_rule, compile_schedule, zone_of
from sfn_emulator.cloud.schedules.timetable import Entry, Timetable
from sfn_emulator.cloud.sources.feeds import Moto
from sfn_emulator.engine.ports import Clock

_log: Final = logging.getLogger(__name__)

_MAKERS: Final = frozenset({"events", "scheduler", "cloudformation"})
_UNTIL: Final = float("inf")


class Plan(NamedTuple):
    """A schedule's plan. ``make`` gives the targets' ARNs, their texts and the courier's settings."""

    entry: Entry
    text: str
    """The expression, by which a one-time schedule that was changed may fire again."""
    make: Callable[[float], Sequence[tuple[str, str, Mapping[str, Any]]]]
    delete: tuple[str, str, str] | None = None
    """Region, group and name of a schedule that is deleted when it is over."""


class Agenda:
    """``changed`` may be called from anywhere, also inside moto's lock; ``open`` on the loop."""

    def __init__(self, moto: Moto, client: Client, post: Post, checkpoints: Callable[[], Checkpoints]) -> None:
        self._moto, self._client, self._post, self._checkpoints = moto, client, post, checkpoints
        self._plans: dict[str, Plan] = {}
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._kept: Checkpoints | None = None
        self._clock: Clock | None = None
        self._on_loop: Callable[..., Any] = lambda then: None
        self._timetable: Timetable | None = None

    def open(self, clock: Clock, on_loop: Callable[..., Any]) -> None:
        """``on_loop(f, *arguments)`` calls a function on the loop (``call_soon_threadsafe``)."""
        self._clock, self._on_loop = clock, on_loop
        self._timetable = Timetable(clock, self._fire)

    def changed(self, service: str) -> None:
        if service in _MAKERS:
            self._look()

    def resume(self) -> None:
        """Reads the schedules again: the neighbours are restored."""
        if {"events", "scheduler"} & set(self._moto.held_services()):
            self._look(resumed=True)

    def _look(self, *, resumed: bool = False) -> None:
        assert self._clock is not None
        self._do(partial(self._read, self._clock.now(), resumed))

    def close(self) -> None:
        if self._timetable is not None:
            self._timetable.close()
        self._work.put(None)

    def _do(self, what: Callable[[], None]) -> None:
        self._work.put(what)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="agenda", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while (what := self._work.get()) is not None:
            try:
                what()
            except Exception:
                _log.exception("Schedules could not be looked after")

    # -- reading

    def _read(self, now: float, resumed: bool) -> None:
        """Reads the schedules. ``now`` is the time of the request that changed them, or of ``resumed``."""
        if self._kept is None:
            self._kept = self._checkpoints()
        with self._moto.held("events", "scheduler"):
            known = set(self._moto.held_services())
            plans = [*self._rules(now)] if "events" in known else []
            plans += [*self._schedules(now, resumed)] if "scheduler" in known else []
        self._on_loop(self._set, {plan.entry.key: plan for plan in plans})

    def _set(self, plans: dict[str, Plan]) -> None:
        self._plans = {key: plan for key, plan in plans.items() if not self._has_fired(key, plan)}
        if self._timetable is not None:
            self._timetable.set(plan.entry for plan in self._plans.values())

    def _has_fired(self, key: str, plan: Plan) -> bool:
        """Whether a one-time schedule has fired, perhaps while it was being read again."""
        return plan.entry.moments.once and self._kept is not None and self._kept.get(f"fired {key}") == plan.text

    def _rules(self, now: float) -> list[Plan]:
        found = []
        for region, backend in self._moto.backends("events"):
            for bus in backend.event_buses.values():
                for rule in bus.rules.values():
                    if rule.scheduled_expression and rule.state != "DISABLED" and rule.targets:
                        found.append(self._rule(rule, region, now))
        return [plan for plan in found if plan is not None]

    def _rule(self, rule: Any, region: str, now: float) -> Plan | None:
        try:
            moments = compile_rule(rule.scheduled_expression)
        except ExpressionError:  # made by an older version, which did not refuse it
            return None
        key = f"rule {rule.arn}"
        anchor = self._anchor(key, rule.scheduled_expression, now)
        arn, name, account, targets = rule.arn, rule.name, rule.account_id, [dict(t) for t in rule.targets]

        def make(due: float) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
            event = scheduled_event("aws.events", arn, account, region, due)
            return [(t["Arn"], input_of(t, event, arn, name), about(t, arn)) for t in targets]

        return Plan(Entry(key, moments, anchor, max(anchor, now)), rule.scheduled_expression, make)

    def _schedules(self, now: float, resumed: bool) -> list[Plan]:
        found = []
        for region, backend in self._moto.backends("scheduler"):
            for group in backend.schedule_groups.values():
                for schedule in group.schedules.values():
                    if schedule.state in (None, "ENABLED"):
                        found.append(self._schedule(schedule, region, now, resumed))
        return [plan for plan in found if plan is not None]

    def _schedule(self, schedule: Any, region: str, now: float, resumed: bool) -> Plan | None:
        text = f"{schedule.schedule_expression} {schedule.schedule_expression_timezone}"
        key = f"schedule {schedule.arn}"
        try:
            zone = zone_of(schedule.schedule_expression_timezone)
            moments = compile_schedule(schedule.schedule_expression, zone)
        except ExpressionError:
            return None
        made = min(now, float(schedule.last_modified_date)) if resumed else now  # its server may never have read it
        anchor = self._anchor(key, text, made)
        window = schedule.flexible_time_window or {}
        minutes = window.get("MaximumWindowInMinutes", 0) if window.get("Mode") == "FLEXIBLE" else 0
        entry = Entry(
            key,
            moments,
            anchor,
            anchor if moments.once else max(anchor, now),
            60.0 * minutes,
            _seconds(schedule.start_date, 0.0),
            _seconds(schedule.end_date, _UNTIL),
        )
        goes = schedule.action_after_completion == "DELETE"
        delete = (region, schedule.group_name, schedule.name) if goes else None
        return Plan(entry, text, _making(schedule, region), delete)

    def _anchor(self, key: str, text: str, made: float) -> float:
        """When the schedule was made, or last changed: as noted before, or else ``made``."""
        assert self._kept is not None
        kept = json.loads(self._kept.get(f"anchor {key}") or "null")
        if kept is not None and kept[0] == text:
            return float(kept[1])
        self._kept.put(f"anchor {key}", json.dumps([text, made]))
        return made

    # -- firing, on the loop

    def _fire(self, key: str, due: float) -> None:
        plan = self._plans.get(key)
        if plan is None:
            return
        for arn, text, more in plan.make(due):
            self._post(KIND, arn, text.encode(), more)
        if plan.entry.moments.once and self._kept is not None:
            self._kept.put(f"fired {key}", plan.text)
        if plan.delete is not None and plan.entry.due_after(due) is None:
            region, group, name = plan.delete
            self._do(lambda: self._client("scheduler", region).delete_schedule(GroupName=group, Name=name))


def _making(schedule: Any, region: str) -> Callable[[float], Sequence[tuple[str, str, Mapping[str, Any]]]]:
    target, arn = dict(schedule.target), schedule.arn
    account = arn.split(":")[4]

    def make(due: float) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
        text = target.get("Input") or json.dumps(scheduled_event("aws.scheduler", arn, account, region, due))
        more = {**about(target, arn), "region": region}
        if "EventBridgeParameters" in target:
            told = target["EventBridgeParameters"]
            event = {"source": told["Source"], "detail-type": told["DetailType"], "detail": json.loads(text)}
            text = json.dumps(event)
        return [(target["Arn"], _with_attributes(text, arn, due), more)]

    return make


def _with_attributes(text: str, arn: str, due: float) -> str:
    """Scheduler's context attributes (``managing-schedule-context-attributes``)."""
    if "<aws.scheduler." not in text:
        return text
    known = {
        "schedule-arn": arn,
        "scheduled-time": _instant(due),
        "execution-id": drawn().hex(),
        "attempt-number": "1",
    }
    for name, value in known.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def scheduled_event(source: str, arn: str, account: str, region: str, due: float) -> dict[str, Any]:
    """The event that a schedule's target gets if no input is set."""
    return {
        "version": "0",
        "id": new_id(),
        "detail-type": "Scheduled Event",
        "source": source,
        "account": account,
        "time": _instant(due),
        "region": region,
        "resources": [arn],
        "detail": {} if source == "aws.events" else "{}",
    }


def _instant(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _seconds(value: Any, otherwise: float) -> float:
    if value is None:
        return otherwise
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value)
