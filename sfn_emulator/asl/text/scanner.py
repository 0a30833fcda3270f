"""JSON with positions: where every value of a text stands, and the first fault in Jackson's words.

Slow and exact, used when there is something to tell. AWS parses definitions with Jackson, so its messages are
Jackson's (recorded: ``Unrecognized token 'not': was expecting (...)``).
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from sfn_emulator.asl.text.place import Place

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TOKEN: Final = re.compile(r"\w+")
_SUBSTITUTION: Final = re.compile(r"\$\{[A-Za-z0-9_.:\-]+\}")
_LITERALS: Final = {"true": True, "false": False, "null": None}
_EXPECTED: Final = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_SHOWN: Final = 500
"""Characters of the source Jackson quotes."""


class JsonError(ValueError):
    """The first fault: Jackson's message, its ``[Source: ...]`` location, line and column from 1."""

    def __init__(
        self,
        text: str,
        message: str,
        offset: int,
        *,
        place: Place = (),
        duplicate: bool = False,
        too_deep: bool = False,
    ) -> None:
        self.line, self.column = line_and_column(text, offset)
        self.location = f"{_source(text)}; line: {self.line}, column: {self.column}]"
        self.message = f"{message}\n at {self.location}"
        self.place = place
        self.duplicate = duplicate
        self.too_deep = too_deep
        super().__init__(self.message)


@dataclass(slots=True)
class Scanned:
    """The value, and for every place in it line and column of the field name (or item) that begins it."""

    value: Any = None
    positions: dict[Place, tuple[int, int]] = field(default_factory=dict)


def scan(text: str, depth_limit: int, *, substitutions: bool = False) -> Scanned:
    """Reads the whole text; raises ``JsonError``. ``substitutions`` accepts a bare ``${Name}`` as a value."""
    scanner = _Scanner(text, depth_limit, substitutions)
    value, end = scanner.value(scanner.skip(0), ())
    end = scanner.skip(end)
    if end < len(text):
        scanner.unexpected(end, f"expected a valid value {_EXPECTED}")
    return Scanned(value, _positions(text, scanner.offsets))


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    line = text.count("\n", 0, offset) + 1
    return line, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _positions(text: str, offsets: dict[Place, int]) -> dict[Place, tuple[int, int]]:
    """Offsets → lines and columns in one pass; they were found in the order of the text."""
    positions, line, start, seen = {}, 1, 0, 0
    for place, offset in offsets.items():
        new_lines = text.count("\n", seen, offset)
        if new_lines:
            line += new_lines
            start = text.rfind("\n", seen, offset) + 1
        seen = offset
        positions[place] = (line, offset - start + 1)
    return positions


def _source(text: str) -> str:
    shown = text[:_SHOWN]
    rest = f'"[truncated {len(text) - _SHOWN} chars]' if len(text) > _SHOWN else '"'
    return f'[Source: (String)"{shown}{rest}'


class _Scanner:
    """Recursive descent; the depth limit bounds the recursion."""

    def __init__(self, text: str, depth_limit: int, substitutions: bool) -> None:
        self.text = text
        self.depth_limit = depth_limit
        self.substitutions = substitutions
        self.offsets: dict[Place, int] = {(): 0}

    def skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def value(self, at: int, place: Place) -> tuple[Any, int]:
        if len(place) > self.depth_limit:
            raise JsonError(self.text, "Document nesting depth exceeds the maximum allowed", at, too_deep=True)
        char = self.text[at : at + 1]
        if char == "{":
            return self.object(at, place)
        if char == "[":
            return self.array(at, place)
        if char == '"':
            return self.string(at, "a string value")
        return self.scalar(at)

    def object(self, start: int, place: Place) -> tuple[dict[str, Any], int]:
        made: dict[str, Any] = {}
        at = self.skip(start + 1)
        if self.text[at : at + 1] == "}":
            return made, at + 1
        while True:
            key, end = self.name(at, start)
            if key in made:
                raise JsonError(self.text, f"Duplicate field '{key}'", end, place=(*place, key), duplicate=True)
            self.offsets[(*place, key)] = at
            at = self.skip(end)
            self.expect(at, ":", "a colon to separate field name and value", start, "Object")
            made[key], end = self.value(self.skip(at + 1), (*place, key))
            at = self.skip(end)
            if self.text[at : at + 1] == "}":
                return made, at + 1
            self.expect(at, ",", "comma to separate Object entries", start, "Object")
            at = self.skip(at + 1)

    def array(self, start: int, place: Place) -> tuple[list[Any], int]:
        made: list[Any] = []
        at = self.skip(start + 1)
        if self.text[at : at + 1] == "]":
            return made, at + 1
        while True:
            item = (*place, len(made))
            self.offsets[item] = at
            value, end = self.value(at, item)
            made.append(value)
            at = self.skip(end)
            if self.text[at : at + 1] == "]":
                return made, at + 1
            self.expect(at, ",", "comma to separate Array entries", start, "Array")
            at = self.skip(at + 1)

    def name(self, at: int, start: int) -> tuple[str, int]:
        if at >= len(self.text):
            self.unclosed(at, start, "Object")
        if self.text[at] != '"':
            self.unexpected(at, "was expecting double-quote to start field name")
        return self.string(at, "a field name")

    def string(self, at: int, what: str) -> tuple[str, int]:
        found = _STRING.match(self.text, at)
        if found:
            return json.loads(found.group()), found.end()
        for offset in range(at + 1, len(self.text)):
            char = self.text[offset]
            if char < " ":
                raise JsonError(
                    self.text,
                    f"Illegal unquoted character ((CTRL-CHAR, code {ord(char)})): "
                    "has to be escaped using backslash to be included in string value",
                    offset + 1,
                )
            if char == "\\" and not re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})').match(self.text, offset):
                return self.bad_escape(at, offset)
        raise JsonError(self.text, f"Unexpected end-of-input: was expecting closing quote for {what}", len(self.text))

    def bad_escape(self, at: int, offset: int) -> NoReturn:
        char = self.text[offset + 1 : offset + 2] or " "
        raise JsonError(self.text, f"Unrecognized character escape '{char}' (code {ord(char)})", offset + 2)

    def scalar(self, at: int) -> tuple[Any, int]:
        if at >= len(self.text):
            raise JsonError(self.text, "Unexpected end-of-input", at)
        if self.substitutions and (bare := _SUBSTITUTION.match(self.text, at)):
            return bare.group(), bare.end()
        number = _NUMBER.match(self.text, at)
        if number and not _TOKEN.match(self.text, number.end()):
            return _number(number.group()), number.end()
        token = _TOKEN.match(self.text, at)
        if not token:
            hint = " maybe a (non-standard) comment?" if self.text[at] in "/#" else ""
            self.unexpected(at, f"{hint.strip()} expected a valid value {_EXPECTED}".strip())
        if token.group() in _LITERALS:
            return _LITERALS[token.group()], token.end()
        raise JsonError(self.text, f"Unrecognized token '{token.group()}': was expecting {_EXPECTED}", token.end())

    def expect(self, at: int, char: str, what: str, start: int, kind: str) -> None:
        if at >= len(self.text):
            self.unclosed(at, start, kind)
        if self.text[at] != char:
            self.unexpected(at, f"was expecting {what}")

    def unclosed(self, at: int, start: int, kind: str) -> NoReturn:
        line, column = line_and_column(self.text, start)
        opened = f"{_source(self.text)}; line: {line}, column: {column}]"
        raise JsonError(
            self.text,
            f"Unexpected end-of-input: expected close marker for {kind} (start marker at {opened})",
            at,
        )

    def unexpected(self, at: int, why: str) -> NoReturn:
        char = self.text[at]
        raise JsonError(self.text, f"Unexpected character ('{char}' (code {ord(char)})): {why}", at + 1)


def _number(text: str) -> int | float:
    if text.lstrip("-").isdigit() and len(text) < 400:
        return int(text)
    return float(text)
