"""JSON files taken apart piece by piece give what parsing them at once gives, wherever the pieces are cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfn_emulator.errors import StateError
from sfn_emulator.tasks.items.json import Walk
from sfn_emulator.values import dumps

SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@given(st.lists(VALUES, max_size=6), st.lists(st.integers(0, 10_000), max_size=8))
def test_an_arrays_elements_come_whole_wherever_the_text_is_cut(values: list[Any], cuts: list[int]) -> None:
    walk = Walk(iter(pieces(f" {dumps(values)}\n", cuts)))
    assert [member.value for member in walk.members()] == values


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.lists(st.integers(0, 10_000), max_size=8))
def test_an_objects_members_are_found_wherever_the_text_is_cut(values: dict[str, Any], cuts: list[int]) -> None:
    text = dumps(values)
    assert dict(Walk(iter(pieces(text, cuts))).members()) == values
    for key, value in values.items():
        walk = Walk(iter(pieces(text, cuts)))
        walk.descend(key)
        assert walk.value() == value


@pytest.mark.parametrize("text", ["[1", "[1,]", "[1 2]", "[NaN]", '{"a" 1}', "{1:2}", "[" * 100_000, ""])
def test_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(StateError, match="not valid JSON"):
        list(Walk(iter([text])).members())
