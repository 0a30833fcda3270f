"""Lines and columns of problems: computed only when there are problems."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from sfn_emulator.asl.text.report import Report
from sfn_emulator.asl.text.source import DEPTH_LIMIT
from sfn_emulator.errors import Problem
from sfn_emulator.query.java.jackson import JsonError, scan
from sfn_emulator.values import Place

Positions: TypeAlias = Mapping[Place, tuple[int, int]]
"""Place → line and column, from 1."""


def placed(report: Report, positions: Positions) -> tuple[Problem, ...]:
    """The problems, each with the line and column of its place, or of the nearest known place around it."""
    return tuple(problem if problem.line else _at(problem, exact, positions) for problem, exact in report.found)


def _at(problem: Problem, exact: Place, positions: Positions) -> Problem:
    line, column = _nearest(positions, exact)
    return replace(problem, line=line, column=column)


def placed_in(report: Report, text: str) -> tuple[Problem, ...]:
    """The problems, with line and column in a JSON text; unchanged if the text can't be read."""
    if all(problem.line for problem, _ in report.found):
        return report.problems()
    try:
        return placed(report, scan(text, DEPTH_LIMIT).positions)
    except JsonError:
        return report.problems()


def _nearest(positions: Positions, place: Place) -> tuple[int, int]:
    while place not in positions and place:
        place = place[:-1]
    return positions.get(place, (1, 1))
