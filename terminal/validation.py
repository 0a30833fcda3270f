"""The faults of a definition or an input, with line and column. No server is needed."""

from pathlib import Path
from typing import Any, NamedTuple

from terminal import inputs
from terminal.errors import TerminalError


class Linted(NamedTuple):
    """A definition's problems for machines and for people."""

    rows: list[Any]
    lines: list[str]
    has_errors: bool


def linted(file: Path) -> Linted:
    """Raises ``TerminalError``."""
    # Imported here, because it takes most of the start-up and few commands need it.
    from sfn_emulator.lint.findings import UnreadableError, in_file
    from sfn_emulator.lint.formats import line, row

    try:
        found = in_file(file)
    except UnreadableError as error:
        raise TerminalError(str(error)) from error
    return Linted([row(one) for one in found], [line(one) for one in found], any(one.is_error for one in found))


def first_error(file: Path) -> str | None:
    """Raises ``TerminalError``."""
    found = linted(file)
    return found.lines[0] if found.has_errors else None


def of_input(path: Path) -> list[str]:
    """A line for each problem of an input."""
    from sfn_emulator.asl.text.source import DEPTH_LIMIT
    from sfn_emulator.query.java.jackson import JsonError, in_brief, scan

    try:
        text = inputs.read(path)
        scanned = scan(text, DEPTH_LIMIT)
    except TerminalError as error:
        return [str(error)]
    except JsonError as error:
        return [f"{path}:{error.line}:{error.column}: not JSON ({in_brief(error.message)})"]
    return list(inputs.problems(scanned.value, scanned.positions, str(path)))
