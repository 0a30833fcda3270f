"""Regular expressions of filters (``=~ /…/i``), matched whole, as Jayway does with java.util.regex."""

import re
from typing import Final

from sfn_emulator.errors import QuerySyntaxError

_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "u": re.UNICODE, "d": 0}


class Regex:
    """A compiled pattern."""

    __slots__ = ("_pattern",)

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def full_match(self, text: str) -> bool:
        return self._pattern.fullmatch(text) is not None


def compile_regex(text: str, flags: str) -> Regex:
    """Raises ``QuerySyntaxError`` for what does not parse."""
    try:
        combined = 0
        for flag in flags:
            combined |= _FLAGS[flag]
        return Regex(re.compile(text, combined))
    except (re.error, KeyError, RecursionError, OverflowError) as error:
        raise QuerySyntaxError(f"Invalid regular expression: /{text}/{flags}") from error
