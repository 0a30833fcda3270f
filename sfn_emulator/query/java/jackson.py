"""JSON with positions: where every value of a text stands, and the first fault in Jackson's words.

It is slow and exact, and used only when there is an error to report. AWS parses definitions, inputs and
``States.StringToJson`` with Jackson, so its messages are Jackson's (recorded: ``Unrecognized token 'not': was expecting
(...)``).
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sfn_emulator.query.java.numerals import EXPECTED, NUMBER, described, number_fault, read_number
from sfn_emulator.values import MAX_DIGITS, Place

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_TOKEN: Final = re.compile(r"[\w$\u00a2-\u00a5\u20a0-\u20c0]+")
"""What Java takes for an identifier, currency signs included."""
_SUBSTITUTION: Final = re.compile(r"\$\{[A-Za-z0-9_.:\-]+\}")
_ESCAPE: Final = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_HEX: Final = re.compile(r"[0-9a-fA-F]{0,4}")
_NON_NUMERIC: Final = re.compile(r"-?(?:Infinity|INF)\b|NaN\b")
_SEPARATED: Final = re.compile(r"[ \t\r\n]|$")
_DIGITS: Final = re.compile(r"[0-9]+")
_LITERALS: Final = {"true": True, "false": False, "null": None}
_COMMENT: Final = (
    "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)"
)
_CONTROL: Final = "only regular white space (\\r, \\n, \\t) is allowed between tokens"
_APART: Final = "Expected space separating root-level values"
_CLOSING: Final = {"Array": "]", "Object": "}", "root": "]"}
_SHOWN: Final = 500
"""Characters of the source that Jackson quotes."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The differences between Jackson's versions and settings.

    ``source`` writes the text into an error's location; ``past`` is the number of characters from a stray one to the
    reported column; ``unique`` refuses a repeated field; ``root`` is the place where the root begins.
    """

    source: Callable[[str], str]
    past: int
    unique: bool
    root: str


def _quoted(text: str) -> str:
    shown = text[:_SHOWN]
    rest = f'"[truncated {len(text) - _SHOWN} chars]' if len(text) > _SHOWN else '"'
    return f'[Source: (String)"{shown}{rest}'


QUOTED: Final = Dialect(_quoted, 1, unique=True, root="line: 1, column: 0]")
"""The dialect in which definitions are refused."""

REDACTED: Final = Dialect(
    lambda text: "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)",
    0,
    unique=False,
    root="line: 1]",
)
"""The dialect in which ``States.StringToJson`` fails (recorded 2026-04): Jackson's from 2.17 to 2.20."""


def in_brief(message: str) -> str:
    """A message of Jackson's on one line for people, without the text in its ``[Source: ...]``."""
    return " ".join(re.split(r"\s*(?:\(start marker )?at \[Source: ", message, maxsplit=1)[0].split())


class JsonError(ValueError):
    """The first fault: Jackson's message, its ``[Source: ...]`` location, line and column from 1.

    The column is ``past`` characters behind the one at ``offset``.
    """

    def __init__(
        self,
        text: str,
        message: str,
        offset: int,
        *,
        dialect: Dialect = QUOTED,
        past: int = 0,
        place: Place = (),
        duplicate: bool = False,
        too_deep: bool = False,
    ) -> None:
        self.line, self.column = line_and_column(text, offset)
        self.column += past
        self.location = f"{dialect.source(text)}; line: {self.line}, column: {self.column}]"
        self.message = f"{message}\n at {self.location}"
        self.place = place
        self.duplicate = duplicate
        self.too_deep = too_deep
        super().__init__(self.message)


@dataclass(slots=True)
class Scanned:
    """The value, and for every place in it the line and column at which its field name or item begins."""

    value: Any = None
    positions: dict[Place, tuple[int, int]] = field(default_factory=dict)


def read_first(text: str, depth_limit: int) -> Any:
    """The first value of a text, as ``ObjectMapper.readTree`` reads it: null for a blank text; text after the value is
    ignored. Raises ``JsonError``.
    """
    scanner = _Scanner(text, depth_limit, dialect=REDACTED)
    start = scanner.skip(0)
    if start == len(text):
        return None
    value, end = scanner.value(start, ())
    scanner.check_apart(value, end)
    return value


def read_with_texts(text: str, depth_limit: int) -> tuple[Any, tuple[tuple[Any, str], ...]]:
    """A text's value, and every array and object in it with its own part of the text."""
    scanner = _Scanner(text, depth_limit, dialect=REDACTED)
    value, _ = scanner.value(scanner.skip(0), ())
    return value, tuple((part, text[start:end]) for part, start, end in scanner.spans)


def scan(text: str, depth_limit: int, *, substitutions: bool = False) -> Scanned:
    """Reads the whole text; raises ``JsonError``. ``substitutions`` accepts a bare ``${Name}`` as a value."""
    scanner = _Scanner(text, depth_limit, substitutions=substitutions)
    value, end = scanner.value(scanner.skip(0), ())
    scanner.check_apart(value, end)
    end = scanner.skip(end)
    if end < len(text):
        raise scanner.stray(end)
    return Scanned(value, _positions(text, scanner.offsets))


def fault_of(text: str, depth_limit: int) -> str:
    """The fault of a text that could not be read, without its place."""
    try:
        scan(text, depth_limit)
    except JsonError as fault:
        return str(fault).partition("\n at [Source")[0]
    except RecursionError:
        return too_deep(depth_limit)
    digits = max(map(len, _DIGITS.findall(text)), default=0)
    if digits > MAX_DIGITS:
        return _limited("Number value length", digits, MAX_DIGITS, "getMaxNumberLength")
    return "Numeric value out of range of double"


def too_deep(limit: int) -> str:
    return _limited("Document nesting depth", limit + 1, limit, "getMaxNestingDepth")


def _limited(what: str, found: int, limit: int, setting: str) -> str:
    return f"{what} ({found}) exceeds the maximum allowed ({limit}, from `StreamReadConstraints.{setting}()`)"


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Both count from 1."""
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


class _Scanner:
    """Recursive descent; the depth limit bounds the recursion."""

    def __init__(self, text: str, depth_limit: int, *, substitutions: bool = False, dialect: Dialect = QUOTED) -> None:
        self.text = text
        self.depth_limit = depth_limit
        self.substitutions = substitutions
        self.dialect = dialect
        self.offsets: dict[Place, int] = {(): 0}
        self.spans: list[tuple[Any, int, int]] = []

    def skip(self, at: int) -> int:
        """The next token. Between tokens no control character may stand, and no comment."""
        found = _SPACE.match(self.text, at)
        at = found.end() if found else at
        char = self.text[at : at + 1]
        if char == "/":
            raise self.unexpected(at, _COMMENT)
        if "" < char < " ":
            raise self.fault(f"Illegal character ({described(char)}): {_CONTROL}", at + 1)
        return at

    def check_apart(self, value: Any, end: int) -> None:
        """A number that is the whole text must be followed by white space, or by nothing."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and not _SEPARATED.match(self.text, end):
            raise self.unexpected(end, _APART)

    def value(self, at: int, place: Place) -> tuple[Any, int]:
        if len(place) > self.depth_limit:
            raise self.fault("Document nesting depth exceeds the maximum allowed", at, too_deep=True)
        char = self.text[at : at + 1]
        if char in ("{", "["):
            made, end = self.object(at, place) if char == "{" else self.array(at, place)
            self.spans.append((made, at, end))
            return made, end
        if char == '"':
            return self.string(at, "string value", ": was expecting closing quote for a string value")
        if not place and char in ("]", "}"):
            raise self.stray(at)
        return self.scalar(at, place)

    def object(self, start: int, place: Place) -> tuple[dict[str, Any], int]:
        made: dict[str, Any] = {}
        at = self.skip(start + 1)
        if self.text[at : at + 1] == "}":
            return made, at + 1
        if self.text[at : at + 1] == "]":
            raise self.mismatched(at, start, "Object")
        while True:
            key, end = self.name(at, start)
            if key in made and self.dialect.unique:
                raise self.fault(f"Duplicate field '{key}'", end, place=(*place, key), duplicate=True)
            self.offsets[(*place, key)] = at
            at = self.skip(end)
            if at >= len(self.text):
                raise self.torn("Object")
            if self.text[at] != ":":
                raise self.unexpected(at, "was expecting a colon to separate field name and value")
            made[key], end = self.value(self.more(at + 1, "Object"), (*place, key))
            at = self.skip(end)
            if self.text[at : at + 1] == "}":
                return made, at + 1
            self.expect_comma(at, start, "Object")
            at = self.more(at + 1, "Object")

    def array(self, start: int, place: Place) -> tuple[list[Any], int]:
        made: list[Any] = []
        at = self.skip(start + 1)
        if self.text[at : at + 1] == "]":
            return made, at + 1
        if self.text[at : at + 1] == "}":
            raise self.mismatched(at, start, "Array")
        if at >= len(self.text):
            raise self.unclosed(at, start, "Array")
        while True:
            item = (*place, len(made))
            self.offsets[item] = at
            value, end = self.value(at, item)
            made.append(value)
            at = self.skip(end)
            if self.text[at : at + 1] == "]":
                return made, at + 1
            self.expect_comma(at, start, "Array")
            at = self.more(at + 1, "Array")

    def name(self, at: int, start: int) -> tuple[str, int]:
        if at >= len(self.text):
            raise self.unclosed(at, start, "Object")
        if self.text[at] != '"':
            raise self.unexpected(at, "was expecting double-quote to start field name")
        return self.string(at, "name", " in field name")

    def string(self, at: int, what: str, unclosed: str) -> tuple[str, int]:
        found = _STRING.match(self.text, at)
        if found:
            return json.loads(found.group()), found.end()
        for offset in range(at + 1, len(self.text)):
            char = self.text[offset]
            if char < " ":
                raise self.fault(
                    f"Illegal unquoted character ({described(char)}): "
                    f"has to be escaped using backslash to be included in {what}",
                    offset,
                    past=self.dialect.past,
                )
            if char == "\\" and not _ESCAPE.match(self.text, offset):
                raise self.bad_escape(offset)
        raise self.fault(f"Unexpected end-of-input{unclosed}", len(self.text))

    def bad_escape(self, offset: int) -> JsonError:
        char = self.text[offset + 1 : offset + 2]
        hexadecimal = _HEX.match(self.text, offset + 2) if char == "u" else None
        if not char or (hexadecimal and hexadecimal.end() == len(self.text)):
            return self.fault("Unexpected end-of-input in character escape sequence", len(self.text))
        if hexadecimal:
            return self.unexpected(hexadecimal.end(), "expected a hex-digit for character escape sequence")
        return self.fault(f"Unrecognized character escape {described(char)}", offset + 1, past=self.dialect.past)

    def scalar(self, at: int, place: Place) -> tuple[Any, int]:
        if at >= len(self.text):
            raise self.fault("Unexpected end-of-input", at)
        if self.substitutions and (bare := _SUBSTITUTION.match(self.text, at)):
            return bare.group(), bare.end()
        if number := NUMBER.match(self.text, at):
            return read_number(number.group()), number.end()
        if found := _NON_NUMERIC.match(self.text, at):
            enable = "enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
            raise self.fault(f"Non-standard token '{found.group()}': {enable}", found.end())
        if self.text[at] in "-+0123456789":
            raise self.bad_number(at)
        token = _TOKEN.match(self.text, at)
        if not token:
            nothing = self.text[at] == "}" and type(place[-1]) is int
            raise self.unexpected(at, "expected a value" if nothing else f"expected a valid value {EXPECTED}")
        if token.group() in _LITERALS:
            return _LITERALS[token.group()], token.end()
        raise self.fault(f"Unrecognized token '{token.group()}': was expecting {EXPECTED}", token.end())

    def bad_number(self, at: int) -> JsonError:
        fault = number_fault(self.text, at)
        return self.fault(fault.message, fault.at, past=self.dialect.past if fault.stray else 0)

    def more(self, at: int, kind: str) -> int:
        """The place where the next value or name begins."""
        at = self.skip(at)
        if at >= len(self.text):
            raise self.torn(kind)
        return at

    def expect_comma(self, at: int, start: int, kind: str) -> None:
        if at >= len(self.text):
            raise self.unclosed(at, start, kind)
        if self.text[at] in "]}":
            raise self.mismatched(at, start, kind)
        if self.text[at] != ",":
            raise self.unexpected(at, f"was expecting comma to separate {kind} entries")

    def stray(self, at: int) -> JsonError:
        """The error for a character where the text should begin or have ended."""
        if self.text[at] in "]}":
            return self.mismatched(at, -1, "root")
        return self.unexpected(at, f"expected a valid value {EXPECTED}")

    def mismatched(self, at: int, start: int, kind: str) -> JsonError:
        """The error for a bracket that does not match its region."""
        char = self.text[at]
        opened = self.opened(start)
        expected = "}" if kind == "root" and char == "]" else _CLOSING[kind]
        message = f"Unexpected close marker '{char}': expected '{expected}' (for {kind} starting at {opened})"
        return self.fault(message, at, past=self.dialect.past)

    def opened(self, start: int) -> str:
        """Where a region begins; the root does at -1."""
        line, column = line_and_column(self.text, start)
        place = self.dialect.root if start < 0 else f"line: {line}, column: {column}]"
        return f"{self.dialect.source(self.text)}; {place}"

    def torn(self, kind: str) -> JsonError:
        return self.fault(f"Unexpected end-of-input within/between {kind} entries", len(self.text))

    def unclosed(self, at: int, start: int, kind: str) -> JsonError:
        marker = f"(start marker at {self.opened(start)})"
        return self.fault(f"Unexpected end-of-input: expected close marker for {kind} {marker}", at)

    def unexpected(self, at: int, why: str) -> JsonError:
        message = f"Unexpected character ({described(self.text[at])}): {why}"
        return self.fault(message, at, past=self.dialect.past)

    def fault(self, message: str, offset: int, **more: Any) -> JsonError:
        return JsonError(self.text, message, offset, dialect=self.dialect, **more)
