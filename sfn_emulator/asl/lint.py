"""Checking definition files: JSON or YAML, with ``${Substitutions}`` still in place.

Deployment tools (SAM, CDK, Terraform, the CLI's ``--definition-substitutions``) fill ``${Name}`` in later, so a value
that holds one may become anything: its field is not checked, everything around it is.
"""

from pathlib import Path
from typing import Any, Final

from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.parse import read_machine
from sfn_emulator.asl.parsing.draft import Draft
from sfn_emulator.asl.text.positions import placed
from sfn_emulator.asl.text.report import INVALID_JSON, Report
from sfn_emulator.asl.text.source import DEPTH_LIMIT, check_size
from sfn_emulator.asl.text.yaml_source import YamlError, scan_yaml
from sfn_emulator.errors import Problem, Severity
from sfn_emulator.query.java.jackson import JsonError, Scanned, scan

YAML_SUFFIXES: Final = (".yaml", ".yml")


class UnreadableError(Exception):
    """A file that can't be read; the text says why in one line."""


def lint_file(path: str | Path, machine_type: MachineType = MachineType.STANDARD) -> tuple[Problem, ...]:
    """Every problem of a definition file. Raises ``UnreadableError``."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{path}: not UTF-8 (byte {error.start})") from None
    return lint_text(text, machine_type, yaml=str(path).endswith(YAML_SUFFIXES))


def lint_text(
    text: str, machine_type: MachineType = MachineType.STANDARD, *, yaml: bool | None = None
) -> tuple[Problem, ...]:
    """Every problem of a definition. ``yaml=None``: JSON if it begins like an object, else YAML."""
    report = Report()
    if yaml is None:
        yaml = not text.lstrip().startswith(("{", "["))
    scanned = _scanned(text, report, yaml=yaml) if check_size(text, report) else None
    if scanned is None:
        return report.problems()
    if isinstance(scanned.value, dict):
        _read(scanned.value, Draft(report, machine_type, substitutions=True))
    else:
        report.unplaced((), "Definition must be a valid JSON object", "INVALID_JSON")
    return placed(report, scanned.positions)


def lint(path_or_text: str | Path, machine_type: MachineType = MachineType.STANDARD) -> tuple[Problem, ...]:
    """A definition, or the path of a file with one: a text with a line break or a brace is a definition."""
    if isinstance(path_or_text, str) and ("\n" in path_or_text or "{" in path_or_text):
        return lint_text(path_or_text, machine_type)
    return lint_file(path_or_text, machine_type)


def has_errors(problems: tuple[Problem, ...]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _read(raw: dict[str, Any], draft: Draft) -> None:
    read_machine(raw, draft)


def _scanned(text: str, report: Report, *, yaml: bool) -> Scanned | None:
    try:
        if yaml:
            return scan_yaml(text, DEPTH_LIMIT)
        return scan(text, DEPTH_LIMIT, substitutions=True)
    except JsonError as fault:
        report.fault(fault)
    except YamlError as fault:
        kind = "DUPLICATE_FIELD" if fault.duplicate else "INVALID_JSON"
        report.at_line(fault.line, fault.column, fault.message, kind, code=INVALID_JSON)
    return None
