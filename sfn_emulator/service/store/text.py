"""JSON and text on their way to the disk and back: lone surrogates survive in JSON and become ``?`` in plain text.

AWS's strings are Java's, which may hold half a surrogate pair and write it as ``?``; SQLite and UTF-8 have no place
for it. An execution's signals are kept exactly, because it gets them again.
"""

from typing import overload

from sfn_emulator.values import Value, dumps, loads


def to_bytes(value: Value) -> bytes:
    """A value as JSON in UTF-8. Halves of surrogate pairs are kept."""
    return dumps(value).encode("utf-8", "surrogatepass")


def from_bytes(body: bytes) -> Value:
    return loads(body.decode("utf-8", "surrogatepass"))


@overload
def plain(text: str) -> str: ...
@overload
def plain(text: None) -> None: ...
def plain(text: str | None) -> str | None:
    """The text as UTF-8 can hold it."""
    return text if text is None or text.isascii() else text.encode("utf-8", "replace").decode()
