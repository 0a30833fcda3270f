"""EventBridge's rules: each target of each rule that matches an event gets its input.

moto keeps the rules, matches their patterns and fills archives. Every other target is handed to the courier, with
Input, InputPath and InputTransformer done (``API_Target``, ``eb-transform-target-input``). PutEvents never fails
because of a failed delivery.
"""

import copy
import importlib
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final, TypeAlias, cast

from sfn_emulator.cloud.events.transformer import text_of, transformed
from sfn_emulator.errors import EvaluationError, QuerySyntaxError
from sfn_emulator.query.compiled import Scope
from sfn_emulator.query.jsonpath.path import compile_path

_log: Final = logging.getLogger(__name__)

Deliver: TypeAlias = Callable[[str, bytes, Mapping[str, Any]], object]
"""(target's ARN, its input as JSON text, what else the courier needs: see ``about``). Must not block."""

_COURIERS: Final = frozenset({"lambda", "states", "sqs", "sns", "logs"})
"""Services whose resources the courier delivers to. Of EventBridge itself these are buses and API destinations."""
_AS_TOLD: Final = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")


def deliver_events(deliver: Deliver) -> None:
    """Makes moto's rules deliver through ``deliver``, which is called inside moto's lock."""
    rule: Any = importlib.import_module("moto.events.models").Rule
    inner = getattr(rule.send_to_targets, "inner", rule.send_to_targets)

    @wraps(inner)
    def send_to_targets(self: Any, original_event: dict[str, Any], transform_input: bool = True) -> None:
        if not _takes(self, original_event):
            return
        event = _as_told(original_event)
        for target in list(self.targets):
            try:
                if is_carried(target["Arn"]):
                    text = input_of(target, event, self.arn, self.name)
                    deliver(target["Arn"], text.encode(), about(target, self.arn))
                else:
                    _by_moto(inner, self, target, original_event, transform_input)
            except Exception as error:
                _log.warning("Rule %s could not deliver to %s: %s", self.name, target["Arn"], error or type(error))

    send_to_targets.inner = inner  # type: ignore[attr-defined]
    rule.send_to_targets = send_to_targets


def is_carried(arn: str) -> bool:
    """Whether the courier delivers to such a target."""
    parts = arn.split(":", 5)
    service, name = parts[2], parts[5] if len(parts) > 5 else ""
    return service in _COURIERS or (service == "events" and name.startswith(("event-bus/", "api-destination/")))


def about(target: Mapping[str, Any], rule_arn: str) -> dict[str, Any]:
    """A delivery's settings beside its text: retries, greatest age in seconds, dead-letter queue, attributes."""
    policy = target.get("RetryPolicy") or {}
    group = (target.get("SqsParameters") or {}).get("MessageGroupId")
    return {
        "retries": int(policy.get("MaximumRetryAttempts", 185)),
        "age": int(policy.get("MaximumEventAgeInSeconds", 86_400)),
        "dead_letters": (target.get("DeadLetterConfig") or {}).get("Arn"),
        "rule": rule_arn,
        "attributes": {"MessageGroupId": group} if group else {},
        "http": target.get("HttpParameters") or {},
    }


def _takes(rule: Any, event: Mapping[str, Any]) -> bool:
    """Whether the rule takes the event. A rule with a schedule and no pattern takes none."""
    only_scheduled = rule.scheduled_expression and not rule.event_pattern.get_pattern()
    if rule.state == "DISABLED" or only_scheduled:
        return False
    try:
        return bool(rule.event_pattern.matches_event(event))
    except Exception as error:  # made by an older version, which did not refuse the pattern
        _log.warning("The pattern of rule %s matches nothing: %s", rule.arn, error or type(error).__name__)
        return False


def _by_moto(send: Callable[..., None], rule: Any, target: Any, event: dict[str, Any], transform: bool) -> None:
    lone = copy.copy(rule)
    lone.targets = [target]
    try:
        send(lone, event, transform)
    except NotImplementedError:
        raise NotImplementedError("targets of this kind are not delivered to here") from None


def _as_told(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as targets see it (``eb-events-structure``): moto's event without its private members, the time as
    text.
    """
    at = event["time"]
    if not isinstance(at, str):
        at = f"{datetime.fromtimestamp(float(at), UTC):%Y-%m-%dT%H:%M:%SZ}"
    told = {**event, "time": at}
    return {name: told[name] for name in (*_AS_TOLD, "replay-name") if told.get(name) is not None}


# -- a target's input


def input_of(target: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str, rule_name: str) -> str:
    """The JSON text a target gets: Input as it is, what InputPath selects or InputTransformer makes, or the event."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return text_of(selected(target["InputPath"], event))
    if "InputTransformer" not in target:
        return text_of(event)
    told = target["InputTransformer"]
    values = {name: selected(path, event) for name, path in told.get("InputPathsMap", {}).items()}
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }
    return transformed(told["InputTemplate"], values)


def selected(path: str, event: Any) -> Any:
    """The value that a JSONPath finds in an event; ``None`` if it finds nothing."""
    try:
        return compile_path(path).apply(event, cast(Scope, None))
    except (EvaluationError, QuerySyntaxError):
        return None
