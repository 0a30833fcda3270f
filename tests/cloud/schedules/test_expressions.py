"""Schedule expressions: the examples of AWS's own pages, and invalid ones."""

from datetime import UTC, datetime

import pytest

from sfn_emulator.cloud.schedules.expressions import ExpressionError, compile_rule, compile_schedule, zone_of


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone_of(zone)).timestamp()


def following(expression: str, since: str, count: int = 2, zone: str = "UTC") -> list[str]:
    moments, instant, found = compile_schedule(expression, zone_of(zone)), at(since), []
    for _ in range(count):
        due = moments.after(instant, at(since))
        if due is None:
            break
        instant = due
        found.append(f"{datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M}")
    return found


@pytest.mark.parametrize(
    ("expression", "moments"),
    [
        ("cron(0 10 * * ? *)", ["2026-01-01T10:00", "2026-01-02T10:00"]),
        ("cron(15 12 * * ? *)", ["2026-01-01T12:15", "2026-01-02T12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-01-01T18:00", "2026-01-02T18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-01-01T08:00", "2026-02-01T08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-01-01T00:15", "2026-01-01T00:30"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-01-01T08:00", "2026-01-01T08:05"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-01-05T09:00", "2026-02-02T09:00"]),
        ("cron(0 9 ? * 5L *)", ["2026-01-29T09:00", "2026-02-26T09:00"]),
        ("cron(0 9 L * ? *)", ["2026-01-31T09:00", "2026-02-28T09:00"]),
        ("cron(0 9 31W * ? *)", ["2026-01-30T09:00", "2026-03-31T09:00"]),
        ("cron(0 9 1W * ? 2028)", ["2028-01-03T09:00", "2028-02-01T09:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("cron(0 0 1 1 ? 2027)", ["2027-01-01T00:00"]),
        ("rate(5 minutes)", ["2026-01-01T00:05", "2026-01-01T00:10"]),
        ("rate(1 day)", ["2026-01-02T00:00", "2026-01-03T00:00"]),
        ("at(2026-06-01T12:00:00)", ["2026-06-01T12:00"]),
    ],
)
def test_an_expression_means_these_moments(expression: str, moments: list[str]) -> None:
    assert following(expression, "2026-01-01T00:00:00") == moments


def test_a_time_zone_moves_with_its_summer() -> None:
    assert following("cron(0 9 * * ? *)", "2026-03-28T00:00:00", zone="Europe/Berlin") == [
        "2026-03-28T08:00",
        "2026-03-29T07:00",
    ]


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "rate(0 minutes)",
            "rate(1 fortnight)",
            "rate(5)",
            "cron(0 10 * * * *)",
            "cron(0 10 ? * ? *)",
            "cron(60 * * * ? *)",
        ),
        *("cron(0 10 * * ?)", "cron(0 0 ? * 8 *)", "at(2026-13-01T00:00:00)", "at(tomorrow)", "every day", ""),
    ],
)
def test_an_invalid_expression_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        compile_schedule(expression, UTC)


@pytest.mark.parametrize("expression", ["rate(5 minute)", "rate(1 minutes)", "at(2026-06-01T12:00:00)"])
def test_a_rule_is_more_particular(expression: str) -> None:
    with pytest.raises(ExpressionError):
        compile_rule(expression)


def test_an_hour_that_clocks_leave_out_has_no_moments_and_one_they_show_twice_has_one() -> None:
    assert following("cron(30 2 * * ? *)", "2026-03-07T08:00:00", zone="America/New_York") == [
        "2026-03-09T06:30",
        "2026-03-10T06:30",
    ]
    assert following("cron(30 1 * * ? *)", "2026-10-31T06:00:00", zone="America/New_York") == [
        "2026-11-01T05:30",
        "2026-11-02T06:30",
    ]
