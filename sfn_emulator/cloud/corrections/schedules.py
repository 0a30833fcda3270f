"""Refuses rules and schedules whose expression is invalid, as EventBridge and its Scheduler do."""

import importlib
from collections.abc import Callable
from typing import Any

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.keeping.moment import is_new
from sfn_emulator.cloud.schedules.expressions import ExpressionError, compile_rule, compile_schedule, zone_of


def correct_rules() -> None:
    replace(importlib.import_module("moto.events.models").EventsBackend, "put_rule", _rule)


def correct_scheduler() -> None:
    backend = importlib.import_module("moto.scheduler.models").EventBridgeSchedulerBackend
    for name in ("create_schedule", "update_schedule"):
        replace(backend, name, _schedule)


def _rule(inner: Callable[..., Any]) -> Callable[..., Any]:
    refusal = importlib.import_module("moto.events.exceptions").ValidationException

    def put_rule(self: Any, *arguments: Any, **named: Any) -> Any:
        text = named.get("scheduled_expression")
        if text and is_new():
            try:
                compile_rule(text)
            except ExpressionError:
                raise refusal("Parameter ScheduleExpression is not valid.") from None
        return inner(self, *arguments, **named)

    return put_rule


def _schedule(inner: Callable[..., Any]) -> Callable[..., Any]:
    refusal = importlib.import_module("moto.scheduler.exceptions").ValidationException

    def schedule(self: Any, *arguments: Any, **named: Any) -> Any:
        text, zone = named.get("schedule_expression") or "", named.get("schedule_expression_timezone") or "UTC"
        if not is_new():
            return inner(self, *arguments, **named)
        try:
            where = zone_of(zone)
        except ExpressionError:
            raise refusal(f"Invalid Schedule Expression Timezone {zone}.") from None
        try:
            compile_schedule(text, where)
        except ExpressionError:
            raise refusal(f"Invalid Schedule Expression {text}.") from None
        return inner(self, *arguments, **named)

    return schedule
