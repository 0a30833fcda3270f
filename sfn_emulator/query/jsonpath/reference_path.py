"""Reference paths: paths of names and single indices only, which therefore name one place.

ResultPath writes through one; ItemsPath, Variable, SecondsPath and their kin read through one. Texts:
"Value is not a Reference Path: Reference path didn't start with '$'" (seen from AWS), and in the same form for the
operators that the States Language forbids there (``@ .. , : ? *``).
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from sfn_emulator.errors import EvaluationError, QuerySyntaxError
from sfn_emulator.query.compiled import Compiled, ResultPath
from sfn_emulator.query.jsonpath.model import INPUT, Indices, Names, Path, Segment, Wildcard
from sfn_emulator.query.jsonpath.path import INVALID_PATH, Miss, compile_parsed
from sfn_emulator.query.jsonpath.syntax import parse_path
from sfn_emulator.query.memo import remembered
from sfn_emulator.values import Value, dumps

REFERENCE_PATH_CONFLICT: Final = "States.ReferencePathConflict"
Place: TypeAlias = Callable[[Value, Value], Value]
_NOT_REFERENCE: Final = "Value is not a Reference Path: "


@remembered
def compile_reference(text: Value, field: str = "", miss: Miss = INVALID_PATH) -> Compiled:
    """A reference path to read from: the input (``$``), the context object (``$$``) or a variable."""
    path = parse_reference(text)
    return compile_parsed(path, text, field, miss)


def parse_reference(text: Value) -> Path:
    """The reference path. Raises ``QuerySyntaxError`` for a text that is none."""
    if not isinstance(text, str) or not text.startswith(INPUT):
        raise QuerySyntaxError(f"{_NOT_REFERENCE}Reference path didn't start with '$'")
    try:
        path = parse_path(text)
    except QuerySyntaxError as error:
        raise QuerySyntaxError(_NOT_REFERENCE + error.message, error.offset) from None
    for segment in path.segments:
        _key(segment)
    return path


def _key(segment: Segment) -> str | int:
    match segment:
        case Names((name,)) if not name.endswith("()"):
            return name
        case Indices((index,)):
            return index
        case Wildcard():
            raise QuerySyntaxError(f"{_NOT_REFERENCE}Reference path can not contain wildcards")
    raise QuerySyntaxError(f"{_NOT_REFERENCE}Reference path must identify a single node")


@remembered
def compile_reference_path(text: Value) -> ResultPath:
    """A ResultPath: rooted in the state's input, and written to.

    The new value of ``place(input, result)`` shares everything off the path with the input. Missing objects are made,
    also in place of a null input. An index must lie within its array. Raises ``EvaluationError``
    (States.ReferencePathConflict, as seen from AWS) where the path leads through a value that is neither.
    """
    path = parse_reference(text)
    if path.root != INPUT:
        raise QuerySyntaxError(f"{_NOT_REFERENCE}Reference path must be rooted in the input, '$'")
    keys = tuple(_key(segment) for segment in path.segments)
    if not keys:
        return ResultPath(text, lambda subject, result: result)
    if len(keys) == 1 and isinstance(keys[0], str):
        return ResultPath(text, _place_member(keys[0]))
    return ResultPath(text, _place_deep(keys))


def _place_member(name: str) -> Place:
    """Places at ``$.name``, with one shallow copy."""

    def place(subject: Value, result: Value) -> Value:
        if subject.__class__ is dict:
            return {**subject, name: result}
        copy = _opened(subject, name, subject)
        copy[name] = result
        return copy

    return place


def _place_deep(keys: tuple[str | int, ...]) -> Place:
    """Copies the containers along the path, outermost first, and writes into the last copy."""

    def place(subject: Value, result: Value) -> Value:
        whole: list[Value] = [subject]
        container: Value = whole
        slot: str | int = 0
        for key in keys:
            copy = _opened(container[slot], key, subject)
            container[slot] = copy
            container, slot = copy, key
            if isinstance(key, str):
                copy.setdefault(key, None)
        container[slot] = result
        return whole[0]

    return place


def _opened(value: Value, key: str | int, subject: Value) -> Value:
    """A copy of the container that the key can be written into; the error shows the whole input."""
    if isinstance(key, str):
        if value is None or isinstance(value, dict):
            return dict(value or ())
    elif isinstance(value, list) and -len(value) <= key < len(value):
        return list(value)
    raise EvaluationError(REFERENCE_PATH_CONFLICT, f'Unable to apply step "{key}" to input {dumps(subject)}')
