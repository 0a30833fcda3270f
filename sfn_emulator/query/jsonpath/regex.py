"""Regular expressions of filters (``=~ /…/i``), matched whole, as Jayway does with java.util.regex.

The ``regex`` library stops a search that takes too long, which Python's own ``re`` can't. Without such a filter it is
not imported.
"""

from functools import reduce
from operator import or_
from typing import Any, Final

from sfn_emulator.errors import RUNTIME, EvaluationError, QuerySyntaxError

SECONDS: Final = 0.5
"""Seconds that one pattern may work on one string."""

LONGEST: Final = 10_000
"""Characters of a pattern; compiling takes quadratic time."""

_FLAGS: Final = {"i": "IGNORECASE", "m": "MULTILINE", "s": "DOTALL", "x": "VERBOSE", "u": "UNICODE", "d": "VERSION0"}
"""Java's flags → the library's names; ``u`` and ``d`` have no effect, because they are the default."""


class Regex:
    """A compiled pattern."""

    __slots__ = ("_pattern", "_source")

    def __init__(self, source: str, pattern: Any) -> None:
        self._source = source
        self._pattern = pattern

    def full_match(self, text: str) -> bool:
        """Whether the whole text matches. Raises ``EvaluationError`` if the pattern takes too long."""
        try:
            return self._pattern.fullmatch(text, timeout=SECONDS) is not None
        except TimeoutError:
            message = f"The regular expression /{self._source}/ took longer than {SECONDS} s"
            raise EvaluationError(RUNTIME, message) from None


def compile_regex(text: str, flags: str) -> Regex:
    """Compiles a pattern. Raises ``QuerySyntaxError`` if it does not parse."""
    if len(text) > LONGEST:
        raise QuerySyntaxError(f"Regular expression longer than {LONGEST} characters")
    import regex

    try:
        told = [regex.RegexFlag[_FLAGS[flag]] for flag in flags]
        return Regex(text, regex.compile(text, reduce(or_, told, regex.VERSION0)))
    except (regex.error, KeyError, RecursionError, OverflowError) as error:
        raise QuerySyntaxError(f"Invalid regular expression: /{text}/{flags}") from error
