"""StringMatches patterns: ``*`` stands for any characters, ``\\*`` for an asterisk, ``\\\\`` for a backslash."""

import re
from collections.abc import Callable
from typing import Final


def compile_wildcard(pattern: str) -> Callable[[str], bool]:
    """A matcher in linear time: each piece is searched once and taken at its first place."""
    pieces = wildcard_pieces(pattern)
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return lambda text: text == first
    middle = tuple(piece for piece in pieces[1:-1] if piece)
    least = sum(map(len, pieces))

    def matches(text: str) -> bool:
        if len(text) < least or not text.startswith(first) or not text.endswith(last):
            return False
        position, end = len(first), len(text) - len(last)
        for piece in middle:
            position = text.find(piece, position, end)
            if position < 0:
                return False
            position += len(piece)
        return True

    return matches


_TOKEN: Final = re.compile(r"\\([*\\])|\*")


def wildcard_pieces(pattern: str) -> list[str]:
    """The literal text between the wildcards; a backslash before anything but ``*`` and ``\\`` stands for itself."""
    pieces: list[str] = []
    run: list[str] = []
    position = 0
    for token in _TOKEN.finditer(pattern):
        run.append(pattern[position : token.start()])
        position = token.end()
        if token[1]:
            run.append(token[1])
        else:
            pieces.append("".join(run))
            run = []
    return [*pieces, "".join([*run, pattern[position:]])]
