"""Checking definitions as people write them: JSON or YAML, with ``${Substitutions}`` still in place.

Deployment tools (SAM, CDK, Terraform, the CLI's ``--definition-substitutions``) fill ``${Name}`` in later, so a value
that holds one may become anything. Its field is not checked; everything around it is.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.parse import read_machine
from sfn_emulator.asl.parsing.draft import Draft, Misfits, Supports
from sfn_emulator.asl.text.positions import Positions, placed
from sfn_emulator.asl.text.report import INVALID_JSON, Report
from sfn_emulator.asl.text.source import DEPTH_LIMIT, check_size, read
from sfn_emulator.asl.text.yaml_source import YamlError, scan_yaml
from sfn_emulator.errors import Problem, Severity
from sfn_emulator.query.java.jackson import JsonError, Scanned, scan

YAML_SUFFIXES: Final = (".yaml", ".yml")


class Integrations(NamedTuple):
    """Further checks: those of the task runner, and ``advice`` on a definition without errors. None by default.

    ``doubts`` gives the warnings about a Resource that is not refused.
    """

    supports: Supports | None = None
    misfits: Misfits | None = None
    doubts: Supports | None = None
    advice: Callable[[Mapping[str, Any], Report], None] | None = None


_NOBODY: Final = Integrations()


def lint_text(
    text: str,
    machine_type: MachineType = MachineType.STANDARD,
    *,
    yaml: bool | None = None,
    integrations: Integrations = _NOBODY,
) -> tuple[Problem, ...]:
    """Every problem of a definition. With ``yaml=None`` the text is JSON if it begins like an object, else YAML."""
    report = Report()
    if not check_size(text, report):
        return report.problems()
    scanned = _scanned_yaml(text, report) if _is_yaml(text, yaml) else _scanned_json(text, report)
    if scanned is None:
        return report.problems()
    return _lint(scanned.value, scanned.positions, report, machine_type, integrations)


def lint_value(
    value: Any,
    positions: Positions,
    machine_type: MachineType = MachineType.STANDARD,
    *,
    integrations: Integrations = _NOBODY,
) -> tuple[Problem, ...]:
    """Every problem of a definition that was read already; ``positions`` says where its fields stand."""
    return _lint(value, positions, Report(), machine_type, integrations)


def has_errors(problems: tuple[Problem, ...]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _lint(
    value: Any, positions: Positions, report: Report, machine_type: MachineType, integrations: Integrations
) -> tuple[Problem, ...]:
    if isinstance(value, Mapping):
        supports, misfits, doubts, advice = integrations
        draft = Draft(report, machine_type, supports=supports, misfits=misfits, doubts=doubts, substitutions=True)
        read_machine(dict(value), draft)
        if advice is not None and not report.failed:
            advice(value, report)
    else:
        report.unplaced((), "Definition must be a valid JSON object", "INVALID_JSON")
    return placed(report, positions)


def _is_yaml(text: str, told: bool | None) -> bool:
    return not text.lstrip().startswith(("{", "[")) if told is None else told


def _scanned_json(text: str, report: Report) -> Scanned | None:
    """The value as create reads it. Only a text that is no JSON because of a bare ``${Name}`` is read by our own
    scanner.
    """
    strict = Report()
    if read(text, strict) is not None:
        return scan(text, DEPTH_LIMIT)
    try:
        scanned = scan(text, DEPTH_LIMIT, substitutions=True)
    except JsonError as fault:
        report.fault(fault)
        return None
    if _is_json(text):
        report.found, report.failed = strict.found, True
        return None
    return scanned


def _is_json(text: str) -> bool:
    try:
        scan(text, DEPTH_LIMIT)
    except JsonError:
        return False
    return True


def _scanned_yaml(text: str, report: Report) -> Scanned | None:
    try:
        return scan_yaml(text, DEPTH_LIMIT)
    except YamlError as fault:
        kind = "DUPLICATE_FIELD" if fault.duplicate else "INVALID_JSON"
        report.at_line(fault.line, fault.column, fault.message, kind, code=INVALID_JSON)
    return None
