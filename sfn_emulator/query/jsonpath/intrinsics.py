"""Intrinsic function calls, ``States.Format('{}', $.name)``: text → ``Compiled``."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sfn_emulator.errors import RUNTIME, EvaluationError, QuerySyntaxError
from sfn_emulator.query.compiled import Compiled, Scope
from sfn_emulator.query.jsonpath.intrinsic_functions import (
    INTRINSICS,
    MAX_TEXT,
    Body,
    Intrinsic,
    IntrinsicFailure,
    format_pieces,
    plain_text,
)
from sfn_emulator.query.jsonpath.model import Path, variables_of
from sfn_emulator.query.jsonpath.path import Miss, path_apply
from sfn_emulator.query.jsonpath.syntax import parse_path_at
from sfn_emulator.query.memo import remembered
from sfn_emulator.values import Value

MAX_NESTING: Final = 10
"""How many intrinsic functions one field may hold inside each other (documented)."""

STRING_INTRINSICS: Final = frozenset(
    ("Format", "JsonToString", "ArrayGetItem", "Base64Encode", "Base64Decode", "Hash", "UUID")
)
"""Those that ErrorPath and CausePath take: the ones that can give a string (Developer Guide, `Fail state`)."""

Apply: TypeAlias = Callable[[Any, Scope], Value]


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal as it stands between its quotes."""

    raw: str

    @property
    def value(self) -> str:
        return re.sub(r"\\(['{}\\])", r"\1", self.raw)


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, true, false or null."""

    value: Value


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple["Argument", ...]
    text: str


Argument: TypeAlias = Text | Constant | Call | Path

_NAME: Final = re.compile(r"States\.(\w+)\(")
_STRING: Final = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_CONSTANT: Final = re.compile(r"(-?\d{1,400}(?:\.\d+)?(?:[eE][+-]?\d{1,4})?|true|false|null)(?![\w.])")
_WORDS: Final = {"true": True, "false": False, "null": None}
_LITERAL_TYPES: Final[dict[str, Any]] = {"s": str, "n": (int, float), "b": bool}


def is_intrinsic(text: str) -> bool:
    """Does it look like a call, right or wrong?"""
    return text.startswith("States.")


@remembered
def compile_intrinsic(text: Value, allowed: Collection[str] | None = None) -> Compiled:
    """Raises ``QuerySyntaxError`` for what is no valid call: unknown function, wrong count or type of arguments.

    ``allowed`` limits the outermost function (``STRING_INTRINSICS``). ``apply`` raises ``EvaluationError``.
    """
    if not isinstance(text, str) or not is_intrinsic(text):
        raise QuerySyntaxError("Not an intrinsic function call")
    call = parse_intrinsic(text)
    if allowed is not None and call.name not in allowed:
        raise QuerySyntaxError(f"The intrinsic function 'States.{call.name}' is not supported here")
    return Compiled(text, _compile(call, _argument_miss(call)), frozenset(_variables(call)))


def _argument_miss(call: Call) -> Miss:
    """A path that leads nowhere inside a call (text as seen from AWS)."""
    text = call.text.replace("{", "{{").replace("}", "}}")
    return Miss(
        f"The function '{text}' had the following error: "
        "The JsonPath argument for the field '{path}' could not be found in the input '{input}'"
    )


def parse_intrinsic(text: str) -> Call:
    call, end = _parse_call(text, 0, 1)
    if text[end:].strip():
        raise QuerySyntaxError(f"Unexpected text after the intrinsic function call: '{text[end:]}'", end)
    return call


def _variables(argument: Argument) -> set[str]:
    if isinstance(argument, Call):
        return {name for inner in argument.arguments for name in _variables(inner)}
    return set(variables_of(argument)) if isinstance(argument, Path) else set()


# -- parsing


def _parse_call(text: str, at: int, depth: int) -> tuple[Call, int]:
    found = _NAME.match(text, at)
    if not found or found[1] not in INTRINSICS:
        raise QuerySyntaxError("Unknown intrinsic function", at)
    if depth > MAX_NESTING:
        raise QuerySyntaxError(f"Intrinsic functions are nested deeper than {MAX_NESTING} levels", at)
    arguments: list[Argument] = []
    position = _skip(text, found.end())
    if not text.startswith(")", position):
        while True:
            argument, position = _parse_argument(text, position, depth)
            arguments.append(argument)
            position = _skip(text, position)
            if not text.startswith(",", position):
                break
            position = _skip(text, position + 1)
    if not text.startswith(")", position):
        raise QuerySyntaxError("Expected ',' or ')'", position)
    call = Call(found[1], tuple(arguments), text[at : position + 1])
    _check(call, INTRINSICS[call.name], at)
    return call, position + 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _parse_argument(text: str, at: int, depth: int) -> tuple[Argument, int]:
    if text.startswith("$", at):
        return parse_path_at(text, at)
    if text.startswith("States.", at):
        return _parse_call(text, at, depth + 1)
    if string := _STRING.match(text, at):
        return Text(string[1]), string.end()
    if constant := _CONSTANT.match(text, at):
        return Constant(_constant(constant[1])), constant.end()
    raise QuerySyntaxError("Expected a path, a string in single quotes, a number or an intrinsic function", at)


def _constant(word: str) -> Value:
    if word in _WORDS:
        return _WORDS[word]
    return int(word) if word.lstrip("-").isdigit() else float(word)


def _check(call: Call, intrinsic: Intrinsic, at: int) -> None:
    """Count and literal types, which are known before anything runs."""
    if not intrinsic.takes(len(call.arguments)):
        raise QuerySyntaxError(f"States.{call.name} does not take {len(call.arguments)} arguments", at)
    for kind, argument in zip(intrinsic.types, call.arguments, strict=False):
        if isinstance(argument, Text | Constant) and not _fits(argument.value, kind):
            raise QuerySyntaxError(f"States.{call.name} does not take an argument of this type", at)


def _fits(value: Value, kind: str) -> bool:
    if kind == "*":
        return True
    expected = _LITERAL_TYPES.get(kind)
    return expected is not None and isinstance(value, expected) and (kind == "b" or not isinstance(value, bool))


# -- compiling

_FAILURES: Final = (IntrinsicFailure, OverflowError, RecursionError)


def _compile(argument: Argument, miss: Miss) -> Apply:
    match argument:
        case Path():
            return path_apply(argument, "", miss)
        case Call():
            return _compile_call(argument, miss)
    value = argument.value
    return lambda subject, scope: value


def _compile_call(call: Call, miss: Miss) -> Apply:
    intrinsic = INTRINSICS[call.name]
    body = intrinsic.body
    arguments = tuple(_compile(argument, miss) for argument in call.arguments)
    if intrinsic.scoped:
        return _scoped_call(call, body, arguments)
    if call.name == "Format" and isinstance(call.arguments[0], Text):
        return _format_call(call, format_pieces(call.arguments[0].raw), arguments[1:])
    return {1: _one_call, 2: _two_call}.get(len(arguments), _many_call)(call, body, arguments)


def _error(call: Call) -> EvaluationError:
    return EvaluationError(RUNTIME, f"Invalid arguments in States.{call.name}")


def _one_call(call: Call, body: Body, arguments: tuple[Apply, ...]) -> Apply:
    (only,) = arguments

    def apply(subject: Any, scope: Scope) -> Value:
        try:
            return body(only(subject, scope))
        except _FAILURES:
            raise _error(call) from None

    return apply


def _two_call(call: Call, body: Body, arguments: tuple[Apply, ...]) -> Apply:
    first, second = arguments

    def apply(subject: Any, scope: Scope) -> Value:
        try:
            return body(first(subject, scope), second(subject, scope))
        except _FAILURES:
            raise _error(call) from None

    return apply


def _many_call(call: Call, body: Body, arguments: tuple[Apply, ...]) -> Apply:
    def apply(subject: Any, scope: Scope) -> Value:
        try:
            return body(*[argument(subject, scope) for argument in arguments])
        except _FAILURES:
            raise _error(call) from None

    return apply


def _format_call(call: Call, pieces: list[str], arguments: tuple[Apply, ...]) -> Apply:
    """States.Format with a literal template: only the holes are left to fill."""
    head, *tails = pieces
    holes = tuple(zip(arguments, tails, strict=False))
    fits = len(arguments) == len(tails)

    def apply(subject: Any, scope: Scope) -> Value:
        text = head
        for argument, tail in holes:
            value = argument(subject, scope)
            text += (value if value.__class__ is str else plain_text(value)) + tail
            if len(text) > MAX_TEXT:
                raise _error(call)
        if not fits:
            raise _error(call)
        return text

    return apply


def _scoped_call(call: Call, body: Body, arguments: tuple[Apply, ...]) -> Apply:
    def apply(subject: Any, scope: Scope) -> Value:
        try:
            return body(scope, *[argument(subject, scope) for argument in arguments])
        except _FAILURES:
            raise _error(call) from None

    return apply
