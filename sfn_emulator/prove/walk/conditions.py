"""Choices over unknown values: a condition that asks about one is answered by trying the values that matter to it.

What matters is in the Choice itself: a number it compares with, one less and one more; a string, and another one;
whether the place is there at all. The pick is remembered as a fact, so a later Choice about the same place agrees.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sfn_emulator.asl.model import Choice, ChoiceRule
from sfn_emulator.errors import EvaluationError
from sfn_emulator.prove.walk.expressions import Mind, Sight, look
from sfn_emulator.prove.walk.reads import Read, literals_of, reads_of
from sfn_emulator.prove.walk.unknown import MARK, MissingError, is_unknown
from sfn_emulator.query.compiled import Compiled, Scope
from sfn_emulator.query.jsonpath.conditions import COMBINATORS, IS_PRESENT, compile_condition
from sfn_emulator.values import UNSET, Value

OTHER: Final = "something else"
_PLAIN_FUNCTIONS: Final = re.compile(r"\$(?!exists|not|boolean|states|lowercase|uppercase|trim|string)\w+\(")
_MOST: Final = 8


def over_unknowns(state: Choice, mind: Mind) -> tuple[ChoiceRule, ...]:
    """The rules, with conditions that can be asked about unknown values."""
    jsonpath = [rule.condition.source for rule in state.rules if isinstance(rule.condition.source, dict)]
    leaves = [leaf for source in jsonpath for leaf in _leaves(source)]
    texts = [rule.condition.source for rule in state.rules if isinstance(rule.condition.source, str)]
    literals = _spread(value for text in texts for value in literals_of(text))
    made = []
    for rule in state.rules:
        source = rule.condition.source
        test = (
            _jsonpath(source, leaves, mind)
            if isinstance(source, dict)
            else _jsonata(rule.condition, [*literals, OTHER, UNSET][:_MOST], mind)
        )
        made.append(ChoiceRule(Compiled(source, test), rule.next, rule.output, rule.assign))
    return tuple(made)


Test = Callable[[Any, Scope], bool]


# -- JSONPath: each comparison is asked on its own, as And, Or and Not come to it


def _leaves(rule: Mapping[str, Value]) -> Iterator[Mapping[str, Value]]:
    for operator in COMBINATORS:
        if operator in rule:
            inner = rule[operator]
            for part in inner if isinstance(inner, list) else [inner]:
                yield from _leaves(part)
            return
    yield rule


def _jsonpath(rule: Mapping[str, Value], leaves: Sequence[Mapping[str, Value]], mind: Mind) -> Test:
    if "Not" in rule:
        inner = _jsonpath(rule["Not"], leaves, mind)
        return lambda subject, scope: not inner(subject, scope)
    for operator, over in (("And", all), ("Or", any)):
        if operator in rule:
            parts = [_jsonpath(part, leaves, mind) for part in rule[operator]]
            return lambda subject, scope, over=over, parts=parts: over(part(subject, scope) for part in parts)  # type: ignore[misc]
    return _comparison(rule, leaves, mind)


def _comparison(rule: Mapping[str, Value], leaves: Sequence[Mapping[str, Value]], mind: Mind) -> Test:
    operator = _operator(rule)
    bare = {"Variable": rule["Variable"], operator: rule[operator]}
    apply = compile_condition(bare).apply
    reads = reads_of(rule["Variable"])
    operand = reads_of(rule[operator]) if operator.endswith("Path") else ()

    def test(subject: Any, scope: Scope) -> bool:
        for read in operand:
            name = _asked(read, subject, scope, mind)
            if name is not None:
                mind.learn(name, 1 if operator.startswith("Numeric") else OTHER)
        for read in reads:
            name = _asked(read, subject, scope, mind)
            if name is not None:
                mind.learn(name, mind.choices.pick(_candidates(name, leaves, subject, scope, mind)))
        sight = look((*reads, *operand), subject, scope, mind.facts)
        return bool(apply(sight.subject, sight.scope))

    return test


def _operator(rule: Mapping[str, Value]) -> str:
    return next(key for key in rule if key not in ("Variable", "Comment", "Next", "Assign", "Output"))


def _asked(read: Read, subject: Any, scope: Scope, mind: Mind) -> str | None:
    """The unknown value's name that the comparison is about; ``None`` where it is known."""
    try:
        value = look((read,), subject, scope, mind.facts, strict=True).values[0]
    except MissingError:
        return None
    return str(value[MARK]) if is_unknown(value) else None


def _candidates(
    name: str, leaves: Sequence[Mapping[str, Value]], subject: Any, scope: Scope, mind: Mind
) -> list[Value]:
    values: list[Value] = []
    for leaf in leaves:
        for read in reads_of(leaf["Variable"]):
            if _asked(read, subject, scope, mind) == name:
                values += _worth_trying(_operator(leaf), leaf[_operator(leaf)])
    return _distinct(values)


def _worth_trying(operator: str, operand: Value) -> list[Value]:
    kind = next((kind for kind in _TRYING if operator.startswith(kind)), "")
    return _TRYING[kind](operand)


def _timestamps(operand: Value) -> list[Value]:
    try:
        moment = datetime.fromisoformat(str(operand))
    except ValueError:
        return ["2026-01-01T00:00:00Z"]
    day = timedelta(days=1)
    return [at.isoformat().replace("+00:00", "Z") for at in (moment, moment - day, moment + day)]


_TRYING: Final[dict[str, Callable[[Any], list[Value]]]] = {
    IS_PRESENT: lambda operand: [OTHER, UNSET],
    "IsNull": lambda operand: [OTHER, None],
    "IsString": lambda operand: [OTHER, 0],
    "IsNumeric": lambda operand: [0, OTHER],
    "IsBoolean": lambda operand: [True, OTHER],
    "IsTimestamp": lambda operand: ["2026-01-01T00:00:00Z", OTHER],
    "Boolean": lambda operand: [True, False],
    "Timestamp": _timestamps,
    "StringMatches": lambda operand: [str(operand).replace("\\*", "*").replace("*", "x"), OTHER],
    "StringEqualsPath": lambda operand: [OTHER],
    "StringEquals": lambda operand: [operand, OTHER],
    "String": lambda operand: [OTHER] if str(operand).startswith("$") else [operand, f"{operand}~", "", OTHER],
    "Numeric": lambda operand: _spread([operand]) if isinstance(operand, int | float) else [1, 0, 2],
    "": lambda operand: [OTHER],
}


# -- JSONata: asked as a whole, once what it reads is picked


def _jsonata(condition: Compiled, candidates: list[Value], mind: Mind) -> Test:
    reads = reads_of(condition.source)
    opaque = bool(_PLAIN_FUNCTIONS.search(str(condition.source)))

    def test(subject: Any, scope: Scope) -> Any:
        for read in reads:
            name = _asked(read, subject, scope, mind)
            if name is not None and opaque:
                return mind.choices.pick((True, False))
            if name is not None:
                mind.learn(name, mind.choices.pick(candidates))
        sight: Sight = look(reads, subject, scope, mind.facts)
        try:
            value = condition.apply(sight.subject, sight.scope)
        except EvaluationError:
            if not sight.doubt:
                raise
            return mind.choices.pick((True, False))
        return value if isinstance(value, bool) or not sight.doubt else mind.choices.pick((True, False))

    return test


def _spread(values: Any) -> list[Value]:
    """Each value, and of a number those beside it."""
    made: list[Value] = []
    for value in values:
        made.append(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            made += [value - 1, value + 1]
    return _distinct(made)


def _distinct(values: Sequence[Value]) -> list[Value]:
    made: list[Value] = []
    for value in values:
        if not any(type(value) is type(other) and value == other for other in made):
            made.append(value)
    return made
