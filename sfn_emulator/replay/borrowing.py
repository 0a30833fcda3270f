"""Fills ``${Name}`` from the recording: deployment tools fill it in, and the recorded definition has the value."""

import json
from typing import Any


def borrowed(definition: str, recorded: str) -> str:
    """The definition with its ``${Names}`` filled where the recorded one has a value at the same place."""
    if "${" not in definition:
        return definition
    try:
        return json.dumps(_filled(json.loads(definition), json.loads(recorded)), indent=2, ensure_ascii=False)
    except ValueError:  # errors are reported when it is read
        return definition


def _filled(now: Any, then: Any) -> Any:
    if isinstance(now, dict) and isinstance(then, dict):
        return {key: _filled(value, then.get(key)) for key, value in now.items()}
    if isinstance(now, list) and isinstance(then, list):
        return [_filled(value, then[index] if index < len(then) else None) for index, value in enumerate(now)]
    return then if isinstance(now, str) and "${" in now and isinstance(then, str | int | float) else now
