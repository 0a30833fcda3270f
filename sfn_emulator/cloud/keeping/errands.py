"""Errands: requests that are done in the time it takes to wake a thread for them, whatever is held.

DynamoDB's operations on rows by their key, that say little and are about rows that hold little: moto works half a
millisecond on one, and its worst (2 KB of conditions it has not read before) is 20 ms. Everything else may take long.
"""

from collections.abc import Iterable
from typing import Any, Final

from sfn_emulator.cloud.requests.message import Request

_OPERATIONS: Final = frozenset(
    f"DynamoDB_20120810.{name}" for name in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
)
_MOST_SAID: Final = 2_048
"""Bytes of a request."""
_MOST_HELD: Final = 1_000
"""Values, at any depth, of all the rows it names: the copies moto makes of them take a millisecond."""


def is_errand(request: Request) -> bool:
    """Whether the request itself makes it an errand. One that names a second operation (``changes_something``) is
    none.
    """
    return (
        request.headers.get("x-amz-target") in _OPERATIONS
        and len(request.body) <= _MOST_SAID
        and request.method == "POST"
        and request.path == "/"
        and not request.query
        and "action" not in request.headers
        and b"Action=" not in request.body
    )


def are_light(items: Iterable[Any]) -> bool:
    """Whether moto's items (``None`` for a missing one) hold little."""
    left, waiting = _MOST_HELD, [item.attrs for item in items if item is not None]
    while waiting:
        held = waiting.pop()
        left -= len(held)
        if left < 0:
            return False
        for value in held.values() if isinstance(held, dict) else held:
            inner = getattr(value, "value", None)
            if isinstance(inner, dict | list):
                waiting.append(inner)
    return True
