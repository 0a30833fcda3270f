"""Wildcards of patterns, in linear time: of EventBridge's rules, and of the filters of mappings and pipes.

moto makes a regular expression of a wildcard. ``*a*a*a*.png`` against 3,000 characters held up the server for minutes.
For upstream: ``EventPattern._wildcard_match`` needs no more than ``matches``.
"""

import importlib
import re
from typing import Any, Final


def correct_patterns() -> None:
    """Makes moto match by ``matches``, whichever service uses a pattern first."""
    importlib.import_module("moto.events.models").EventPattern._wildcard_match = staticmethod(matches)


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
