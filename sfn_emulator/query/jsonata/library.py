"""The library's evaluator, bounded, and corrected where it differs from the reference implementation.

Each method here replaces one of ``jsonata.Jsonata``; everything else is the library's own. Inside
the library Python's ``None`` is *undefined* and ``Utils.NULL_VALUE`` is JSON null.

The bounds are AWS's where they were measured (depth 100; 6,990,256 bytes held: ``[1..873782]`` passes and one more
does not), and count steps rather than seconds, so that a replayed execution meets the same bound again.
"""

import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from jsonata import functions, jexception, parser, utils
from jsonata import jsonata as library

from sfn_emulator.query.jsonata.errors import (
    EVALUATION_TIMEOUT,
    MEMORY_LIMIT,
    NOT_EVALUATED,
    STACK_OVERFLOW,
    BoundError,
    JsonataError,
    UnsupportedResultError,
    filled,
)
from sfn_emulator.query.jsonata.syntax import Node, parse
from sfn_emulator.query.jsonata.values import text_of, whole
from sfn_emulator.values import UNSET, Value, dumps

DEPTH: Final = 100
STEPS: Final = 1_000_000
HELD: Final = 6_990_256
MADE: Final = 64 * HELD
"""Bytes all strings and sequences made by one evaluation may have together."""

NULL: Final = utils.Utils.NULL_VALUE
Frame: Final = library.Jsonata.Frame
_Sequence: Final = utils.Utils.JList
_create_sequence: Final = utils.Utils.create_sequence


class _Current:
    """The evaluation under way, by context: one may be set aside midway while another goes on."""

    _evaluator: ContextVar[Any] = ContextVar("evaluator")

    @property
    def jsonata(self) -> Any:
        return self._evaluator.get(None)

    @jsonata.setter
    def jsonata(self, evaluator: Any) -> None:
        self._evaluator.set(evaluator)


library.Jsonata.CURRENT = _Current()

_to_boolean: Final = functions.Functions.to_boolean


def _boolean(value: Any) -> bool | None:
    """JavaScript's truth of a number: NaN is false."""
    return False if isinstance(value, float) and math.isnan(value) else _to_boolean(value)


functions.Functions.to_boolean = staticmethod(_boolean)


def _clone(value: Any) -> Any:
    """A deep copy, in which functions are empty strings. The library writes JSON and reads it again, in one call."""
    if isinstance(value, dict):
        return {key: _clone(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clone(item) for item in value]
    return "" if is_callable(value) else value


functions.Functions.function_clone = staticmethod(_clone)


class _PartialParser:
    """The parser as the evaluator uses it: for the small function that a partial application becomes."""

    dbg = False

    def parse(self, text: str) -> Node:
        return parse(text)


class Evaluator(library.Jsonata):  # type: ignore[misc]
    """One evaluation of one syntax tree."""

    def __init__(self) -> None:  # without the library's constructor, which would parse
        self.parser = _PartialParser()
        self.environment = None
        self.input = None
        self.depth = self.steps = self.made = 0

    def run(self, tree: Node, frame: Any) -> Any:
        """The tree's value in the library's terms. Raises ``JsonataError``, ``BoundError`` or errors of Python's."""
        library.Jsonata.CURRENT.jsonata = self  # the library's functions look here for the evaluator to call back
        self.environment = frame
        try:
            return self.eval(tree, None, frame)
        except jexception.JException as error:
            raise translated(error) from None
        except (RecursionError, MemoryError) as error:
            raise BoundError(STACK_OVERFLOW if isinstance(error, RecursionError) else MEMORY_LIMIT) from None
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            raise BoundError(NOT_EVALUATED) from None  # the library fails on arguments it does not check

    def eval(self, expr: Node, input: Any, environment: Any) -> Any:
        """The library's ``eval`` without its thread lookup, with the bounds."""
        counted = not environment.is_parallel_call
        self.depth += counted
        self.steps += 1
        if self.depth > DEPTH:
            raise BoundError(STACK_OVERFLOW)
        if self.steps > STEPS:
            raise BoundError(EVALUATION_TIMEOUT)
        try:
            method = _METHODS.get(expr.type)
            result = method(self, expr, input, environment) if method is not None else None
            for item in expr.predicate or ():
                result = self.evaluate_filter(item.expr, result, environment)
            if expr.group is not None and expr.type != "path":
                result = self.evaluate_group_expression(expr.group, result, environment)
        finally:
            self.depth -= counted
        if expr.type in _MAKERS:
            self.account(result)
        return _settled(expr, result)

    def account(self, result: Any) -> None:
        """Counts the bytes made. Raises ``BoundError`` if AWS's memory limit is exceeded."""
        size = len(result) if isinstance(result, str) else 8 * len(result) if isinstance(result, list) else 0
        self.made += size
        if size > HELD or self.made > MADE:
            raise BoundError(MEMORY_LIMIT)

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: str) -> Any:
        """``%`` keeps fractions, nothing overflows into a Python error, and an infinity is a value until it is used."""
        for code, side in (("T2001", lhs), ("T2002", rhs)):
            if side is not None and not _is_number(side):
                raise JsonataError(code, op, plain(side, _nothing))
        if lhs is None or rhs is None:
            return None
        return whole(_ARITHMETIC[op](float(lhs), float(rhs)))

    def evaluate_literal(self, expr: Node) -> Any:
        """The tree holds ``1e300`` as an integer of 301 digits."""
        return whole(float(expr.value)) if expr.type == "number" else super().evaluate_literal(expr)

    def evaluate_unary(self, expr: Node, input: Any, environment: Any) -> Any:
        if expr.value != "-":
            return super().evaluate_unary(expr, input, environment)
        operand = self.eval(expr.expression, input, environment)
        if operand is None:
            return None
        if not _is_number(operand):
            raise JsonataError("D1002", "-", plain(operand, _nothing))
        return whole(-float(operand))

    def evaluate_string_concat(self, lhs: Any, rhs: Any) -> str:
        return "".join(text_of(printable(side)) for side in (lhs, rhs) if side is not None)

    def evaluate_includes_expression(self, lhs: Any, rhs: Any) -> bool:
        """Identity of scalars, as in JavaScript: ``1 in [true]`` is false, and so is an equal object."""
        items = rhs if isinstance(rhs, list) else [rhs]
        if isinstance(lhs, dict | list | None.__class__) or lhs not in items:  # the list's own search is far faster
            return False
        return any(item == lhs and isinstance(item, bool) == isinstance(lhs, bool) for item in items)

    def evaluate_range_expression(self, lhs: Any, rhs: Any) -> Any:
        for code, side in (("T2003", lhs), ("T2004", rhs)):
            if side is not None and not (_is_number(side) and float(side).is_integer()):
                raise JsonataError(code, plain(side, _nothing))
        if lhs is None or rhs is None or lhs > rhs:
            return None
        size = int(rhs) - int(lhs) + 1
        if size > 10_000_000:
            raise JsonataError("D2014", size)
        if 8 * size > HELD:
            raise BoundError(MEMORY_LIMIT)
        return utils.Utils.create_sequence_from_iter(range(int(lhs), int(rhs) + 1))

    def evaluate_group_expression(self, expr: Node, input: Any, environment: Any) -> Any:
        """Copies an empty input, because the library appends to it and it is the execution's own data."""
        if isinstance(input, list) and not input:
            input = _create_sequence()
        return super().evaluate_group_expression(expr, input, environment)

    def evaluate_wildcard(self, expr: Node, input: Any) -> Any:
        """Collects in one list: the library would copy all earlier results for each list it meets."""
        found = _create_sequence()
        for value in input.values() if isinstance(input, dict) else input if isinstance(input, list) else ():
            found.extend(self.flatten(value, None) if isinstance(value, list) else [value])
        return found


def _settled(expr: Node, result: Any) -> Any:
    """A sequence of one is its item, an empty one is undefined, unless ``[]`` asked to keep it."""
    if type(result) is not _Sequence or not result.sequence or result.tuple_stream:
        return result
    if expr.keep_array:
        result.keep_singleton = True
    if not result:
        return None
    return result[0] if len(result) == 1 and not result.keep_singleton else result


def _evaluator(name: str, *arguments: str) -> Callable[[Evaluator, Node, Any, Any], Any]:
    """``method(expr[, input[, environment]])`` of the library, by name, so that overrides are found."""
    if arguments == ("expr",):
        return lambda self, expr, input, environment: getattr(self, name)(expr)
    if arguments == ("expr", "input"):
        return lambda self, expr, input, environment: getattr(self, name)(expr, input)
    method: Callable[[Evaluator, Node, Any, Any], Any] = getattr(Evaluator, name)
    return method


def _function(self: Evaluator, expr: Node, input: Any, environment: Any) -> Any:
    return self.evaluate_function(expr, input, environment, utils.Utils.NONE)


def _parent(self: Evaluator, expr: Node, input: Any, environment: Any) -> Any:
    return environment.lookup(expr.slot.label)


_METHODS: Final = {
    "path": _evaluator("evaluate_path"),
    "binary": _evaluator("evaluate_binary"),
    "unary": _evaluator("evaluate_unary"),
    "name": _evaluator("evaluate_name"),
    "string": _evaluator("evaluate_literal", "expr"),
    "number": _evaluator("evaluate_literal", "expr"),
    "value": _evaluator("evaluate_literal", "expr"),
    "wildcard": _evaluator("evaluate_wildcard", "expr", "input"),
    "descendant": _evaluator("evaluate_descendants", "expr", "input"),
    "parent": _parent,
    "condition": _evaluator("evaluate_condition"),
    "block": _evaluator("evaluate_block"),
    "bind": _evaluator("evaluate_bind_expression"),
    "regex": _evaluator("evaluate_regex", "expr"),
    "function": _function,
    "variable": _evaluator("evaluate_variable"),
    "lambda": _evaluator("evaluate_lambda"),
    "partial": _evaluator("evaluate_partial_application"),
    "apply": _evaluator("evaluate_apply_expression"),
    "transform": _evaluator("evaluate_transform_expression"),
}
_MAKERS: Final = frozenset({"binary", "unary", "function", "apply", "wildcard", "descendant"})


def _is_number(value: Any) -> bool:
    """JSONata's test for a number: NaN is not one, and an infinity raises D1001."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        number = float(value)
    except OverflowError:
        raise JsonataError("D1001", math.inf) from None
    if math.isinf(number):
        raise JsonataError("D1001", number)
    return not math.isnan(number)


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left else math.copysign(math.inf, left) * math.copysign(1, right)


_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divided,
    "%": lambda left, right: math.fmod(left, right) if right else math.nan,
}


def translated(error: Any) -> JsonataError:
    """A ``JsonataError`` for the library's own exception."""
    inserts = tuple(plain(i, _nothing) for i in (error.current, error.expected, error.extra))
    translation = JsonataError(error.error)
    translation.message = filled(error.error, inserts)
    return translation


def _nothing() -> None:
    return None


def is_callable(value: Any) -> bool:
    """Whether a value is one of JSONata's functions (regular expressions are functions too)."""
    return isinstance(value, library.Jsonata.JFunctionCallable | parser.Parser.Symbol) or (
        functions.Functions.is_regex(value)
    )


def with_nulls(value: Value) -> Any:
    """JSON for the library, with its marker for null. Parts without null are shared."""
    if value is None:
        return NULL
    if isinstance(value, dict | list) and "null" in dumps(value):
        return _marked(value)
    return value


def _marked(value: Value) -> Any:
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    return NULL if value is None else value


def plain(value: Any, function: Callable[[], Value] | None = None) -> Value:
    """The library's value as JSON. A function becomes the result of ``function``, or raises ``UnsupportedResultError``.

    Parts that are plain already are shared with the argument. Infinities are AWS's strings ("Infinity", measured).
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return value if isinstance(value, int) or math.isfinite(value) else _NON_FINITE.get(value, "NaN")
    if isinstance(value, list):
        items = [plain(item, function) for item in value]
        return value if type(value) is list and all(map(_is, items, value)) else items
    if isinstance(value, dict):
        pairs = {key: plain(item, function) for key, item in value.items()}
        return value if all(item is value[key] for key, item in pairs.items()) else pairs
    return None if value is NULL else _functional(value, function)


_NON_FINITE: Final = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _functional(value: Any, function: Callable[[], Value] | None) -> Value:
    if function is None or not is_callable(value):
        raise UnsupportedResultError
    return function()


def printable(value: Any) -> Value:
    """The value as ``$string`` prints it: functions are empty strings, infinities are left for it to refuse."""
    return value if isinstance(value, int | float) else plain(value, str)


def _is(left: Any, right: Any) -> bool:
    return left is right


def outcome(value: Any) -> Value:
    """An evaluation's result for its caller: ``UNSET`` for undefined."""
    return UNSET if value is None else plain(value)
