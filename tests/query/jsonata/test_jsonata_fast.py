"""The fast way gives the library's answers: property tests over generated expressions and data."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfn_emulator.query.compiled import States
from sfn_emulator.query.jsonata.errors import BoundError, JsonataError, UnsupportedResultError
from sfn_emulator.query.jsonata.expression import MEMBERS, library_way
from sfn_emulator.query.jsonata.fast.compile import Doubt, fast_way
from sfn_emulator.query.jsonata.names import names_of
from sfn_emulator.query.jsonata.syntax import parse
from sfn_emulator.values import UNSET, dumps
from tests.query.jsonata.scope import FixedScope

# When generating is slow, on a loaded machine, Hypothesis prints the strategy, and warns of how long it is.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of a strategy, for its statistics

NAMES = st.sampled_from(["a", "b", "c"])
NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.sampled_from([0.5, -0.0, 2.0, 1.5, 0.1, 1e20, 1e21, -1e-7, 2**53, 2**53 + 1, 2**63, 10**25, 123456789012]),
    st.floats(allow_nan=False, allow_infinity=False),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(["", "a", "b", "10", "-1.5", "é", '"\n']))
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=12,
)

LITERALS = st.sampled_from(
    ["0", "1", "2", "-1", "1.5", "0.1", "true", "false", "null", "''", "'a'", "'10'", "1e300", "[]", "{}"]
)
STARTS = st.sampled_from(["$states.input", "$states.input.a", "$states.result", "$x", "$y", "$missing"])
BINARY = st.sampled_from(["+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=", "&", "and", "or", "in"])
ONE = [
    *("string", "number", "boolean", "not", "exists", "count", "sum", "max", "min", "average", "length", "uppercase"),
    *("lowercase", "keys", "merge", "type", "abs", "floor", "ceil", "round", "reverse", "sort", "join"),
]
TWO = ["append", "lookup", "contains", "split", "join", "substring", "substringBefore", "substringAfter"]


def _with_predicates(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Inside a predicate there is a context: names and ``$`` may be read."""
    context = st.one_of(NAMES, st.just("$"), NAMES.map(lambda n: f"$.{n}"), inner)
    predicate = st.one_of(
        st.sampled_from(["0", "1", "-1"]), NAMES, st.tuples(context, BINARY, context).map(lambda t: " ".join(t))
    )
    step = st.one_of(NAMES.map(lambda n: f".{n}"), predicate.map(lambda p: f"[{p}]"))
    return st.tuples(STARTS, st.lists(step, max_size=4)).map(lambda t: t[0] + "".join(t[1]))


EXPRESSIONS = st.recursive(
    st.one_of(LITERALS, STARTS),
    lambda inner: st.one_of(
        _with_predicates(inner),
        st.tuples(inner, BINARY, inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda e: f"-({e})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]}) ? ({t[1]}) : ({t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}) ? ({t[1]})"),
        st.lists(inner, max_size=3).map(lambda es: f"[{', '.join(es)}]"),
        st.lists(st.tuples(NAMES, inner), max_size=3, unique_by=lambda t: t[0]).map(
            lambda ps: "{" + ", ".join(f"'{k}': {e}" for k, e in ps) + "}"
        ),
        st.tuples(st.sampled_from(ONE), inner).map(lambda t: f"${t[0]}({t[1]})"),
        st.tuples(st.sampled_from(TWO), inner, inner).map(lambda t: f"${t[0]}({t[1]}, {t[2]})"),
        st.tuples(inner, st.sampled_from(ONE)).map(lambda t: f"({t[0]}) ~> ${t[1]}()"),
        st.tuples(inner, st.sampled_from(["0", "-1", "a", "$ = 1", "true", "$"])).map(lambda t: f"({t[0]})[{t[1]}]"),
    ),
    max_leaves=8,
)


def answers(expression: str, input: Any, x: Any) -> Iterator[str]:
    """What the fast way and the library say, as text that tells 1 from 1.0 and null from undefined."""
    tree = parse(expression)
    fast = fast_way(tree)
    if fast is None:
        return
    subject, scope = States(input, {"a": x}), FixedScope({"x": x, "y": [input, x]})
    try:
        yield told(fast(subject, scope, UNSET))
    except Doubt:
        return
    try:
        yield told(library_way(tree, names_of(tree).free, MEMBERS)(subject, scope))
    except (JsonataError, BoundError, UnsupportedResultError) as error:
        yield repr(error)


def told(value: Any) -> str:
    return "undefined" if value is UNSET else dumps(value)


@settings(max_examples=3 * settings.default.max_examples, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS, DATA, DATA)
def test_where_the_fast_way_answers_the_library_answers_the_same(expression: str, input: Any, x: Any) -> None:
    both = list(answers(expression, input, x))
    assert len(both) < 2 or both[0] == both[1]


@settings(max_examples=3 * settings.default.max_examples, suppress_health_check=[HealthCheck.too_slow])
@given(_with_predicates(LITERALS), DATA, DATA)
def test_paths_and_predicates_agree(expression: str, input: Any, x: Any) -> None:
    both = list(answers(expression, input, x))
    assert len(both) < 2 or both[0] == both[1]


@pytest.mark.parametrize(
    "expression",
    [
        "$i + 1",
        "$i < 200",
        "$states.input.a.b",
        "$states.input.a[0].b",
        "$states.input.lines[sku = 'a' and n > 1].price",
        "'Hello ' & $states.input.name & '!'",
        "$states.input.n > 3 ? 'many' : 'few'",
        "{'a': $states.input.a, 'b': [1, $x], 'c': {'d': null}}",
        "$count($states.input.lines) + $sum($states.input.lines.n)",
        "$merge([$states.input, {'done': true}])",
        "$append($list, $states.result.Payload)",
        "$exists($states.input.a) and $not($states.input.b)",
        "$states.context.Execution.Id",
        "$states.input.name ~> $uppercase()",
    ],
)
def test_common_shapes_have_a_fast_way(expression: str) -> None:
    assert fast_way(parse(expression)) is not None


@pytest.mark.parametrize(
    "expression", ["$map($x, function($v) { $v })", "$x.*", "$x^(a)", "$uuid()", "$x[]", "$x@$y.a", "$states", "/a/"]
)
def test_other_shapes_are_left_to_the_library(expression: str) -> None:
    assert fast_way(parse(expression)) is None
