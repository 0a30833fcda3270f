"""The one source of chance outside executions, for ids and dice.

Bytes are drawn by the page: each call of the system gives the GIL away, and under load it comes back late.
"""

import os
from typing import Final

_SIZE: Final = 16
_PAGE: Final = 256 * _SIZE
_drawn: Final[list[bytes]] = []
os.register_at_fork(after_in_child=_drawn.clear)  # otherwise both processes would draw the same


def drawn() -> bytes:
    """16 unpredictable bytes. Callable from any thread."""
    try:
        return _drawn.pop()
    except IndexError:
        page = os.urandom(_PAGE)
        _drawn.extend(page[at : at + _SIZE] for at in range(_SIZE, _PAGE, _SIZE))
        return page[:_SIZE]


def new_id() -> str:
    """A random UUID (RFC 9562, version 4)."""
    text = drawn().hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"
