"""Every rule of the definition checker, as data: which problems a definition has, in order, and where."""

import json
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.parse import parse
from sfn_emulator.errors import Severity

CASES = Path(__file__).parent.parent / "conformance"


def load(name: str) -> list[Any]:
    cases = json.loads((CASES / name).read_text())
    return [pytest.param(case, id=case["name"]) for case in cases]


def found(case: dict[str, Any]) -> tuple[bool, list[dict[str, str]], set[Severity]]:
    machine, problems = parse(json.dumps(case["definition"]), MachineType(case["machine_type"]))
    wanted = case["problems"]
    rows = [{"code": p.code, "pointer": p.pointer, "kind": p.kind, "place": p.place} for p in problems]
    keys = [set(row) for row in wanted] + [{"code", "pointer", "kind"}] * len(rows)
    trimmed = [{name: row[name] for name in row if name in known} for row, known in zip(rows, keys, strict=False)]
    return machine is not None, trimmed, {problem.severity for problem in problems}


@pytest.mark.parametrize("case", load("definitions_refused.json"))
def test_a_definition_is_refused_for_every_reason_there_is(case: dict[str, Any]) -> None:
    accepted, problems, severities = found(case)
    assert not accepted
    assert problems == case["problems"]
    assert severities == {Severity.ERROR}


@pytest.mark.parametrize("case", load("definitions_accepted.json"))
def test_a_definition_is_accepted_with_warnings_at_most(case: dict[str, Any]) -> None:
    accepted, problems, severities = found(case)
    assert accepted
    assert problems == case["problems"]
    assert severities <= {Severity.WARNING}
