"""JSON files: the elements of an array, or the members of an object, taken one by one so that none has to be whole.

Short files are parsed at once. Of longer ones only the present element and a buffer are in memory.
"""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from sfn_emulator.tasks.items.text import LARGEST_ITEM, failure, malformed, too_large
from sfn_emulator.values import Value, loads

NOT_ITERABLE: Final = "Attempting to map over non-iterable node."
SHORT: Final = 4 * 1024 * 1024
"""Characters of a file that is parsed at once."""

_BLANK: Final = " \t\n\r"
_AFTER_A_VALUE: Final = _BLANK + ",:]}"
"""Characters that end a number. Before any other, a number may be cut: ``12`` of ``12.5``."""


class Member(NamedTuple):
    """``key`` is ``None`` for an array's element."""

    key: str | None
    value: Value


def members(pieces: Iterator[str], pointer: str | None) -> Iterator[Member]:
    """The items of a JSON text; ``pointer`` is ItemsPointer, a JSON Pointer (RFC 6901).

    An object is iterated over only if a pointer names it; a whole file must be an array (recorded).
    """
    begin: list[str] = []
    length = 0
    for piece in pieces:
        begin.append(piece)
        length += len(piece)
        if length > SHORT:
            walk = Walk(chain(["".join(begin)], pieces))
            return _walked(walk, pointer)
    return _parsed("".join(begin), pointer)


def _tokens(pointer: str | None) -> list[str]:
    parts = (pointer or "").split("/")[1:]
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def _parsed(text: str, pointer: str | None) -> Iterator[Member]:
    try:
        node = loads(text)
    except ValueError:
        raise malformed("The file", text) from None
    for token in _tokens(pointer):
        node = _step(node, token)
    if isinstance(node, list):
        return (Member(None, value) for value in node)
    if isinstance(node, dict) and pointer:
        return (Member(key, value) for key, value in node.items())
    raise failure(NOT_ITERABLE)


def _step(node: Value, token: str) -> Value:
    if isinstance(node, dict) and token in node:
        return node[token]
    if isinstance(node, list) and token.isdigit() and int(token) < len(node):
        return node[int(token)]
    raise failure(NOT_ITERABLE)


def _walked(walk: "Walk", pointer: str | None) -> Iterator[Member]:
    for token in _tokens(pointer):
        walk.descend(token)
    if walk.peek() == "[":
        return walk.members()
    if walk.peek() == "{" and pointer:
        return walk.members()
    raise failure(NOT_ITERABLE)


class Walk:
    """A place in a JSON text that is still being read."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._text = ""
        self._at = 0
        self._decoder = json.JSONDecoder(parse_constant=_refuse)

    def _more(self, least: int = 1) -> bool:
        """Reads on. Returns false at the end."""
        fresh: list[str] = []
        while sum(map(len, fresh)) < least and (piece := next(self._pieces, None)) is not None:
            fresh.append(piece)
        if not fresh:
            return False
        self._text = self._text[self._at :] + "".join(fresh)
        self._at = 0
        return True

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANK:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, *expected: str) -> str:
        found = self.peek()
        if found not in expected:
            wanted = " or ".join(expected)
            raise failure(f"The file is not valid JSON: expected {wanted}, but found {found or 'the end'}")
        self._at += 1
        return found

    def value(self, most: float = float("inf")) -> Value:
        """The whole value at this place; reads on until its end is certain. Raises for one with more than ``most``
        characters.
        """
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                unfinished = isinstance(error, json.JSONDecodeError)
                if unfinished and len(self._text) - self._at > most:
                    raise too_large() from None
                if not (unfinished and self._more(len(self._text) - self._at)):
                    raise malformed("The file", self._text[self._at :]) from None
                continue
            ended = end < len(self._text) and self._text[end] in _AFTER_A_VALUE
            if ended or not self._more():
                self._at = end
                return value

    def members(self) -> Iterator[Member]:
        """The members of the array or object that begins here."""
        closing = "]" if self.take("[", "{") == "[" else "}"
        if self.peek() == closing:
            self.take(closing)
            return
        while True:
            key = self._key() if closing == "}" else None
            yield Member(key, self.value(LARGEST_ITEM))
            if self.take(",", closing) == closing:
                return

    def _key(self) -> str:
        key = self.value()
        if not isinstance(key, str):
            raise failure("The file is not valid JSON: expected a key")
        self.take(":")
        return key

    def descend(self, token: str) -> None:
        """Goes to the member or element that ``token`` names in the value that begins here."""
        if self.peek() == "{":
            self._descend_object(token)
        elif self.peek() == "[" and token.isdigit():
            self._descend_array(int(token))
        else:
            raise failure(NOT_ITERABLE)

    def _descend_object(self, token: str) -> None:
        self.take("{")
        while self.peek() != "}":
            if self._key() == token:
                return
            self.value()
            if self.take(",", "}") == "}":
                break
        raise failure(NOT_ITERABLE)

    def _descend_array(self, index: int) -> None:
        self.take("[")
        for _ in range(index):
            self.value()
            if self.take(",", "]") == "]":
                raise failure(NOT_ITERABLE)


def _refuse(name: str) -> Value:
    raise ValueError(f"{name} is not JSON")
