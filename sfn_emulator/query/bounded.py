"""Matches users' regular expressions within a time limit: one bad pattern must not hold up everybody."""

from functools import lru_cache
from typing import Any, Final

import regex

SECONDS: Final = 0.5


class PatternError(ValueError):
    """The pattern is invalid or takes too long; the text says which."""


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches; a dot stands for line breaks, too. Raises ``PatternError``."""
    return _in_time(_compiled(pattern).fullmatch, pattern, text)


def contains(pattern: str, text: str) -> bool:
    """Whether some of the text matches. Raises ``PatternError``."""
    return _in_time(_compiled(pattern).search, pattern, text)


def _in_time(match: Any, pattern: str, text: str) -> bool:
    try:
        return match(text, timeout=SECONDS, concurrent=True) is not None
    except TimeoutError:
        raise PatternError(f"the pattern {pattern} takes too long on this text") from None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    try:
        return regex.compile(pattern, regex.DOTALL)
    except (regex.error, ValueError, RecursionError) as error:
        raise PatternError(f"the pattern {pattern} is no regular expression: {error}") from None
