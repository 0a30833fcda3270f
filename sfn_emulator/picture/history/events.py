"""One event of GetExecutionHistory, as written by this server, by boto3 or by ``aws … --output json``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from sfn_emulator.values import dumps

Event: TypeAlias = Mapping[str, Any]

NO_DETAIL: Final[Mapping[str, Any]] = {}


def detail(event: Event) -> Mapping[str, Any]:
    """The one member that holds the details of the event's type."""
    for name, value in event.items():
        if name.endswith("EventDetails") and isinstance(value, Mapping):
            return value
    return NO_DETAIL


def text(details: Mapping[str, Any], name: str) -> str | None:
    """An input or output as JSON text; a recording may hold it as a value."""
    value = details.get(name)
    if value is None:
        return None
    return str(value) if isinstance(value, str) else dumps(value)


def texts(details: Mapping[str, Any], name: str) -> Mapping[str, str] | None:
    """Assigned variables, each as JSON text."""
    values = details.get(name)
    if not isinstance(values, Mapping) or not values:
        return None
    return {str(key): str(value) if isinstance(value, str) else dumps(value) for key, value in values.items()}


def moment(event: Event) -> float:
    """Epoch seconds; 0 where the time was not kept."""
    value = event.get("timestamp")
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, int | float):
        return float(value)
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return 0.0
