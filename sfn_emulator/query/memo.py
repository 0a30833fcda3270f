"""Compiled queries are kept by their text: the same few paths come again in every state of a definition.

What is compiled is frozen and knows nothing of where it is used, so it can be shared. Only short texts are kept, and a
bounded number of them.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar, cast

from sfn_emulator.values import Value

LONGEST_KEPT: Final = 200
"""Characters."""
MOST_KEPT: Final = 2_048

C = TypeVar("C", bound=Callable[..., Any])


def remembered(compile_text: C) -> C:
    """``compile_text(text, ...)`` with a memory; the other arguments must be hashable. What it raises is not kept."""
    kept = lru_cache(MOST_KEPT)(compile_text)

    @wraps(compile_text)
    def compile_or_recall(text: Value, *arguments: Any) -> Any:
        short = text.__class__ is str and len(text) <= LONGEST_KEPT
        return kept(text, *arguments) if short else compile_text(text, *arguments)

    return cast(C, compile_or_recall)
