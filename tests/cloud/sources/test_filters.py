"""Filters of records: what passes, in linear time."""

from typing import Any

import pytest

from sfn_emulator.cloud.sources.filters import passes


@pytest.mark.parametrize(("body", "passed"), [("a" * 200_000, False), ("a" * 200_000 + "b", True), (7, False)])
def test_a_wildcard_of_many_stars_is_matched_in_linear_time(body: Any, passed: bool) -> None:
    assert passes([{"body": {"text": [{"wildcard": "*a*a*a*a*b"}]}}], {"body": {"text": body}}) is passed
