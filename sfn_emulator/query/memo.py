"""Keeps compiled queries by their text. The same few paths come again in every state of a definition, and the same
templates and rules whenever a definition is checked, created and changed.

A compiled query is frozen and does not know where it is used, so it can be shared. Only short texts are kept, and a
bounded number of them.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar, cast

import orjson

from sfn_emulator.values import Value

LONGEST_KEPT: Final = 200
LONGEST_JSON_KEPT: Final = 1_000
"""Characters."""
MOST_KEPT: Final = 2_048

C = TypeVar("C", bound=Callable[..., Any])


def remembered(compile_text: C) -> C:
    """``compile_text(text, ...)`` with a memory. The other arguments must be hashable. Errors are not kept."""
    kept = lru_cache(MOST_KEPT)(compile_text)

    @wraps(compile_text)
    def compile_or_recall(text: Value, *arguments: Any) -> Any:
        short = text.__class__ is str and len(text) <= LONGEST_KEPT
        return kept(text, *arguments) if short else compile_text(text, *arguments)

    return cast(C, compile_or_recall)


def remembered_by_json(compile_value: C) -> C:
    """``compile_value(value, ...)`` with a memory by the value's JSON. A value that JSON can't express is compiled
    each time.
    """

    @lru_cache(MOST_KEPT)
    def kept(text: bytes, *arguments: Any) -> Any:
        return compile_value(orjson.loads(text), *arguments)

    @wraps(compile_value)
    def compile_or_recall(value: Value, *arguments: Any) -> Any:
        try:
            text = orjson.dumps(value)
        except TypeError:  # an integer beyond 64 bits, half of a surrogate pair
            return compile_value(value, *arguments)
        return kept(text, *arguments) if len(text) <= LONGEST_JSON_KEPT else compile_value(value, *arguments)

    return cast(C, compile_or_recall)
