"""EventBridge refuses a Detail that is JSON but no object (recorded). Wildcards are matched in linear time.

moto makes a regular expression of a wildcard: ``*a*a*a*.png`` over 3,000 characters held up the server for minutes. For
upstream: ``EventPattern._wildcard_match`` needs no more than ``matches``.
"""

import importlib
import re
from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.corrections.schedules import correct_rules
from sfn_emulator.values import loads


def correct() -> None:
    correct_rules()
    models = importlib.import_module("moto.events.models")
    replace(models.EventsBackend, "put_events", _objects)
    models.EventPattern._wildcard_match = staticmethod(matches)


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


_PIECES: Final = re.compile(r"\\([*\\])|(\*)|([^*\\]+|\\)", re.DOTALL)
"""An escaped star or backslash, a star, text."""


def matches(text: Any, wildcard: str) -> bool:
    """Whether the text is what the wildcard says: ``*`` stands for any characters, ``\\*`` for a star
    (EventBridge, "Wildcard matching")."""
    if not isinstance(text, str):
        return False
    first, *rest = _literals(wildcard)
    if not rest:
        return text == first
    last = rest.pop()
    if not text.startswith(first):
        return False
    at = len(first)
    for literal in rest:
        found = text.find(literal, at)
        if found < 0:
            return False
        at = found + len(literal)
    return len(text) - at >= len(last) and text.endswith(last)


def _literals(wildcard: str) -> list[str]:
    """The stretches between the stars."""
    literals = [""]
    for escaped, star, plain in _PIECES.findall(wildcard):
        if star:
            literals.append("")
        else:
            literals[-1] += escaped or plain
    return literals
