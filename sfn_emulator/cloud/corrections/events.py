"""EventBridge refuses a Detail that is JSON but no object (recorded). Wildcards are matched in linear time."""

import importlib
from collections.abc import Callable
from typing import Any

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.corrections.schedules import correct_rules
from sfn_emulator.cloud.events.wildcards import correct_patterns
from sfn_emulator.values import loads


def correct() -> None:
    correct_rules()
    models = importlib.import_module("moto.events.models")
    replace(models.EventsBackend, "put_events", _objects)
    correct_patterns()


def _objects(inner: Callable[..., Any]) -> Callable[..., Any]:
    def put_events(self: Any, events: list[dict[str, Any]]) -> Any:
        return inner(self, [event if _has_object(event) else {**event, "Detail": "{"} for event in events])

    return put_events


def _has_object(event: dict[str, Any]) -> bool:
    """Whether a Detail is an object; also true for one that moto refuses anyway."""
    try:
        return not event.get("Detail") or isinstance(loads(event["Detail"]), dict)
    except ValueError:
        return True
