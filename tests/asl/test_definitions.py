"""Every rule of the definition checker, as data: which problems a definition has, in order, and where."""

import json
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.parse import parse
from sfn_emulator.errors import Severity

RESOURCE = (
    "The resource provided x is not recognized. The value is not a valid resource ARN, "
    "or the resource is not available in this region. at /States/A/Resource"
)
LANGUAGE = (
    "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage "
    "at /States/A"
)
ASSIGN = "The value for the field 'v.$' must be a valid JSONPath or a valid intrinsic function call at /States/A/Assign"
EXPRESSION = "Unexpected end of expression at /States/A/Output"
CHOICES = "These fields are required: [Choices] at /States/A/Branches[0]/States/B"
CASES = Path(__file__).parent.parent / "conformance"


def load(name: str) -> list[Any]:
    cases = json.loads((CASES / name).read_text())
    return [pytest.param(case, id=case["name"]) for case in cases]


def found(case: dict[str, Any]) -> tuple[bool, list[dict[str, str]], set[Severity]]:
    machine, problems = parse(json.dumps(case["definition"]), MachineType(case["machine_type"]))
    wanted = case["problems"]
    rows = [
        {"code": p.code, "pointer": p.pointer, "kind": p.kind, "place": p.place, "message": p.message} for p in problems
    ]
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


INNER = {"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"Type": "Task", "Resource": "x"}, RESOURCE),
        ({"Type": "Pass", "TimeoutSeconds": 1, "End": True}, "Field 'TimeoutSeconds' is not supported at /States/A"),
        ({"Type": "Pass", "Output": 1, "End": True}, LANGUAGE),
        ({"Type": "Wait", "Seconds": 10**16, "End": True}, "Maximum value is 99999999 at /States/A/Seconds"),
        (
            {"Type": "Map", "MaxConcurrency": 1, "MaxConcurrencyPath": "$.n", "Iterator": INNER, "End": True},
            "There should only be one of the following fields: [MaxConcurrency, MaxConcurrencyPath] at /States/A",
        ),
        (
            {"Type": "Map", "ToleratedFailurePercentage": -1, "Iterator": INNER, "End": True},
            "Minimum value is 0.0 at /States/A/ToleratedFailurePercentage",
        ),
        (
            {"Type": "Wait", "Timestamp": "x", "End": True},
            "String does not match RFC3339 timestamp at /States/A/Timestamp",
        ),
        ({"Type": "Pass", "OutputPath": "x", "End": True}, "Value must be a valid JSONPath. at /States/A/OutputPath"),
        ({"Type": "Pass", "Assign": {"v.$": "x"}, "End": True}, ASSIGN),
        ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% 1 + %}", "End": True}, EXPRESSION),
        (
            {"Type": "Parallel", "Branches": [{"StartAt": "B", "States": {"B": {"Type": "Choice"}}}], "End": True},
            CHOICES,
        ),
    ],
)
def test_problems_are_told_in_the_words_aws_was_seen_to_use(state: dict[str, Any], message: str) -> None:
    """Recorded, or reported by users of AWS: cfn-lint 4075, 4078, 4085; floci 2735, 2745, 2968, 3733;
    github-runners 434."""
    _, problems = parse(json.dumps({"StartAt": "A", "States": {"A": state}}))
    first = str(problems[0])
    assert first.partition(": ")[2] == message


def test_express_refuses_an_integration_with_a_blank_that_create_does_not_double() -> None:
    """Validate's message was recorded 2025-10, Create's text 2024-07."""
    job = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync", "Parameters": {}, "End": True}
    _, problems = parse(json.dumps({"StartAt": "A", "States": {"A": job}}), MachineType.EXPRESS)
    words = "Express state machine does not support '.sync' service integration"
    assert problems[0].message == words + " "
    assert str(problems[0]) == f"SCHEMA_VALIDATION_FAILED: {words} at /States/A/Resource"
