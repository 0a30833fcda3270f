"""Checking files: findings and their places, in definitions and in the templates of deployment tools."""

import json
from pathlib import Path

import pytest

from sfn_emulator.asl.integrations import OPTIMISED
from sfn_emulator.asl.lint import Integrations, lint_text
from sfn_emulator.lint.findings import CREATE, Finding, UnreadableError, in_file, in_text

YAML = """
StartAt: A
States:
  A:
    Type: Task
    Resource: !GetAtt Charge.Arn
    TimeoutSeconds: ${Limit}
    Retry:
      - ErrorEquals: [States.ALL, Other]
    Next: B
  B:
    Type: Wait
    Timestamp: 2024-01-01T00:00:00Z
    End: true
"""

LOST = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Nowhere"}, "B": {"Type": "Succeed"}}}'
SQS = "arn:aws:states:::sqs:sendMessage"


def told(findings: tuple[Finding, ...]) -> list[tuple[int, int, str, str]]:
    """Line, column, state machine and the first words of each finding."""
    return [(f.problem.line, f.problem.column, f.machine, f.problem.message[:25]) for f in findings]


def test_a_folder_and_bytes_that_are_no_text_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="Is a directory"):
        in_file(tmp_path)
    (tmp_path / "x.json").write_bytes(b"{\xff}")
    with pytest.raises(UnreadableError, match="not UTF-8"):
        in_file(tmp_path / "x.json")


def test_yaml_has_lines_and_columns_too(tmp_path: Path) -> None:
    path = tmp_path / "machine.yaml"
    path.write_text(YAML)
    (finding,) = in_file(path)
    assert (finding.problem.line, finding.problem.column) == (9, 23)
    assert finding.problem.pointer == "/States/A/Retry[0]/ErrorEquals[0]"
    assert finding.problem.place == "/States/A/Retry/0/ErrorEquals/0"


def test_parameters_that_create_refuses_are_found() -> None:
    task = {"Type": "Task", "Resource": SQS, "Parameters": {"QueueURL": "u", "MessageBody": "b"}, "End": True}
    findings = in_text(json.dumps({"StartAt": "A", "States": {"A": task}}), "x.json")
    assert [f.problem.message for f in findings] == [
        'The field "QueueURL" is not supported by Step Functions',
        "The field 'QueueUrl' is required but was missing",
    ]


@pytest.mark.parametrize("service", ["aws-sdk:nothing:getThing", "aws-sdk:s3:getThing", "glue:startJob"])
def test_resources_that_create_refuses_are_found(service: str) -> None:
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{service}", "End": True}
    (finding,) = in_text(json.dumps({"StartAt": "A", "States": {"A": task}}), "x.json")
    assert "is not recognized" in finding.problem.message


def test_every_optimised_integration_is_recognised_also_where_the_emulator_has_none() -> None:
    resources = [f"arn:aws:states:::{service}:{action}" for service, actions in OPTIMISED.items() for action in actions]
    tasks = [{"Type": "Task", "Resource": resource, "End": True} for resource in resources]
    texts = [json.dumps({"StartAt": "A", "States": {"A": task}}) for task in tasks]
    asked = Integrations(CREATE.supports)
    assert not [problem.message for text in texts for problem in lint_text(text, integrations=asked)]


def test_an_object_in_a_sam_template_is_found_with_the_templates_lines() -> None:
    template = """Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
  Shop:
    Type: AWS::Serverless::StateMachine
    Properties:
      Type: EXPRESS
      Definition:
        StartAt: Ask
        States:
          Ask:
            Type: Task
            Resource: !Sub arn:${AWS::Partition}:states:::sqs:sendMessage.waitForTaskToken
            Parameters: {QueueUrl: !Ref Queue, MessageBody: "x"}
            Next: Charge
          Charge:
            Type: Task
            Resource: !GetAtt Fn.Arn
            Next: Nowhere
"""
    assert told(in_text(template, "t.yaml", yaml=True)) == [
        (14, 13, "Shop", "Express state machine doe"),
        (20, 13, "Shop", "Missing 'Next' target: No"),
        (11, 9, "Shop", "Workflow has no terminal "),
    ]


@pytest.mark.parametrize("tag", ["|", "!Sub |", "!Sub |-"])
def test_a_block_of_text_in_a_cloudformation_template_is_found_line_by_line(tag: str) -> None:
    template = f"""Resources:
  Shop:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      DefinitionString: {tag}
        {{
          "StartAt": "A",
          "States": {{
            "A": {{"Type": "Task", "Resource": "${{Charge.Arn}}", "Next": "Nowhere"}},
            "Z": {{"Type": "Succeed"}}
          }}
        }}
"""
    first, second = told(in_text(template, "t.yaml", yaml=True))
    assert first == (9, template.splitlines()[8].index('"Next"') + 1, "Shop", "Missing 'Next' target: No")
    assert second[:2] == (10, 13)


def test_findings_in_cdks_template_have_their_place_in_the_text() -> None:
    parts = [
        '{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:',
        {"Ref": "AWS::Partition"},
        ':states:::sqs:sendMessage","Parameters":{"QueueUrl":"',
        {"Ref": "Queue"},
        '"},"Next":"Nowhere"},"B":{"Type":"Succeed"}}}',
    ]
    properties = {"DefinitionString": {"Fn::Join": ["", parts]}, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}}
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = json.dumps({"Resources": {"ShopD5F2E7C1": resource}}, indent=1)
    lines = template.splitlines()
    found = [
        (next(i for i, part in enumerate(parts) if json.dumps(part) in lines[line - 1]), words)
        for line, _, _, words in told(in_text(template, "t.json"))
    ]
    assert found == [
        (2, "The field 'MessageBody' i"),
        (4, "Missing 'Next' target: No"),
        (4, 'State "B" is not reachabl'),
    ]


def test_a_text_on_one_line_is_found_at_its_line() -> None:
    properties = {"DefinitionString": LOST}
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = json.dumps({"Resources": {"Shop": resource}}, indent=1)
    assert {line for line, *_ in told(in_text(template, "t.json"))} == {6}


def test_serverless_machines_are_found_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "other.asl.json").write_text(LOST)
    (tmp_path / "serverless.yml").write_text("""service: shop
stepFunctions:
  stateMachines:
    first:
      name: first
      definition:
        StartAt: A
        States:
          A: {Type: Pass, Next: Nowhere}
          B: {Type: Succeed}
    second:
      type: EXPRESS
      definition: ${file(other.asl.json)}
resources:
  Resources:
    Third:
      Type: AWS::StepFunctions::StateMachine
      Properties:
        DefinitionString: !Sub |
          {"StartAt": "X", "States": {}}
""")
    found = in_file(tmp_path / "serverless.yml")
    assert {(f.machine, Path(f.file).name) for f in found} == {
        ("first", "serverless.yml"),
        ("second", "other.asl.json"),
        ("Third", "serverless.yml"),
    }
    assert {f.problem.line for f in found if f.machine == "Third"} == {20}


def test_a_definition_file_of_a_template_is_checked_and_missed_when_it_is_not_there(tmp_path: Path) -> None:
    template = """Resources:
  Shop:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: shop.asl.json
"""
    path = tmp_path / "template.yaml"
    path.write_text(template)
    (missing,) = in_file(path)
    assert (missing.file, missing.problem.line, missing.is_error) == (str(path), 5, True)
    assert "No such file" in missing.problem.message
    (tmp_path / "shop.asl.json").write_text(LOST)
    assert {(f.file, f.machine) for f in in_file(path)} == {(str(tmp_path / "shop.asl.json"), "Shop")}


@pytest.mark.parametrize(
    "properties",
    [
        "{DefinitionS3Location: {Bucket: b, Key: k}}",
        "{DefinitionString: !ImportValue Shared}",
        "{RoleArn: r}",
        "{DefinitionString: !Join [x]}",
    ],
)
def test_a_definition_that_can_not_be_checked_is_reported(properties: str) -> None:
    template = f"Resources:\n  Shop:\n    Type: AWS::StepFunctions::StateMachine\n    Properties: {properties}\n"
    (finding,) = in_text(template, "t.yaml", yaml=True)
    assert (finding.problem.code, finding.problem.line, finding.is_error) == ("DEFINITION_NOT_CHECKED", 4, False)


@pytest.mark.parametrize(
    "text",
    [
        "Resources: {}",
        "Resources: [1]",
        "Resources: {A: 1, B: {Type: [1]}, C: {Type: AWS::StepFunctions::StateMachine, Properties: 3}}",
        "stepFunctions: 1",
        "stepFunctions: {stateMachines: {a: 1}}",
        "resources: [{Resources: {}}, 1]",
    ],
)
def test_a_template_without_machines_has_no_findings(text: str) -> None:
    assert in_text(text, "t.yaml", yaml=True) == ()


@pytest.mark.parametrize("text", ["{", "Resources: {{", '{"Resources": {"a": }}', "- Resources", ""])
def test_a_text_that_is_no_template_is_checked_as_a_definition(text: str) -> None:
    assert any(finding.is_error for finding in in_text(text, "t"))
