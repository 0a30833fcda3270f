"""What CloudFormation will not make is refused by name before anything is made."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.cloud.stacks.stacks import Stacks


@pytest.mark.parametrize("operation", ["create_stack", "create_change_set"])
def test_a_type_that_is_not_made_is_refused_by_name(stacks: Stacks, operation: str) -> None:
    template = json.dumps({"Resources": {"A": {"Type": "AWS::No::Such"}, "Q": {"Type": "AWS::SQS::Queue"}}})
    more = {"ChangeSetName": "first", "ChangeSetType": "CREATE"} if operation == "create_change_set" else {}
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::No::Such\]"):
        getattr(stacks.api, operation)(StackName="unknown-type", TemplateBody=template, **more)
    assert "unknown-type" not in [row["StackName"] for row in stacks.api.list_stacks()["StackSummaries"]]
    assert "QueueUrls" not in stacks.client("sqs").list_queues(QueueNamePrefix="unknown-type")


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ({"Resources": {}}, "At least one Resources member must be defined"),
        ({"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Propertys": {}}}}, "Invalid template resource property"),
        (
            {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "None"}}}}},
            r"Unresolved resource dependencies \[None\]",
        ),
        (
            {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::GetAtt": ["T", "No"]}}}}},
            "Circular dependency between resources|does not support attribute type No",
        ),
        (
            {
                "Resources": {
                    "A": {"Type": "AWS::SNS::Topic", "DependsOn": "B"},
                    "B": {"Type": "AWS::SNS::Topic", "DependsOn": "A"},
                }
            },
            r"Circular dependency between resources: \[A, B\]",
        ),
        (
            {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"O": {"Value": {"Fn::GetAtt": ["T", "X"]}}}},
            "resource T does not support attribute type X in Fn::GetAtt",
        ),
        (
            {"Parameters": {"P": {"Type": "String"}}, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}},
            r"Parameters: \[P\] must have values",
        ),
        (
            {"Transform": "Mine", "Resources": {"T": {"Type": "AWS::SNS::Topic"}}},
            "No transform named Mine found",
        ),
    ],
)
def test_a_template_that_cannot_be_is_refused_in_aws_words(stacks: Stacks, template: object, reason: str) -> None:
    with pytest.raises(ClientError, match=reason):
        stacks.api.create_stack(StackName="wrong", TemplateBody=json.dumps(template))


@pytest.mark.parametrize("function", ["Fn::Sub", "Fn::Join"])
def test_functions_within_functions_do_not_swell_without_end(stacks: Stacks, function: str) -> None:
    """Three levels of a thousand each would be a thousand million characters."""
    name: object = "x" * 1_000
    for _ in range(3):
        sub = {"Fn::Sub": ["${A}" * 1_000, {"A": name}]}
        name = sub if function == "Fn::Sub" else {"Fn::Join": ["", [sub, sub]]}
    stack = stacks.create({"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}})
    assert "makes a text of more than 1000000 characters" in stack.reason("T")


def test_a_pattern_that_explodes_or_is_none_holds_nobody_up(stacks: Stacks) -> None:
    for pattern in ("(a+)+$", "((("):
        parameter = {"Type": "String", "AllowedPattern": pattern}
        template = {"Parameters": {"P": parameter}, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}}
        with pytest.raises(ClientError) as refused:
            stacks.api.create_stack(
                StackName="pattern",
                TemplateBody=json.dumps(template),
                Parameters=[{"ParameterKey": "P", "ParameterValue": "a" * 40 + "!"}],
            )
        assert refused.value.response["Error"]["Code"] == "ValidationError"
