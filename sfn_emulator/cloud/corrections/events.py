"""EventBridge refuses a Detail that is JSON but no object (recorded)."""

import importlib
from collections.abc import Callable
from typing import Any

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.values import loads


def correct() -> None:
    replace(importlib.import_module("moto.events.models").EventsBackend, "put_events", _objects)


def _objects(inner: Callable[..., Any]) -> Callable[..., Any]:
    def put_events(self: Any, events: list[dict[str, Any]]) -> Any:
        return inner(self, [event if _has_object(event) else {**event, "Detail": "{"} for event in events])

    return put_events


def _has_object(event: dict[str, Any]) -> bool:
    """Whether a Detail is an object, or is refused by moto anyway."""
    try:
        return not event.get("Detail") or isinstance(loads(event["Detail"]), dict)
    except ValueError:
        return True
