"""Regular expressions of filters (``=~ /…/i``), matched whole, as Jayway does with java.util.regex.

The ``regex`` library stops a search that takes too long, which Python's own ``re`` can't.
"""

from typing import Final

import regex

from sfn_emulator.errors import RUNTIME, EvaluationError, QuerySyntaxError

SECONDS: Final = 0.5
"""How long one pattern may work on one string."""

LONGEST: Final = 10_000
"""Characters of a pattern; compiling takes quadratic time."""

_FLAGS: Final = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL, "x": regex.VERBOSE, "u": 0, "d": 0}


class Regex:
    """A compiled pattern."""

    __slots__ = ("_pattern", "_source")

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._pattern = regex.compile(source, flags | regex.VERSION0)

    def full_match(self, text: str) -> bool:
        """Raises ``EvaluationError`` where the pattern explodes."""
        try:
            return self._pattern.fullmatch(text, timeout=SECONDS) is not None
        except TimeoutError:
            message = f"The regular expression /{self._source}/ took longer than {SECONDS} s"
            raise EvaluationError(RUNTIME, message) from None


def compile_regex(text: str, flags: str) -> Regex:
    """Raises ``QuerySyntaxError`` for what does not parse."""
    if len(text) > LONGEST:
        raise QuerySyntaxError(f"Regular expression longer than {LONGEST} characters")
    try:
        return Regex(text, sum(_FLAGS[flag] for flag in set(flags)))
    except (regex.error, KeyError, RecursionError, OverflowError) as error:
        raise QuerySyntaxError(f"Invalid regular expression: /{text}/{flags}") from error
