"""Inputs nested deeper than AWS's parser goes are refused in its words."""

import pytest

from sfn_emulator.service.errors import ApiError
from sfn_emulator.service.inputs import read_input


@pytest.mark.parametrize("text", ["[" * 1000 + "]" * 1000, '{"a":' * 1000 + "1" + "}" * 1000])
def test_a_thousand_levels_are_read(text: str) -> None:
    assert read_input(text)


@pytest.mark.parametrize("levels", [1001, 1025, 2000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deeper_ones_are_refused(levels: int, opening: str, closing: str) -> None:
    text = (opening * levels + "1" + closing * levels)[:262_144]
    with pytest.raises(ApiError, match=r"Document nesting depth \(1001\) exceeds the maximum allowed \(1000"):
        read_input(text)


def test_brackets_in_texts_and_side_by_side_are_no_levels() -> None:
    assert read_input('["' + "[" * 3000 + '"]') == ["[" * 3000]
    assert len(read_input("[" + "[],{}," * 2000 + "1]")) == 4001
