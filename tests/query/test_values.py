"""JSON text in and out: nothing is lost, nothing that is no JSON gets in."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfn_emulator.values import dumps, loads, size, size_up_to, type_name

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text() | st.text(st.characters(categories=["Cs"]), max_size=2)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@given(values)
def test_a_written_value_reads_back_the_same_type_for_type(value):
    text = dumps(value)
    assert json.dumps(loads(text)) == json.dumps(value)
    assert size(value) == len(text.encode("utf-8", "surrogatepass"))


@given(values, st.integers(1, 100))
def test_a_value_is_measured_in_pieces_as_it_is_written(value, times):
    repeated = {f"k{n}": [value] * n for n in range(times)}
    with contextlib.suppress(TypeError):  # orjson can't write it
        assert size_up_to(repeated, 1 << 40) == size(repeated)


def test_what_would_be_a_text_of_many_gigabytes_is_measured_by_its_parts():
    value = list(range(30_000))
    for _ in range(9):
        value = [value] * 8
    assert size_up_to(value, 1_000) > 1 << 30


@given(values)
def test_writing_is_compact_and_as_python_writes_it(value):
    assert json.loads(dumps(value)) == value
    if not any(character in dumps(value) for character in '"'):
        assert " " not in dumps(value)


@pytest.mark.parametrize("digits", [19, 20, 25, 400, 1000])
@pytest.mark.parametrize("offset", range(7))
def test_integers_of_any_size_are_kept_wherever_they_stand(digits, offset):
    number = int("9" * digits)
    text = f"{' ' * offset}[{number}]"
    assert loads(text) == [number]
    assert loads(text.encode()) == [number]


@pytest.mark.parametrize(
    "text",
    ["NaN", "[Infinity]", "-Infinity", "1e999", "{", "", "[1,]", "{'a':1}", "[1] 2", '"\ta"', "9" * 1001, "01"],
)
def test_a_text_that_is_no_json_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        loads(text)


def test_depth_is_refused_when_read_and_no_danger_when_written():
    with pytest.raises(ValueError, match=r"."):
        loads("[" * 10_000 + "]" * 10_000)
    with pytest.raises(ValueError, match=r"."):
        loads('["\\ud800",' + "[" * 10_000 + "]" * 10_000 + "]")
    deep: list = []
    for _ in range(10_000):
        deep = [deep]
    assert dumps(deep) == "[" * 10_001 + "]" * 10_001
    assert size(deep) == 20_002


def test_lone_surrogates_are_kept():
    assert loads('{"a":"\\ud800"}') == {"a": "\ud800"}
    assert size("\ud800") == 5


def test_of_a_key_given_twice_the_last_counts():
    assert loads('{"a":1,"b":2,"a":3}') == {"a": 3, "b": 2}


def test_numbers_that_are_none_are_not_written_as_if_they_were():
    with pytest.raises(ValueError, match=r"."):
        dumps([2**70, math.nan])


def test_types_have_their_json_names():
    assert [type_name(v) for v in (None, True, 1, 1.0, "", [], {})] == [
        "null", "boolean", "number", "number", "string", "array", "object",
    ]  # fmt: skip
