"""Choice rules of JSONPath states: comparison operators, And/Or/Not → a predicate.

A comparison between values of the wrong type is false, not an error (recorded); a Variable that leads nowhere is a
runtime error, except for IsPresent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeAlias

from sfn_emulator.errors import EvaluationError, QuerySyntaxError
from sfn_emulator.query.compiled import Compiled, Scope
from sfn_emulator.query.equality import is_number
from sfn_emulator.query.jsonpath.path import CHOICE_PATH
from sfn_emulator.query.jsonpath.reference_path import compile_reference
from sfn_emulator.query.jsonpath.wildcards import compile_wildcard
from sfn_emulator.query.memo import remembered_by_json
from sfn_emulator.query.timestamps import NOT_A_TIMESTAMP, parse_nanoseconds
from sfn_emulator.values import Value

MAX_DEPTH: Final = 64
"""Levels And, Or and Not may nest."""
COMBINATORS: Final = ("And", "Or", "Not")

Test: TypeAlias = Callable[[Any, Scope], bool]
Compare: TypeAlias = Callable[[Any, Any], bool]
"""``compare(variable's value, operand)``"""


class ConditionProblem(NamedTuple):
    """``pointer`` leads, from the rule, to the field or rule that is wrong (``/And[0]/Variable``), as AWS points."""

    pointer: str
    message: str
    kind: str


class ConditionError(QuerySyntaxError):
    """A rule with problems; ``problems`` holds all of them."""

    def __init__(self, problems: tuple[ConditionProblem, ...]) -> None:
        self.problems = problems
        super().__init__(", ".join(problem.message for problem in problems))


@dataclass(frozen=True, slots=True)
class Operator:
    """``wanted`` is the type of a literal operand; ``prepare`` converts it once, when compiled."""

    compare: Compare
    wanted: str
    fits: Callable[[Value], bool]
    prepare: Callable[[Value], Value] = lambda operand: operand


def is_timestamp(value: Value) -> bool:
    """An ISO-8601 extended offset date-time string."""
    return parse_nanoseconds(value) is not None


def _strings(test: Compare) -> Compare:
    """Compares strings by UTF-16 code units, as Java does."""

    def compare(value: Any, operand: Any) -> bool:
        if value.__class__ is not str or operand.__class__ is not str:
            return False
        if value.isascii() and operand.isascii():
            return test(value, operand)
        return test(value.encode("utf-16-be", "surrogatepass"), operand.encode("utf-16-be", "surrogatepass"))

    return compare


def _numbers(test: Compare) -> Compare:
    def compare(value: Any, operand: Any) -> bool:
        if value.__class__ is int and operand.__class__ is int:
            return test(value, operand)
        return is_number(value) and is_number(operand) and test(value, operand)

    return compare


def _timestamps(test: Compare) -> Compare:
    """Compares timestamps; the operand is in nanoseconds already."""

    def compare(value: Any, operand: Any) -> bool:
        moment = parse_nanoseconds(value)
        return moment is not None and operand is not None and test(moment, operand)

    return compare


_ORDERINGS: Final[dict[str, Compare]] = {
    "Equals": lambda value, operand: bool(value == operand),
    "LessThan": lambda value, operand: bool(value < operand),
    "GreaterThan": lambda value, operand: bool(value > operand),
    "LessThanEquals": lambda value, operand: bool(value <= operand),
    "GreaterThanEquals": lambda value, operand: bool(value >= operand),
}


def _is_string(value: Value) -> bool:
    return isinstance(value, str)


def _is_boolean(value: Value) -> bool:
    return isinstance(value, bool)


def _type_test(test: Callable[[Value], bool]) -> Operator:
    return Operator(lambda value, operand: test(value) is operand, "boolean", _is_boolean)


OPERATORS: Final[dict[str, Operator]] = {
    **{f"String{name}": Operator(_strings(test), "string", _is_string) for name, test in _ORDERINGS.items()},
    **{f"Numeric{name}": Operator(_numbers(test), "number", is_number) for name, test in _ORDERINGS.items()},
    **{
        f"Timestamp{name}": Operator(_timestamps(test), "timestamp", is_timestamp, parse_nanoseconds)
        for name, test in _ORDERINGS.items()
    },
    "BooleanEquals": Operator(lambda value, operand: _is_boolean(value) and value is operand, "boolean", _is_boolean),
    "StringMatches": Operator(
        lambda value, operand: isinstance(value, str) and operand(value), "string", _is_string, compile_wildcard
    ),
    "IsNull": _type_test(lambda value: value is None),
    "IsString": _type_test(_is_string),
    "IsNumeric": _type_test(is_number),
    "IsBoolean": _type_test(_is_boolean),
    "IsTimestamp": _type_test(is_timestamp),
}
"""The operators with a literal operand, except IsPresent. Each of the first four kinds also takes a ``…Path``
operand.
"""

IS_PRESENT: Final = "IsPresent"


def _number_or_zero(operand: Value) -> Value:
    """A path's value for a comparison of numbers: any other value counts as 0, as in Java's ``JsonNode``
    (notes on AWS: 7 is greater than [6], 8 is at least false; recorded: 7 does not equal {"value": 7})."""
    return operand if is_number(operand) else 0


PATH_OPERATORS: Final[dict[str, Operator]] = {
    f"{name}Path": replace(operator, prepare=_number_or_zero) if name.startswith("Numeric") else operator
    for name, operator in OPERATORS.items()
    if not name.startswith("Is") and name != "StringMatches"
}


@remembered_by_json
def compile_condition(rule: Mapping[str, Value], ignored: frozenset[str] = frozenset(("Next", "Comment"))) -> Compiled:
    """One rule of a Choice state, nested rules included; ``apply`` gives a bool.

    ``ignored`` are fields of the outermost rule that are the state's own (Next, Assign, ...). Raises
    ``ConditionError`` with every problem at once.
    """
    build = _Build([], set())
    test = build.rule({key: value for key, value in rule.items() if key not in ignored}, "", 0)
    if build.problems:
        raise ConditionError(tuple(build.problems))
    return Compiled(dict(rule), test, frozenset(build.variables))


def _never(subject: Any, scope: Scope) -> bool:
    return False


@dataclass(slots=True)
class _Build:
    """The problems and variables gathered on the way through one rule."""

    problems: list[ConditionProblem]
    variables: set[str]

    def wrong(self, pointer: str, message: str, kind: str = "SCHEMA") -> Test:
        self.problems.append(ConditionProblem(pointer, message, kind))
        return _never

    def rule(self, rule: Value, pointer: str, depth: int) -> Test:
        if not isinstance(rule, dict):
            return self.wrong(pointer, "A choice rule must be an object")
        if depth > MAX_DEPTH:
            return self.wrong(pointer, f"Choice rules are nested deeper than {MAX_DEPTH} levels")
        fields = {key: value for key, value in rule.items() if key not in ("Variable", "Comment")}
        for key in [key for key in fields if not _is_operator(key)]:
            self.wrong(pointer, f"Field '{key}' is not supported")
            del fields[key]
        if len(fields) != 1:
            return self.wrong(pointer, "A choice rule must have exactly one comparison operator, And, Or or Not")
        ((operator, operand),) = fields.items()
        if operator in COMBINATORS:
            if "Variable" in rule:
                self.wrong(pointer, f"Field 'Variable' is not supported beside '{operator}'")
            return self.combination(operator, operand, f"{pointer}/{operator}", depth)
        if "Variable" not in rule:
            return self.wrong(pointer, "These fields are required: [Variable]")
        return self.comparison(rule["Variable"], operator, operand, pointer)

    def combination(self, operator: str, operand: Value, pointer: str, depth: int) -> Test:
        if operator == "Not":
            inner = self.rule(operand, pointer, depth + 1)
            return lambda subject, scope: not inner(subject, scope)
        if not isinstance(operand, list) or not operand:
            return self.wrong(pointer, f"'{operator}' must be a non-empty array of choice rules")
        tests = tuple(self.rule(item, f"{pointer}[{i}]", depth + 1) for i, item in enumerate(operand))
        return _all_of(tests) if operator == "And" else _any_of(tests)

    def path(self, text: Value, field: str, pointer: str) -> Compiled | None:
        try:
            compiled = compile_reference(text, field, CHOICE_PATH)
        except QuerySyntaxError as error:
            self.wrong(f"{pointer}/{field}", error.message, "JSON_PATH")
            return None
        self.variables |= compiled.variables
        return compiled

    def comparison(self, variable: Value, operator: str, operand: Value, pointer: str) -> Test:
        source = self.path(variable, "Variable", pointer)
        if operator in PATH_OPERATORS:
            other = self.path(operand, operator, pointer)
            if source is None or other is None:
                return _never
            return _compare_paths(PATH_OPERATORS[operator], source.apply, other.apply)
        row = _PRESENCE if operator == IS_PRESENT else OPERATORS[operator]
        if not row.fits(operand):
            return self.wrong(f"{pointer}/{operator}", _wanted(row))
        if source is None:
            return _never
        if operator == IS_PRESENT:
            return _presence(source.apply, operand)
        return _compare_literal(row.compare, source.apply, row.prepare(operand))


_PRESENCE: Final = Operator(lambda value, operand: False, "boolean", _is_boolean)


def _wanted(operator: Operator) -> str:
    """AWS's message for an operand of the wrong type."""
    if operator.wanted == "timestamp":
        return NOT_A_TIMESTAMP
    return f"Expected value of type {operator.wanted.capitalize()}"


def _is_operator(key: str) -> bool:
    return key in OPERATORS or key in PATH_OPERATORS or key in COMBINATORS or key == IS_PRESENT


def _all_of(tests: tuple[Test, ...]) -> Test:
    def apply(subject: Any, scope: Scope) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would cost more than most tests
            if not test(subject, scope):
                return False
        return True

    return apply


def _any_of(tests: tuple[Test, ...]) -> Test:
    def apply(subject: Any, scope: Scope) -> bool:
        for test in tests:  # noqa: SIM110
            if test(subject, scope):
                return True
        return False

    return apply


def _compare_literal(compare: Compare, source: Callable[[Any, Scope], Value], operand: Value) -> Test:
    return lambda subject, scope: compare(source(subject, scope), operand)


def _compare_paths(row: Operator, source: Callable[[Any, Scope], Value], other: Callable[[Any, Scope], Value]) -> Test:
    compare, prepare = row.compare, row.prepare
    return lambda subject, scope: compare(source(subject, scope), prepare(other(subject, scope)))


def _presence(source: Callable[[Any, Scope], Value], wanted: bool) -> Test:
    def apply(subject: Any, scope: Scope) -> bool:
        try:
            source(subject, scope)
        except EvaluationError:
            return not wanted
        return wanted

    return apply
