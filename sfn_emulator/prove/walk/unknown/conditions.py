"""Choices over unknown values. A condition about an unknown value is answered by trying the values that matter to it.

The Choice itself shows what matters: a number it compares with, one less and one more; a string, and another one;
whether the place exists. The pick is kept as a fact, so a later Choice about the same place agrees.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sfn_emulator.asl.model import Choice, ChoiceRule
from sfn_emulator.errors import EvaluationError
from sfn_emulator.prove.walk.unknown.expressions import Mind, Sight, look
from sfn_emulator.prove.walk.unknown.literals import Leaf, Literals, leaves, operator_of
from sfn_emulator.prove.walk.unknown.reads import Read, literals_of, reads_of
from sfn_emulator.prove.walk.unknown.values import MARK, MissingError, is_unknown
from sfn_emulator.query.compiled import Compiled, Scope
from sfn_emulator.query.jsonpath.conditions import IS_PRESENT, compile_condition
from sfn_emulator.values import UNSET, Value

OTHER: Final = "something else"
_PLAIN_FUNCTIONS: Final = re.compile(r"\$(?!exists|not|boolean|states|lowercase|uppercase|trim|string)\w+\(")


def over_unknowns(state: Choice, mind: Mind, literals: Literals) -> tuple[ChoiceRule, ...]:
    """The rules, with conditions that can be asked about unknown values. ``literals`` are the whole machine's."""
    jsonpath = [rule.condition.source for rule in state.rules if isinstance(rule.condition.source, dict)]
    own = [leaf for source in jsonpath for leaf in leaves(source)]
    texts = [rule.condition.source for rule in state.rules if isinstance(rule.condition.source, str)]
    made = []
    for rule in state.rules:
        source = rule.condition.source
        test = (
            _jsonpath(source, own, mind, literals)
            if isinstance(source, dict)
            else _jsonata(rule.condition, texts, mind, literals)
        )
        made.append(ChoiceRule(Compiled(source, test), rule.next, rule.output, rule.assign))
    return tuple(made)


Test = Callable[[Any, Scope], bool]


# -- JSONPath: each comparison is asked on its own, as And, Or and Not come to it


def _jsonpath(rule: Mapping[str, Value], own: Sequence[Leaf], mind: Mind, literals: Literals) -> Test:
    if "Not" in rule:
        inner = _jsonpath(rule["Not"], own, mind, literals)
        return lambda subject, scope: not inner(subject, scope)
    for operator, over in (("And", all), ("Or", any)):
        if operator in rule:
            parts = [_jsonpath(part, own, mind, literals) for part in rule[operator]]
            return lambda subject, scope, over=over, parts=parts: over(part(subject, scope) for part in parts)  # type: ignore[misc]
    return _comparison(rule, own, mind, literals)


def _comparison(rule: Leaf, own: Sequence[Leaf], mind: Mind, literals: Literals) -> Test:
    operator = operator_of(rule)
    bare = {"Variable": rule["Variable"], operator: rule[operator]}
    apply = compile_condition(bare).apply
    reads = reads_of(rule["Variable"])
    operand = reads_of(rule[operator]) if operator.endswith("Path") else ()
    others = [leaf for read in reads for leaf in literals.leaves_about(read)]

    def test(subject: Any, scope: Scope) -> bool:
        with_what = _compared_with(operator, reads, operand, subject, scope, mind)
        for read in reads:
            name = _asked(read, subject, scope, mind)
            if name is not None:
                tried = [*with_what, *_candidates(name, own, others, subject, scope, mind)]
                mind.learn(name, mind.choices.pick(_distinct(tried)))
        sight = look((*reads, *operand), subject, scope, mind.facts)
        return bool(apply(sight.subject, sight.scope))

    return test


def _compared_with(
    operator: str, reads: Sequence[Read], operand: Sequence[Read], subject: Any, scope: Scope, mind: Mind
) -> list[Value]:
    """For a comparison with another place: what that holds, known or picked from here on, and values beside it."""
    if not operand:
        return []
    kind = next(kind for kind in _SAMPLES if operator.startswith(kind))
    name = _asked(operand[0], subject, scope, mind)
    if name is not None:
        mine = _known(reads, subject, scope, mind)
        tried = [_SAMPLES[kind]] if mine is None else _worth_trying(kind, mine)
        mind.learn(name, mind.choices.pick(_distinct(tried)))
    there = _known(operand, subject, scope, mind)
    return [] if there is None else _worth_trying(kind, there)


def _known(reads: Sequence[Read], subject: Any, scope: Scope, mind: Mind) -> Value:
    """The value at the place; ``None`` if it is unknown or does not exist."""
    try:
        values = look(tuple(reads), subject, scope, mind.facts, strict=True).values
    except MissingError:
        return None
    return values[0] if values and not is_unknown(values[0]) else None


_SAMPLES: Final[dict[str, Value]] = {
    "String": OTHER,
    "Numeric": 1,
    "Boolean": True,
    "Timestamp": "2026-01-01T00:00:00Z",
}
"""The value assumed for an unknown one that is compared with another unknown one."""


def _asked(read: Read, subject: Any, scope: Scope, mind: Mind) -> str | None:
    """The name of the unknown value that the comparison is about; ``None`` if the value is known."""
    try:
        value = look((read,), subject, scope, mind.facts, strict=True).values[0]
    except MissingError:
        return None
    return str(value[MARK]) if is_unknown(value) else None


def _candidates(
    name: str, own: Sequence[Leaf], others: Sequence[Leaf], subject: Any, scope: Scope, mind: Mind
) -> list[Value]:
    """The values that this Choice compares it with, and those of later Choices that compare it in the same way."""
    mine = [leaf for leaf in own for read in reads_of(leaf["Variable"]) if _asked(read, subject, scope, mind) == name]
    kinds = {_kind(leaf) for leaf in mine} - {""}
    later = [leaf for leaf in others if not kinds or _kind(leaf) in kinds]
    return [value for leaf in (*mine, *later) for value in _worth_trying(operator_of(leaf), leaf[operator_of(leaf)])]


def _kind(leaf: Leaf) -> str:
    """``String``, ``Numeric``, …; empty for what only asks whether something is there, or of which type."""
    return next((kind for kind in _SAMPLES if operator_of(leaf).startswith(kind)), "")


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
    "StringEquals": lambda operand: [OTHER] if str(operand).startswith("$") else [operand, OTHER],
    "String": lambda operand: [OTHER] if str(operand).startswith("$") else [operand, f"{operand}~", "", OTHER],
    "Numeric": lambda operand: _spread([operand]) if isinstance(operand, int | float) else [1, 0, 2],
    "": lambda operand: [OTHER],
}


# -- JSONata: evaluated as a whole, after the values it reads are picked


def _jsonata(condition: Compiled, own: Sequence[str], mind: Mind, literals: Literals) -> Test:
    reads = reads_of(condition.source)
    opaque = bool(_PLAIN_FUNCTIONS.search(str(condition.source)))
    tried = {read: _literals(own, read, literals) for read in reads}

    def test(subject: Any, scope: Scope) -> Any:
        for read in reads:
            name = _asked(read, subject, scope, mind)
            if name is not None and opaque:
                return mind.choices.pick((True, False))
            if name is not None:
                mind.learn(name, mind.choices.pick(tried[read]))
        sight: Sight = look(reads, subject, scope, mind.facts)
        try:
            value = condition.apply(sight.subject, sight.scope)
        except EvaluationError:
            if not sight.doubt:
                raise
            return mind.choices.pick((True, False))
        return value if isinstance(value, bool) or not sight.doubt else mind.choices.pick((True, False))

    return test


def _literals(own: Sequence[str], read: Read, literals: Literals) -> list[Value]:
    """The literals of this Choice, and those of other Choices about the same value."""
    texts = dict.fromkeys((*own, *literals.texts_about(read)))
    return [*_spread(value for text in texts for value in literals_of(text)), OTHER, UNSET]


def _spread(values: Any) -> list[Value]:
    """Each value; for a number also its two neighbours."""
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
