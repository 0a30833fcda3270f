"""Instants as text and back."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfn_emulator.query.timestamps import format_timestamp, parse_nanoseconds, parse_timestamp

LATEST = 253_402_300_799


@pytest.mark.parametrize(
    ("epoch", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_704_067_200, "2024-01-01T00:00:00.000Z"),
        (1_704_067_200.123, "2024-01-01T00:00:00.123Z"),
        (1_704_067_200.9999, "2024-01-01T00:00:00.999Z"),
        (70_368_744_177.661, "4199-11-24T01:22:57.661Z"),
        (0.001, "1970-01-01T00:00:00.001Z"),
    ],
)
def test_times_are_written_as_aws_writes_them(epoch, text):
    assert format_timestamp(epoch) == text


@given(st.integers(0, LATEST * 1000))
def test_milliseconds_survive_writing_and_reading(milliseconds):
    text = format_timestamp(milliseconds / 1000)
    assert parse_nanoseconds(text) == milliseconds * 1_000_000
    assert round(parse_timestamp(text) * 1000) == milliseconds


@given(st.datetimes(), st.integers(-18 * 60, 18 * 60))
def test_an_offset_moves_the_instant(moment, minutes):
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    utc = parse_nanoseconds(f"{moment.isoformat(timespec='microseconds')}Z")
    assert parse_nanoseconds(f"{moment.isoformat(timespec='microseconds')}{offset}") == utc - minutes * 60 * 10**9
    assert utc // 10**9 == int(moment.replace(microsecond=0, tzinfo=UTC).timestamp())


def test_instants_are_compared_to_the_nanosecond():
    assert parse_nanoseconds("2024-01-01T00:00:00.000000001Z") - parse_nanoseconds("2024-01-01T00:00:00Z") == 1
