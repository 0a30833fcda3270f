"""Intrinsic function calls, ``States.Format('{}', $.name)``: text → ``Compiled``."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sfn_emulator.errors import RUNTIME, EvaluationError, QuerySyntaxError
from sfn_emulator.query.compiled import Compiled, Scope
from sfn_emulator.query.equality import is_number
from sfn_emulator.query.jsonpath.intrinsics.functions import (
    INTRINSICS,
    MAX_TEXT,
    Body,
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
"""Levels of nested intrinsic functions in one field (documented)."""

STRING_INTRINSICS: Final = frozenset(
    ("Format", "JsonToString", "ArrayGetItem", "Base64Encode", "Base64Decode", "Hash", "UUID")
)
"""The functions that ErrorPath and CausePath accept: those that can give a string (Developer Guide, `Fail state`)."""

Apply: TypeAlias = Callable[[Any, Scope], Value]


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal, as written between its quotes."""

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
_STRING: Final = re.compile(r"'((?:[^'\\]|\\['{}\\])*)'", re.DOTALL)
"""The characters that a backslash may escape: ``' { } \\`` (recorded: ``\\"`` is refused)."""
_CONSTANT: Final = re.compile(r"(-?\d{1,400}(?:\.\d+)?(?:[eE][+-]?\d{1,4})?|true|false|null)(?![\w.])")
_WORDS: Final = {"true": True, "false": False, "null": None}


def is_intrinsic(text: str) -> bool:
    """Whether a text looks like a call, right or wrong."""
    return text.startswith("States.")


@remembered
def compile_intrinsic(text: Value, allowed: Collection[str] | None = None) -> Compiled:
    """Compiles a call. Raises ``QuerySyntaxError`` for a text that is no call of a known function.

    ``allowed`` limits the outermost function (``STRING_INTRINSICS``). ``apply`` raises ``EvaluationError``, for
    arguments in wrong number or of wrong type, too.
    """
    if not isinstance(text, str) or not is_intrinsic(text):
        raise QuerySyntaxError("Not an intrinsic function call")
    call = parse_intrinsic(text)
    if allowed is not None and call.name not in allowed:
        raise QuerySyntaxError(f"The intrinsic function 'States.{call.name}' is not supported here")
    return Compiled(text, _compile(call, _Outermost(text, _argument_miss(call))), frozenset(_variables(call)))


def _argument_miss(call: Call) -> Miss:
    """A path that leads nowhere inside a call (text as seen from AWS)."""
    text = call.text.replace("{", "{{").replace("}", "}}")
    return Miss(
        f"The function '{text}' had the following error: "
        "The JsonPath argument for the field '{path}' could not be found in the input '{input}'"
    )


def parse_intrinsic(text: str) -> Call:
    """The call in a text. Raises ``QuerySyntaxError``."""
    call, end = _parse_call(text, 0, 1)
    if text[end:].strip():
        raise QuerySyntaxError(f"Unexpected text after the intrinsic function call: '{text[end:]}'", end)
    return call


def misfits(text: str) -> list[str]:
    """Why every run of a call would fail although AWS accepts its definition; for the linter."""
    found: list[str] = []
    waiting: list[Argument] = [parse_intrinsic(text)]
    while waiting:
        call = waiting.pop()
        if isinstance(call, Call):
            found += _misfits(call)
            waiting += call.arguments
    return found


def _misfits(call: Call) -> list[str]:
    intrinsic = INTRINSICS[call.name]
    if not intrinsic.takes(len(call.arguments)):
        return [f"States.{call.name} does not take {len(call.arguments)} arguments"]
    wrong = (
        isinstance(argument, Text | Constant) and not _LITERALS[kind](argument.value)
        for kind, argument in zip(intrinsic.types, call.arguments, strict=False)
    )
    return [f"States.{call.name} does not take an argument of this type"] if any(wrong) else []


def _never(value: Value) -> bool:
    return False


_LITERALS: Final[dict[str, Callable[[Value], bool]]] = {
    "*": lambda value: True,
    "s": lambda value: isinstance(value, str),
    "n": is_number,
    "a": _never,
    "o": _never,
}


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
    return Call(found[1], tuple(arguments), text[at : position + 1]), position + 1


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


# -- compiling

_FAILURES: Final = (IntrinsicFailure, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class _Outermost:
    """The whole call in the field; errors of nested calls quote it, too."""

    text: str
    miss: Miss

    def error(self, call: Call, failure: Exception) -> EvaluationError:
        """The error with AWS's sentence (recorded 2026-04)."""
        said = str(failure) if isinstance(failure, IntrinsicFailure) else ""
        return EvaluationError(
            RUNTIME,
            f"There was an error while evaluating the intrinsic function: {self.text}. "
            + (said or f"Invalid arguments in States.{call.name}"),
        )


def _compile(argument: Argument, outermost: _Outermost) -> Apply:
    match argument:
        case Path():
            return path_apply(argument, "", outermost.miss)
        case Call():
            return _compile_call(argument, outermost)
    value = argument.value
    return lambda subject, scope: value


def _compile_call(call: Call, outermost: _Outermost) -> Apply:
    intrinsic = INTRINSICS[call.name]
    arguments = tuple(_compile(argument, outermost) for argument in call.arguments)
    if not intrinsic.takes(len(arguments)):
        return _many_call(call, _failing(intrinsic.miscounted), arguments, outermost)
    if intrinsic.scoped:
        return _scoped_call(call, intrinsic.body, arguments, outermost)
    if call.name == "Format" and isinstance(call.arguments[0], Text):
        return _literal_format(call, call.arguments[0].raw, arguments, outermost)
    shape = {1: _one_call, 2: _two_call}.get(len(arguments), _many_call)
    return shape(call, intrinsic.body, arguments, outermost)


def _failing(said: str) -> Body:
    def body(*arguments: Value) -> Value:
        raise IntrinsicFailure(said)

    return body


def _one_call(call: Call, body: Body, arguments: tuple[Apply, ...], outermost: _Outermost) -> Apply:
    (only,) = arguments

    def apply(subject: Any, scope: Scope) -> Value:
        try:
            return body(only(subject, scope))
        except _FAILURES as failure:
            raise outermost.error(call, failure) from None

    return apply


def _two_call(call: Call, body: Body, arguments: tuple[Apply, ...], outermost: _Outermost) -> Apply:
    first, second = arguments

    def apply(subject: Any, scope: Scope) -> Value:
        try:
            return body(first(subject, scope), second(subject, scope))
        except _FAILURES as failure:
            raise outermost.error(call, failure) from None

    return apply


def _many_call(call: Call, body: Body, arguments: tuple[Apply, ...], outermost: _Outermost) -> Apply:
    def apply(subject: Any, scope: Scope) -> Value:
        try:
            return body(*[argument(subject, scope) for argument in arguments])
        except _FAILURES as failure:
            raise outermost.error(call, failure) from None

    return apply


def _literal_format(call: Call, template: str, arguments: tuple[Apply, ...], outermost: _Outermost) -> Apply:
    """States.Format with a literal template, which is split once."""
    try:
        pieces = format_pieces(template)
        if len(pieces) != len(arguments):
            raise IntrinsicFailure
    except IntrinsicFailure as failure:
        return _many_call(call, _failing(str(failure)), arguments, outermost)
    return _format_call(call, pieces, arguments[1:], outermost)


def _format_call(call: Call, pieces: list[str], arguments: tuple[Apply, ...], outermost: _Outermost) -> Apply:
    """A call of States.Format whose template is split already: only the holes are filled."""
    head, *tails = pieces
    holes = tuple(zip(arguments, tails, strict=True))

    def apply(subject: Any, scope: Scope) -> Value:
        text = head
        for argument, tail in holes:
            value = argument(subject, scope)
            text += (value if value.__class__ is str else plain_text(value)) + tail
            if len(text) > MAX_TEXT:
                raise outermost.error(call, IntrinsicFailure())
        return text

    return apply


def _scoped_call(call: Call, body: Body, arguments: tuple[Apply, ...], outermost: _Outermost) -> Apply:
    def apply(subject: Any, scope: Scope) -> Value:
        try:
            return body(scope, *[argument(subject, scope) for argument in arguments])
        except _FAILURES as failure:
            raise outermost.error(call, failure) from None

    return apply
