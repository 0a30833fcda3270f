"""Lines and columns of problems: computed only when there are problems."""

from dataclasses import replace

from sfn_emulator.asl.place import Place
from sfn_emulator.asl.report import Report
from sfn_emulator.asl.scanner import JsonFault, line_and_column, scan
from sfn_emulator.asl.source import DEPTH_LIMIT
from sfn_emulator.errors import Problem


def placed(report: Report, text: str) -> tuple[Problem, ...]:
    """The problems with line and column in a JSON text; unchanged where the text can't be read."""
    if all(problem.line for problem, _ in report.found):
        return report.problems()
    try:
        offsets = scan(text, DEPTH_LIMIT).offsets
    except JsonFault:
        return report.problems()
    return tuple(
        problem if problem.line else _at(problem, line_and_column(text, _nearest(offsets, exact)))
        for problem, exact in report.found
    )


def _at(problem: Problem, position: tuple[int, int]) -> Problem:
    return replace(problem, line=position[0], column=position[1])


def _nearest(offsets: dict[Place, int], place: Place) -> int:
    """The offset of the place, or of the nearest one around it that the text has."""
    while place not in offsets:
        place = place[:-1]
    return offsets[place]
