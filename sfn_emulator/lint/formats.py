"""Findings as people and programs read them: a table of formats, findings in, one text out."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote

from sfn_emulator import __version__
from sfn_emulator.lint.codes import CODES
from sfn_emulator.lint.findings import Finding
from sfn_emulator.query.java.jackson import in_brief

Format = Callable[[Sequence[Finding]], str]


def line(finding: Finding) -> str:
    """``file:line:column CODE message at /States/...``; warnings say so."""
    problem = finding.problem
    warning = "" if finding.is_error else "warning "
    place = f" at {problem.pointer}" if problem.pointer.startswith("/") else ""
    machine = f" in {finding.machine}" if finding.machine else ""
    at = f"{finding.file}:{problem.line or 1}:{problem.column or 1}"
    return f"{at} {warning}{problem.code} {_first_line(finding)}{place}{machine}"


def row(finding: Finding) -> dict[str, Any]:
    """A finding for programs: ``location`` as AWS writes it, ``pointer`` (RFC 6901) at the very field."""
    problem = finding.problem
    told = {
        "file": finding.file,
        "line": problem.line,
        "column": problem.column,
        "severity": problem.severity.value,
        "code": problem.code,
        "kind": problem.kind,
        "message": problem.message,
        "location": problem.pointer,
        "pointer": problem.place,
    }
    return told | ({"stateMachine": finding.machine} if finding.machine else {})


def _first_line(finding: Finding) -> str:
    return in_brief(finding.problem.message)


def _text(findings: Sequence[Finding]) -> str:
    return "".join(line(finding) + "\n" for finding in findings)


def _json(findings: Sequence[Finding]) -> str:
    return json.dumps([row(finding) for finding in findings], indent=2) + "\n"


def _github(findings: Sequence[Finding]) -> str:
    """Workflow commands of GitHub Actions; each becomes an annotation at its line."""
    return "".join(_annotation(finding) for finding in findings)


def _annotation(finding: Finding) -> str:
    problem = finding.problem
    told = {"file": finding.file, "line": problem.line or 1, "col": problem.column or 1, "title": problem.code}
    properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in told.items())
    return f"::{'error' if finding.is_error else 'warning'} {properties}::{_escaped(_first_line(finding))}\n"


def _escaped(text: str, also: str = "") -> str:
    return "".join(f"%{ord(char):02X}" if char in "%\r\n" + also else char for char in text)


def _sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0 (OASIS), as code scanners upload it."""
    rules = sorted({finding.problem.code for finding in findings})
    described = [{"id": rule, "shortDescription": {"text": CODES.get(rule, rule)}} for rule in rules]
    driver = {"name": "sfn-emulator", "version": __version__, "rules": described}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules) for finding in findings],
    }
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(finding: Finding, rules: Sequence[str]) -> dict[str, Any]:
    problem = finding.problem
    region = {"startLine": problem.line or 1, "startColumn": problem.column or 1}
    place = {"artifactLocation": {"uri": quote(finding.file)}, "region": region}
    name = finding.machine + problem.pointer
    location: dict[str, Any] = {"physicalLocation": place}
    return {
        "ruleId": problem.code,
        "ruleIndex": rules.index(problem.code),
        "level": "error" if finding.is_error else "warning",
        "message": {"text": problem.message},
        "locations": [location | ({"logicalLocations": [{"fullyQualifiedName": name}]} if name else {})],
    }


FORMATS: Final[dict[str, Format]] = {"text": _text, "json": _json, "sarif": _sarif, "github": _github}
