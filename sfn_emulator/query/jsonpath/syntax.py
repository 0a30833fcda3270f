"""The grammar of JSONPath as AWS speaks it: text → segments.

AWS reads paths with Jayway's JsonPath (its error texts are recorded), so the dialect is Jayway's: dotted and bracketed
names, indices, slices without a step, unions, wildcards, ``..`` and filters. It has no functions: ``$.a.sum()`` looks
for a member ``sum()`` (decision 0053). In addition a
path may start with ``$$`` (context object) or ``$name`` (variable).
"""

import re
from typing import Final

from sfn_emulator.errors import QuerySyntaxError
from sfn_emulator.query.jsonpath.model import (
    CONTEXT,
    INPUT,
    Combination,
    Comparison,
    Descend,
    Exists,
    Filter,
    FromEnd,
    Indices,
    Literal,
    Names,
    Operand,
    Path,
    Pattern,
    Predicate,
    Segment,
    Slice,
    Wildcard,
)
from sfn_emulator.values import Value

MAX_DEPTH: Final = 20
"""Levels of nested filters and groups: a bound for the parser, far beyond any real path."""
MAX_CONDITIONS: Final = 1_000
"""Comparisons that the filters of a path may hold; a megabyte of them would take half a minute."""
MAX_SEGMENTS: Final = 1_000
"""Parts that a path may have; JSON of about that depth is refused."""


OPERATORS: Final = (
    "===", "!==", "==", "!=", "<=", "<", ">=", ">", "=~",
    "SUBSETOF", "CONTAINS", "NONEOF", "ANYOF", "EMPTY", "SIZE", "TYPE", "ALL", "NIN", "IN",
)  # fmt: skip
_VARIABLE: Final = re.compile(r"[^\W\d]\w*")
_INTEGERS: Final = re.compile(r"\s*-?\d+\s*(?:,\s*-?\d+\s*)*")
_SLICE: Final = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*-?\d*\s*)?")
_FROM_END: Final = re.compile(r"\(\s*@\.(?:length|size)(?:\(\))?\s*-\s*(\d+)\s*\)")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD: Final = re.compile(r"[^\s()\[\],'\"=<>!&|~]+")
_STOP: Final = {"path": ".[", "filter": ".[( \t)=<>!&|~,"}
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_MAX_INDEX_DIGITS: Final = 18


def parse_path(text: str) -> Path:
    """The path a text stands for; raises ``QuerySyntaxError``. Blanks behind it are ignored, as Jayway does."""
    return _Parser(text.rstrip(" \t\r\n")).whole_path()


def parse_path_at(text: str, start: int) -> tuple[Path, int]:
    """A path within a longer text, as in the arguments of an intrinsic function, and the place where it ends."""
    parser = _Parser(text, start)
    return parser.inner_path(), parser.at


class _Parser:
    """Recursive descent over one text."""

    def __init__(self, text: str, position: int = 0) -> None:
        self.text = text
        self.at = position
        self.depth = 0
        self.conditions = 0

    # -- characters

    def problem(self, message: str) -> QuerySyntaxError:
        return QuerySyntaxError(f"{message} at position {self.at}", self.at)

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def blanks(self) -> None:
        while self.peek() in (" ", "\t", "\r", "\n") and self.at < len(self.text):
            self.at += 1

    def take(self, token: str) -> bool:
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise self.problem(f"Expected '{token}'")

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.problem(f"Nested deeper than {MAX_DEPTH} levels")

    # -- paths

    def whole_path(self) -> Path:
        root = self.root()
        segments = self.segments("path")
        if self.at < len(self.text):
            raise self.problem(f"Unexpected '{self.peek()}'")
        return Path(self.text, root, segments)

    def root(self) -> str:
        if self.take(CONTEXT):
            return CONTEXT
        if not self.take(INPUT):
            raise self.problem("A path must start with '$'")
        if name := _VARIABLE.match(self.text, self.at):
            self.at = name.end()
            return name.group()
        return INPUT

    def segments(self, within: str) -> tuple[Segment, ...]:
        found: list[Segment] = []
        while self.peek() in (".", "["):
            if self.take(".."):
                found.append(Descend())
                found.append(self.bracket() if self.peek() == "[" else self.dotted(within))
            elif self.take("."):
                found.append(self.bracket() if self.peek() == "[" else self.dotted(within))
            elif self.peek() == "[":
                found.append(self.bracket())
            if len(found) > MAX_SEGMENTS:
                raise self.problem(f"The path has more than {MAX_SEGMENTS} parts")
        return tuple(found)

    def dotted(self, within: str) -> Segment:
        if self.take("*"):
            if self.peek() not in ("", ".", "[") and self.peek() not in _STOP[within]:
                raise self.problem("'*' must stand alone")
            return Wildcard()
        start = self.at
        stops = _STOP[within]
        while self.at < len(self.text) and self.text[self.at] not in stops:
            if self.text[self.at] in " \t\r\n":
                raise self.problem("Use bracket notion ['my prop'] if your property contains blank characters.")
            self.at += 1
        name = self.text[start : self.at]
        if not name:
            at_end = self.at >= len(self.text)
            raise self.problem("Path must not end with a '.' or '..'" if at_end else "Expected a property")
        return Names((name + "()",)) if self.take("()") else Names((name,))

    # -- brackets

    def bracket(self) -> Segment:
        self.expect("[")
        self.blanks()
        match self.peek():
            case "'" | '"':
                segment: Segment = self.names()
            case "*":
                self.at += 1
                segment = Wildcard()
            case "?":
                segment = self.filter()
            case "(":
                segment = self.from_end()
            case _:
                segment = self.subscript()
        self.blanks()
        self.expect("]")
        return segment

    def names(self) -> Names:
        names = [self.quoted_name()]
        self.blanks()
        while self.take(","):
            self.blanks()
            names.append(self.quoted_name())
            self.blanks()
        return Names(tuple(names))

    def quoted_name(self) -> str:
        """A quoted name. ``\\"`` in a name is two characters (recorded on AWS); only the quote of its own kind may be
        escaped.
        """
        quote = self.peek()
        if quote not in ("'", '"') or not quote:
            raise self.problem("Expected a quoted property")
        end = self.closing(quote)
        name = self.text[self.at + 1 : end]
        self.at = end + 1
        return name.replace("\\" + quote, quote)

    def closing(self, quote: str) -> int:
        position = self.at + 1
        while position < len(self.text) and self.text[position] != quote:
            position += 2 if self.text[position] == "\\" else 1
        if position >= len(self.text):
            raise self.problem(f"Property has not been closed - missing closing {quote}")
        return position

    def subscript(self) -> Segment:
        if found := _SLICE.match(self.text, self.at):
            start, stop = found.groups()
            if start is None and stop is None:
                raise self.problem("Failed to parse SliceOperation")
            self.at = found.end()
            return Slice(self.integer(start), self.integer(stop))
        if found := _INTEGERS.match(self.text, self.at):
            self.at = found.end()
            return Indices(tuple(self.integer(part) or 0 for part in found.group().split(",")))
        raise self.problem("Could not parse token")

    def from_end(self) -> FromEnd:
        found = _FROM_END.match(self.text, self.at)
        if not found:
            raise self.problem("Supported functions are: [(@.length - n)] and [(@.size() - n)]")
        self.at = found.end()
        return FromEnd(self.integer(found[1]) or 0)

    def integer(self, digits: str | None) -> int | None:
        if digits is None:
            return None
        if len(digits.strip()) > _MAX_INDEX_DIGITS:
            raise self.problem("Index out of range")
        return int(digits)

    # -- filters

    def filter(self) -> Filter:
        self.expect("?")
        self.blanks()
        self.expect("(")
        predicate = self.either()
        self.blanks()
        self.expect(")")
        return Filter(predicate)

    def either(self) -> Predicate:
        self.enter()
        parts = [self.both()]
        self.blanks()
        while self.take("||"):
            parts.append(self.both())
            self.blanks()
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Combination("||", tuple(parts))

    def both(self) -> Predicate:
        parts = [self.condition()]
        self.blanks()
        while self.take("&&"):
            parts.append(self.condition())
            self.blanks()
        return parts[0] if len(parts) == 1 else Combination("&&", tuple(parts))

    def condition(self) -> Predicate:
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise self.problem(f"More than {MAX_CONDITIONS} conditions")
        self.blanks()
        if self.peek() == "!" and not self.text.startswith("!=", self.at):
            self.at += 1
            self.enter()
            negated = Combination("!", (self.condition(),))
            self.depth -= 1
            return negated
        if self.take("("):
            inner = self.either()
            self.blanks()
            self.expect(")")
            return inner
        left = self.operand()
        self.blanks()
        operator = self.operator()
        if operator:
            return Comparison(operator, left, self.operand())
        if isinstance(left, Path):
            return Exists(left)
        raise self.problem("Expected an operator")

    def operator(self) -> str:
        for operator in OPERATORS:
            if self.text[self.at : self.at + len(operator)].upper() == operator:
                self.at += len(operator)
                self.blanks()
                return operator
        return ""

    def operand(self) -> Operand:
        self.blanks()
        match self.peek():
            case "":
                raise self.problem("Unexpected end of path")
            case "@":
                return self.inner_path()
            case "$":
                return self.inner_path()
            case "'" | '"':
                return Literal(self.string())
            case "/":
                return self.pattern()
            case "[":
                return self.array()
        return self.bare()

    def inner_path(self) -> Path:
        start = self.at
        root = "@" if self.take("@") else self.root()
        segments = self.segments("filter")
        return Path(self.text[start : self.at], root, segments)

    def string(self) -> str:
        quote = self.peek()
        end = self.closing(quote)
        text = self.text[self.at + 1 : end]
        self.at = end + 1
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)

    def pattern(self) -> Pattern:
        end = self.closing("/")
        text = self.text[self.at + 1 : end]
        self.at = end + 1
        start = self.at
        while self.peek().isalpha():
            self.at += 1
        return Pattern(text, self.text[start : self.at])

    def array(self) -> Literal:
        self.enter()
        self.expect("[")
        items: list[Value] = []
        self.blanks()
        while not self.take("]"):
            item = self.operand()
            if not isinstance(item, Literal):
                raise self.problem("Expected a literal")
            items.append(item.value)
            self.blanks()
            if self.peek() != "]":
                self.expect(",")
                self.blanks()
        self.depth -= 1
        return Literal(items)

    def bare(self) -> Literal:
        """A number, true, false, null, or a bare word, which published definitions use as a string."""
        if (number := _NUMBER.match(self.text, self.at)) and not _WORD.match(self.text, number.end()):
            self.at = number.end()
            digits = number.group()
            return Literal(int(digits) if digits.lstrip("-").isdigit() and len(digits) < 400 else float(digits))
        word = _WORD.match(self.text, self.at)
        if not word:
            raise self.problem(f"Unexpected '{self.peek()}'")
        self.at = word.end()
        return Literal(_CONSTANTS.get(word.group(), word.group()))
