"""Regular expressions in JSONata: JavaScript's dialect, bounded in time.

The ``regex`` library stops a search that takes too long, which Python's own ``re`` can't; a pattern that explodes
(nested quantifiers over a long subject) therefore ends with JSONata's time-out sentence.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import regex

from sfn_emulator.query.jsonata.errors import EVALUATION_TIMEOUT, BoundError, JsonataError

SECONDS: Final = 0.5
"""Seconds that one regular expression may work on one string, for all matches together."""

LONGEST: Final = 10_000
"""Characters of a pattern; the ``regex`` library's compiler takes quadratic time."""

_TOKEN: Final = re.compile(r"\\.|\[\^?\]?|\]|\$", re.DOTALL)
_OUTSIDE: Final = {r"\d": "[0-9]", r"\D": "[^0-9]", r"\w": "[A-Za-z0-9_]", r"\W": "[^A-Za-z0-9_]", r"\/": "/"}
_INSIDE: Final = {r"\d": "0-9", r"\w": "A-Za-z0-9_", r"\/": "/"}


def _translated(pattern: str, multiline: bool) -> str:
    """The pattern with JavaScript's meaning in Python's syntax: ASCII classes, and a ``$`` that matches only the very
    end.
    """
    inside = False

    def token(match: re.Match[str]) -> str:
        nonlocal inside
        text = match.group()
        if text[0] == "\\":
            return (_INSIDE if inside else _OUTSIDE).get(text, text)
        if text[0] == "[" and not inside:
            inside = True
            return text.removesuffix("]") + ("\\]" if text.endswith("]") else "")
        if text == "]":
            inside = False
        elif text == "[":
            return "\\["
        elif text == "$" and not inside and not multiline:
            return r"\Z"
        return text

    return _TOKEN.sub(token, pattern)


class Pattern:
    """A compiled pattern in the library's interface; ``Pattern(text, flags)`` also serves as the library's engine."""

    def __init__(self, pattern: str, flags: Any) -> None:
        options = (regex.IGNORECASE if flags.case_insensitive else 0) | (regex.MULTILINE if flags.multiline else 0)
        if len(pattern) > LONGEST:
            raise JsonataError("S0303", pattern[:40] + "...")
        try:
            self._compiled = regex.compile(_translated(pattern, flags.multiline), options | regex.VERSION0)
        except (regex.error, OverflowError, RecursionError):
            raise JsonataError("S0303", pattern) from None

    def finditer(self, string: str) -> Iterator[Any]:
        """All matches, left to right. An empty match raises D1004, as in the reference."""
        try:
            for match in self._compiled.finditer(string, timeout=SECONDS):
                if not match.group():
                    raise JsonataError("D1004")
                yield match
        except TimeoutError:
            raise BoundError(EVALUATION_TIMEOUT) from None

    def search(self, string: str) -> Any:
        return next(self.finditer(string), None)

    def split(self, string: str, maxsplit: int = 0) -> list[str]:
        """The texts between matches; groups are left out. ``maxsplit`` 0 splits everywhere."""
        parts, start = [], 0
        for count, match in enumerate(self.finditer(string), 1):
            parts.append(string[start : match.start()])
            start = match.end()
            if count == maxsplit:
                break
        return [*parts, string[start:]]

    def sub(self, replacement: Callable[[Any], str] | str, string: str, count: int = 0) -> str:
        """Matches replaced by the text or by what the function makes of each; ``count`` 0 replaces all."""
        parts: list[str] = []
        start = 0
        for number, match in enumerate(self.finditer(string), 1):
            text = replacement if isinstance(replacement, str) else replacement(match)
            parts += (string[start : match.start()], text)
            start = match.end()
            if number == count:
                break
        return "".join([*parts, string[start:]])
