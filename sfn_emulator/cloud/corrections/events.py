"""EventBridge refuses a Detail that is JSON but no object (recorded). Wildcards are matched in linear time."""

import importlib
import json
from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.corrections.schedules import correct_rules
from sfn_emulator.cloud.events.patterns import PatternError, check
from sfn_emulator.cloud.events.wildcards import correct_patterns
from sfn_emulator.cloud.keeping.moment import is_new
from sfn_emulator.values import loads


def correct() -> None:
    correct_rules()
    models = importlib.import_module("moto.events.models")
    replace(models.EventsBackend, "put_events", _objects)
    replace(models.EventPatternParser, "parse", _checked)
    importlib.import_module("moto.events.responses").EventsHandler.test_event_pattern = _tested
    correct_patterns()


def _checked(inner: Callable[..., Any]) -> Callable[..., Any]:
    def parse(self: Any) -> Any:
        try:
            pattern = json.loads(self.pattern) if self.pattern else {}
        except ValueError:
            return inner(self)  # moto has AWS's words
        try:
            if is_new():
                check(pattern)
        except PatternError as error:
            exceptions: Any = importlib.import_module("moto.events.exceptions")
            raise exceptions.InvalidEventPatternException(str(error)) from None
        return inner(self)

    return parse


def _tested(self: Any) -> tuple[str, dict[str, str]]:
    """TestEventPattern, which moto has not."""
    models: Any = importlib.import_module("moto.events.models")
    exceptions: Any = importlib.import_module("moto.events.exceptions")
    pattern = models.EventPattern.load(self._get_param("EventPattern"))
    try:
        event = json.loads(self._get_param("Event"))
        whole = isinstance(event, dict) and event.keys() >= _NEEDED
    except (TypeError, ValueError):
        whole = False
    if not whole:
        raise exceptions.ValidationException("Parameter Event is not valid.")
    return json.dumps({"Result": bool(pattern.matches_event(event))}), self.response_headers


_NEEDED: Final = frozenset({"id", "account", "source", "time", "region", "resources", "detail-type"})
"""What an event must have (EventBridge API reference, TestEventPattern)."""


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
