"""Texts that come from others (definitions, functions, histories), as a terminal may show them.

An escape sequence in a state's name or in a function's line would move the cursor, set the title or hide what stands
around it; a mark for right-to-left text would turn the order of what follows. So these characters are shown as JSON
writes them, ``\\u001b``. JSON stays the JSON that it was: it has such characters within strings alone. XML stays XML,
which has no way to write them.
"""

from typing import Final

_CONTROLS: Final = {*range(0x20), *range(0x7F, 0xA0)} - set(map(ord, "\n\t"))
_DIRECTIONS: Final = {0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_SHOWN: Final = {code: f"\\u{code:04x}" for code in _CONTROLS | _DIRECTIONS}


def printable(text: str) -> str:
    """The text with its control characters written as escapes; line ends and tabs stay."""
    return text if text.isascii() and text.isprintable() else text.translate(_SHOWN)


def quotable(text: str) -> str:
    """The text on one line, as it may stand in a Python docstring: it does not end it, so none of it is run."""
    return printable(" ".join(text.split())).replace("\\", "/").replace('"', "'")
