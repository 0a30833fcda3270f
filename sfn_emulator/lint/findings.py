"""The problems of files: each definition in them is checked as create does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sfn_emulator.asl.lint import YAML_SUFFIXES, Integrations, lint_text, lint_value
from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.text.yaml_source import YamlError
from sfn_emulator.errors import Problem, Severity
from sfn_emulator.lint.marked import Marked, marked
from sfn_emulator.lint.templates import AsText, AsValue, Embedded, InFile, Unknown, is_template, machines
from sfn_emulator.query.java.jackson import JsonError
from sfn_emulator.tasks.integrations.aws_sdk import unknown
from sfn_emulator.tasks.sdk.integrated import doubt
from sfn_emulator.tasks.static_parameters import refusals

NOT_CHECKED: Final = "DEFINITION_NOT_CHECKED"
UNREADABLE: Final = "DEFINITION_UNREADABLE"
CREATE: Final = Integrations(unknown, refusals, doubt)
"""The checks of CreateStateMachine on AWS for Resources and their Parameters or Arguments, also those we can't run."""


class UnreadableError(Exception):
    """A file can't be read; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a file, with line and column in that file; ``machine`` names the state machine of a template."""

    file: str
    problem: Problem
    machine: str = ""

    @property
    def is_error(self) -> bool:
        return self.problem.severity is Severity.ERROR


def in_file(
    path: str | Path, machine_type: MachineType = MachineType.STANDARD, asked: Integrations = CREATE
) -> tuple[Finding, ...]:
    """Every problem of a definition, or of the definitions in a template. Raises ``UnreadableError``."""
    text = _read(Path(path))
    return in_text(
        text, str(path), machine_type, yaml=str(path).endswith(YAML_SUFFIXES), beside=Path(path).parent, asked=asked
    )


def in_text(
    text: str,
    file: str,
    machine_type: MachineType = MachineType.STANDARD,
    *,
    yaml: bool | None = None,
    beside: Path = Path(),
    asked: Integrations = CREATE,
) -> tuple[Finding, ...]:
    """Like ``in_file``, for a text. Relative paths in it start from the folder ``beside``.

    ``yaml=None``: JSON if it begins like an object, else YAML.
    """
    yaml = not text.lstrip().startswith(("{", "[")) if yaml is None else yaml
    template = _template(text, yaml)
    if template is None:
        return tuple(Finding(file, found) for found in lint_text(text, machine_type, yaml=yaml, integrations=asked))
    return tuple(finding for machine in machines(template) for finding in _embedded(machine, file, beside, asked))


def _template(text: str, yaml: bool) -> Marked | None:
    """The text as a template; ``None`` for any other text. One that can't be read counts as a definition, whose errors
    say why.
    """
    if not any(word in text for word in ("Resources", "resources", "stepFunctions")):
        return None
    try:
        found = marked(text, is_yaml=yaml)
    except (JsonError, YamlError):
        return None
    return found if is_template(found.value) else None


def _embedded(machine: Embedded, file: str, beside: Path, asked: Integrations) -> Iterator[Finding]:
    told = machine.definition
    if isinstance(told, InFile):
        yield from _beside(machine, told, file, beside, asked)
    elif isinstance(told, Unknown):
        yield _of(machine, file, NOT_CHECKED, f"{told.why}: the definition is not checked", Severity.WARNING)
    else:
        for problem in _problems(told, machine, asked):
            yield Finding(file, problem, machine.name)


def _problems(told: AsValue | AsText, machine: Embedded, asked: Integrations) -> Iterator[Problem]:
    if isinstance(told, AsValue):
        for problem in lint_value(told.value, told.positions, machine.machine_type, integrations=asked):
            place = (problem.line, problem.column) if problem.place else (machine.line, machine.column)
            yield replace(problem, line=place[0], column=place[1])
    else:
        for problem in lint_text(told.text, machine.machine_type, yaml=False, integrations=asked):
            line, column = told.at(problem.line, problem.column) if problem.line else (machine.line, machine.column)
            yield replace(problem, line=line, column=column)


def _beside(machine: Embedded, told: InFile, file: str, beside: Path, asked: Integrations) -> Iterator[Finding]:
    """The findings of a definition in a file of its own. Problems are reported in that file; if it can't be read, in
    the template.
    """
    path = beside / told.path
    try:
        found = in_file(path, machine.machine_type, asked)
    except UnreadableError as error:
        yield _of(machine, file, UNREADABLE, f"The definition of '{machine.name}' can't be read: {error}")
        return
    for finding in found:
        yield replace(finding, machine=machine.name)


def _of(machine: Embedded, file: str, code: str, message: str, severity: Severity = Severity.ERROR) -> Finding:
    problem = Problem(code, message, "", severity, code, machine.line, machine.column)
    return Finding(file, problem, machine.name)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path}: not UTF-8 (byte {error.start})") from None
