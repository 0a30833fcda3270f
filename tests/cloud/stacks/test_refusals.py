"""An unsupported type is refused by its name before anything is made."""

import json
import re

import pytest
from botocore.exceptions import ClientError

from tests.cloud.stacks.stacks import ROLE, Stacks


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
    """Two levels of a thousand each, of a thousand characters, would be a thousand million."""
    name: object = "x" * 1_000
    for _ in range(2):
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


QUEUE = {"Type": "AWS::SQS::Queue"}
CIRCLE = {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Condition": "A"}}
MALFORMED = {
    "a condition that needs itself": ({"Conditions": CIRCLE}, r"Circular dependency between conditions: \[A, B\]"),
    "an unused condition of an unknown function": ({"Conditions": {"C": {"Fn::No": []}}}, "Fn::No is not a function"),
    "Fn::And of one": (
        {"Conditions": {"C": {"Fn::And": [{"Fn::Equals": [1, 1]}]}}},
        "every Fn::And object requires a list of at least 2",
    ),
    "Fn::Not of none": ({"Conditions": {"C": {"Fn::Not": []}}}, "every Fn::Not object requires one boolean"),
    "Fn::Cidr in a condition": (
        {"Conditions": {"C": {"Fn::Equals": [{"Fn::Cidr": ["no", 1, 8]}, ""]}}},
        r'Fn::Cidr cannot be worked out of \["no",1,8\]',
    ),
    "an object as DependsOn": (
        {"Resources": {"Q": {**QUEUE, "DependsOn": [{"Ref": "Q"}]}}},
        "DependsOn must be a string or list of strings",
    ),
    "a condition that is a list": (
        {"Resources": {"Q": {**QUEUE, "Condition": ["C"]}}},
        "Resources/Q/Condition. must be the name of a condition",
    ),
    "an output's condition": (
        {"Outputs": {"O": {"Value": "1", "Condition": {}}}},
        "Outputs/O/Condition. must be the name of a condition",
    ),
    "a snapshot of a queue": (
        {"Resources": {"Q": {**QUEUE, "DeletionPolicy": "Snapshot"}}},
        "AWS::SQS::Queue of Q does not support DeletionPolicy Snapshot",
    ),
    "a list of policies": (
        {"Resources": {"Q": {**QUEUE, "DeletionPolicy": ["Retain"]}}},
        "Unrecognized DeletionPolicy",
    ),
    "an output of nothing": ({"Outputs": {"O": {"Value": None}}}, "'null' values are not allowed"),
    "another format": ({"AWSTemplateFormatVersion": "2011-01-01"}, "2011-01-01 is not a supported value"),
    "a long description": ({"Description": "x" * 1025}, "'Description' length is greater than 1024"),
    "an object as default": (
        {"Parameters": {"P": {"Type": "String", "Default": {}}}},
        "Every Default member must be a string",
    ),
    "a bound that is no number": (
        {"Parameters": {"P": {"Type": "String", "Default": "1", "MinLength": "x"}}},
        "Parameter P has a constraint of the wrong type",
    ),
    "a rule without assertion": ({"Rules": {"R": {"Assertions": [{}]}}}, "Rule R needs a list of Assertions"),
    "a template of more than 51,200 bytes": ({"Metadata": {"M": "x" * 51_200}}, "length less than or equal to 51200"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_template_is_refused_with_what_is_wrong(stacks: Stacks, case: str) -> None:
    sections, reason = MALFORMED[case]
    with pytest.raises(ClientError, match=reason):
        stacks.api.create_stack(StackName="malformed", TemplateBody=json.dumps({"Resources": {"Q": QUEUE}, **sections}))


def test_a_template_that_is_nested_too_deeply_is_refused(stacks: Stacks) -> None:
    deep = '{"a":' * 900 + "1" + "}" * 900
    body = f'{{"Resources": {{"Q": {{"Type": "AWS::SQS::Queue", "Metadata": {deep}}}}}}}'
    with pytest.raises(ClientError, match="nested too deeply"):
        stacks.api.create_stack(StackName="deep", TemplateBody=body)


MISUSED = {
    "Fn::Cidr of nonsense": ({"Fn::Cidr": ["no", 1, 8]}, r'Fn::Cidr cannot be worked out of \["no",1,8\]'),
    "Fn::Cidr of all there is": ({"Fn::Cidr": ["0.0.0.0/0", 1 << 40, 1]}, "Fn::Cidr makes 1 to 256 address blocks"),
    "Fn::Split by nothing": ({"Fn::Split": ["", "abc"]}, "Fn::Split cannot be worked out of"),
    "no value as JSON": ({"Fn::ToJsonString": {"Ref": "AWS::NoValue"}}, "Fn::ToJsonString cannot be worked out of"),
    "a number as a list": ({"Fn::EachMemberIn": [1, 2]}, r"Fn::EachMemberIn cannot be worked out of \[1,2\]"),
}


@pytest.mark.parametrize("case", MISUSED)
def test_a_misused_function_is_the_resources_failure(stacks: Stacks, case: str) -> None:
    value, reason = MISUSED[case]
    stack = stacks.create({"Q": {**QUEUE, "Properties": {"Tags": [{"Key": "k", "Value": value}]}}})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert re.search(reason, stack.reason("Q"))


@pytest.mark.parametrize(("value", "kind"), [(["a"], "List"), ({"a": 1}, "Map")])
def test_an_output_is_a_text(stacks: Stacks, value: object, kind: str) -> None:
    stack = stacks.create({"Q": QUEUE}, Outputs={"O": {"Value": value}})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert any(f"must evaluate to a String and not a {kind}" in reason for _, _, reason in stack.events())


def test_only_the_variable_that_is_not_permitted_is_named(stacks: Stacks) -> None:
    function = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": ROLE,
        "Code": {"ZipFile": "def handler(e, c): pass"},
        "Environment": {"Variables": {"TABLE": "orders", "V": "1"}},
    }
    stack = stacks.create({"F": {"Type": "AWS::Lambda::Function", "Properties": function}})
    assert stack.reason("F").endswith("#/Environment/Variables: extraneous key [V] is not permitted")
    told = stacks.api.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"]
    drift = stacks.api.describe_stack_drift_detection_status(StackDriftDetectionId=told)
    assert drift["StackDriftStatus"] == "IN_SYNC"  # what was rolled back has not drifted
