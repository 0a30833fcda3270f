"""Hostile sources and data: a clear error or an answer, soon, and never another exception."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfn_emulator.errors import EvaluationError, QuerySyntaxError
from sfn_emulator.query.jsonpath.conditions import compile_condition
from sfn_emulator.query.jsonpath.filters import _loosely_equal as loosely_equal
from sfn_emulator.query.jsonpath.intrinsics.calls import compile_intrinsic
from sfn_emulator.query.jsonpath.path import NOT_FOUND, compile_path
from sfn_emulator.query.jsonpath.reference_path import compile_reference_path
from sfn_emulator.query.jsonpath.template import compile_template
from sfn_emulator.query.timestamps import parse_timestamp

MILLION = 1_000_000


def deep_object(levels, name="a"):
    value = 1
    for _ in range(levels):
        value = {name: value}
    return value


DEEP = deep_object(10_000)
WIDE = {f"k{i}": i for i in range(100_000)}


@pytest.mark.parametrize(
    "source",
    [
        "$" + ".a" * MILLION,
        "$" + "[0]" * MILLION,
        "$" + "..a" * MILLION,
        "$[?(" + "(" * MILLION,
        "$" + "[?(@" * 100_000,
        "$[?(" + "!" * MILLION + "@.a)]",
        "$.a(" * MILLION,
        "$.concat(" * MILLION,
        "$['" + "\\" * MILLION,
        "$[" + "1," * MILLION,
        "$[?(@.a in " + "[" * MILLION,
        "$[?(@.a == " + "9" * MILLION + ")]x",
        "$" + " " * MILLION + "x",
        "States.Array(" * MILLION,
        "States.Array('" + "\\'" * MILLION,
        "States.Array(" + "1" * MILLION + ")",
        "States.Array($[?(" + "(" * MILLION,
    ],
    ids=lambda source: source[:24],
)
def test_exploding_sources_are_refused(source):
    compile_it = compile_intrinsic if source.startswith("States.") else compile_path
    with pytest.raises(QuerySyntaxError):
        compile_it(source)


def test_templates_and_rules_nested_too_deeply_are_refused():
    with pytest.raises(QuerySyntaxError):
        compile_template(DEEP)
    rule = {"Variable": "$.a", "IsNull": True}
    for _ in range(10_000):
        rule = {"Not": rule}
    with pytest.raises(QuerySyntaxError):
        compile_condition(rule)


def test_a_five_megabyte_name_is_a_name(scope):
    name = "x" * 5 * MILLION
    assert compile_path(f"$.{name}").apply({name: 1}, scope) == 1


@pytest.mark.parametrize("source", ["$..a", "$..[?(@.a)]", "$..*", "$.a.a.a"])
def test_paths_walk_deep_data_without_recursion(source, scope):
    assert compile_path(source).apply(DEEP, scope)


def test_a_miss_in_deep_or_large_data_still_quotes_it(scope):
    for subject in (DEEP, WIDE, ["\ud800", 2**70]):
        with pytest.raises(EvaluationError):
            compile_path("$.gone", "v.$", NOT_FOUND).apply(subject, scope)


def test_paths_that_multiply_are_stopped(scope):
    with pytest.raises(EvaluationError, match="more than"):
        compile_path("$" + "..*" * 5).apply(deep_object(300), scope)
    with pytest.raises(EvaluationError, match="more than"):
        compile_path("$" + "[0,0,0,0,0,0,0,0,0,0]" * 8).apply(_nested_lists(9), scope)


def _nested_lists(levels):
    value: list = [0]
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "call",
    [
        "States.JsonToString($)",
        "States.Format('{}', $)",
        "States.ArrayContains(States.Array($), $)",
        "States.Hash($, 'MD5')",
        "States.ArrayLength(States.Array($))",
    ],
)
@pytest.mark.parametrize(
    "subject", [DEEP, WIDE, "x" * 5 * MILLION, 2**3000, "\ud800"], ids=["deep", "wide", "long", "huge", "lone"]
)
def test_functions_take_any_data_or_say_they_do_not(call, subject, scope):
    try:
        json.dumps(compile_intrinsic(call).apply(subject, scope))
    except EvaluationError as error:
        assert "Invalid arguments in States." in error.message
    except RecursionError:
        assert subject is DEEP and "Array(" not in call


def test_unique_of_deep_items_is_refused_not_fatal(scope):
    with pytest.raises(EvaluationError):
        compile_intrinsic("States.ArrayUnique($)").apply([DEEP, DEEP], scope)


def test_formats_can_not_swell_without_end(scope):
    call = f"States.Format('{'{}' * 1000}'{', $' * 1000})"
    with pytest.raises(EvaluationError):
        compile_intrinsic(call).apply("x" * 256_000, scope)


@pytest.mark.parametrize("operator", ["IN", "NIN"])
@pytest.mark.parametrize("among", ["$.b", "$..f", "$b"])
def test_membership_takes_no_longer_than_the_data_is_long(operator, among, scope_of):
    """Quadratic, these take minutes."""
    many = {
        "a": [{"v": n} for n in range(30_000)],
        "b": list(range(-30_000, 1)),
        "c": [{"f": -n} for n in range(30_000)],
    }
    found = compile_path(f"$.a[?(@.v {operator} {among})]").apply(many, scope_of({"b": many["b"]}))
    assert len(found) == (1 if operator == "IN" else 29_999)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.0, 1.0, 1e20, "1", "1.0", "", "null"])
)
ITEMS = st.lists(st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.just("k"), SCALARS)), max_size=5)


@given(st.lists(ITEMS, min_size=2, max_size=4), ITEMS)
def test_a_lookup_finds_what_a_search_would_find(scope_of, candidates, among):
    subject = {"a": [{"v": items} for items in candidates], "b": among}
    kept = [items for items in candidates if any(loosely_equal(one, other) for one in items for other in among)]
    found = compile_path("$.a[?(@.v ANYOF $.b)]").apply(subject, scope_of())
    assert [one["v"] for one in found] == kept


def test_string_matches_is_linear(scope):
    rule = compile_condition({"Variable": "$", "StringMatches": "*a" * 50_000 + "*b"})
    assert rule.apply("a" * 300_000, scope) is False
    assert compile_condition({"Variable": "$", "StringMatches": "*" * MILLION}).apply("x", scope) is True


def test_an_exploding_regular_expression_is_stopped(scope):
    with pytest.raises(EvaluationError, match="longer than"):
        compile_path("$[?(@.a =~ /(x|xx)+[yz]/)]").apply([{"a": "x" * 5000}], scope)


def test_timestamps_of_any_length_are_judged_at_once():
    assert parse_timestamp("2024-01-01T00:00:00." + "0" * 5 * MILLION + "Z") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
path_texts = st.lists(
    st.sampled_from(
        [
            ".a",
            ".b",
            "['c']",
            "[0]",
            "[-1]",
            "[1:]",
            "[:1]",
            "[*]",
            ".*",
            "..a",
            "..*",
            "['a','b']",
            "[0,1]",
            ".length()",
            ".sum()",
            ".keys()",
            "[?(@.a)]",
            "[?(@.a == 1)]",
            "[?(@.b < $.a)]",
            "[?(!@.a && @.b > 'x')]",
        ]
    ),
    max_size=5,
).map(lambda parts: "$" + "".join(parts))
noise = st.text("$.@?()[]'\"*:,&|!=<>~/\\ab01 States.Format{}", max_size=40)


@given(path_texts, json_values)
@settings(max_examples=2 * settings.default.max_examples)
def test_any_path_over_any_data_gives_json_or_an_evaluation_error(scope_of, text, value):
    scope = scope_of()
    before = json.dumps(value)
    try:
        found = compile_path(text).apply(value, scope)
    except (EvaluationError, QuerySyntaxError):
        found = None
    assert json.dumps(found)
    assert json.dumps(value) == before


@given(noise)
@settings(max_examples=2 * settings.default.max_examples)
def test_any_text_compiles_or_is_a_syntax_error(text):
    for source in (text, "$" + text, "States.Array(" + text, "$[?(" + text):
        for compile_it in (compile_path, compile_intrinsic, compile_reference_path):
            try:
                compile_it(source)
            except QuerySyntaxError:
                continue


@given(st.lists(st.sampled_from([".a", ".b", "[0]", "['c']"]), min_size=1, max_size=4), json_values, json_values)
@settings(max_examples=2 * settings.default.max_examples)
def test_what_a_result_path_places_is_read_back_through_it(scope_of, parts, subject, result):
    text = "$" + "".join(parts)
    before = json.dumps(subject)
    try:
        placed = compile_reference_path(text).place(subject, result)
    except EvaluationError as error:
        assert error.error == "States.ReferencePathConflict"
    else:
        assert json.dumps(compile_path(text).apply(placed, scope_of())) == json.dumps(result)
    assert json.dumps(subject) == before


@given(st.text("ab*\\", max_size=12), st.text("ab*\\", max_size=12))
@settings(max_examples=2 * settings.default.max_examples)
def test_wildcards_agree_with_a_plain_search_over_all_splits(scope_of, pattern, text):
    rule = compile_condition({"Variable": "$", "StringMatches": pattern})
    assert rule.apply(text, scope_of()) is _matches_slowly(_tokens(pattern), text)


def _tokens(pattern):
    tokens, rest = [], pattern
    while rest:
        if rest[:2] in ("\\*", "\\\\"):
            tokens.append(rest[1])
            rest = rest[2:]
        else:
            tokens.append(None if rest[0] == "*" else rest[0])
            rest = rest[1:]
    return tokens


def _matches_slowly(tokens, text):
    reached = {0}
    for token in tokens:
        if token is None:
            reached = set(range(min(reached), len(text) + 1)) if reached else set()
        else:
            reached = {at + 1 for at in reached if text[at : at + 1] == token}
    return len(text) in reached
