"""The values of a template's parameters, conditions and functions, seen in the outputs of a deployed stack."""

import json
import threading
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.stacks.stacks import CAPABILITIES, ROLE, Stack, Stacks, machine
from tests.processes import running
from tests.waiting import until

TOPIC = {"T": {"Type": "AWS::SNS::Topic"}}


def outputs(stacks: Stacks, values: dict[str, Any], **more: Any) -> dict[str, str]:
    made = stacks.create(TOPIC, Outputs={name: {"Value": value} for name, value in values.items()}, **more)
    assert made.status == "CREATE_COMPLETE", made.events()
    return made.outputs


def test_every_function_comes_to_its_value(stacks: Stacks) -> None:
    told = outputs(
        stacks,
        {
            "Sub": {"Fn::Sub": ["${AWS::Region} ${Own} ${!Kept}", {"Own": {"Ref": "Env"}}]},
            "Join": {"Fn::Join": ["-", ["a", {"Ref": "Env"}, {"Ref": "AWS::NoValue"}]]},
            "Select": {"Fn::Select": ["1", {"Fn::Split": [",", "a,b,c"]}]},
            "Map": {"Fn::FindInMap": ["Sizes", {"Ref": "Env"}, "Size"]},
            "Default": {"Fn::FindInMap": ["Sizes", "none", "Size", {"DefaultValue": "none"}]},
            "If": {"Fn::If": ["IsProd", "yes", "no"]},
            "Base64": {"Fn::Base64": "text"},
            "Cidr": {"Fn::Join": ["|", {"Fn::Cidr": ["10.0.0.0/24", 2, 5]}]},
            "Zones": {"Fn::Join": ["|", {"Fn::GetAZs": ""}]},
            "List": {"Fn::Join": ["|", {"Ref": "Names"}]},
            "Json": {"Fn::ToJsonString": {"a": [1, {"Ref": "Env"}]}},
            "Length": {"Fn::Length": {"Ref": "Names"}},
        },
        Parameters={
            "Env": {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "prod"]},
            "Names": {"Type": "CommaDelimitedList", "Default": "x, y"},
        },
        Mappings={"Sizes": {"dev": {"Size": "small"}, "prod": {"Size": "large"}}},
        Conditions={
            "IsProd": {"Fn::And": [{"Fn::Equals": [{"Ref": "Env"}, "prod"]}, {"Fn::Not": [{"Condition": "IsDev"}]}]},
            "IsDev": {"Fn::Or": [{"Fn::Equals": [{"Ref": "Env"}, "dev"]}, {"Fn::Equals": ["a", "b"]}]},
        },
        given={"Env": "prod"},
    )
    assert told == {
        "Sub": "us-east-1 prod ${Kept}",
        "Join": "a-prod",
        "Select": "b",
        "Map": "large",
        "Default": "none",
        "If": "yes",
        "Base64": "dGV4dA==",
        "Cidr": "10.0.0.0/27|10.0.0.32/27",
        "Zones": "us-east-1a|us-east-1b|us-east-1c",
        "List": "x|y",
        "Json": '{"a":[1,"prod"]}',
        "Length": "2",
    }


@pytest.mark.parametrize(
    ("declared", "given", "reason"),
    [
        ({"AllowedValues": ["a"]}, "b", "Parameter 'P' must be one of AllowedValues"),
        ({"AllowedPattern": "[a-z]+"}, "B", r"Parameter 'P' must match pattern \[a-z\]\+"),
        ({"MinLength": 2}, "b", "Parameter 'P' must contain at least 2 characters"),
        ({"Type": "Number", "MaxValue": 3}, "4", "Parameter 'P' must be a number not greater than 3"),
        ({"AllowedPattern": "x", "ConstraintDescription": "only x"}, "b", "failed to satisfy constraint: only x"),
    ],
)
def test_a_parameter_is_held_to_its_constraints(stacks: Stacks, declared: Any, given: str, reason: str) -> None:
    with pytest.raises(ClientError, match=reason):
        stacks.create(TOPIC, Parameters={"P": {"Type": "String", **declared}}, given={"P": given})


def test_parameters_and_references_come_from_ssm_and_secrets(stacks: Stacks) -> None:
    stacks.client("ssm").put_parameter(Name="/app/size", Value="42", Type="String")
    stacks.client("secretsmanager").create_secret(Name="login", SecretString='{"user": "ada"}')
    told = outputs(
        stacks,
        {
            "P": {"Ref": "Size"},
            "D": "{{resolve:ssm:/app/size}}",
            "S": {"Fn::Sub": "hi {{resolve:secretsmanager:login:SecretString:user}}"},
        },
        Parameters={"Size": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/app/size"}},
    )
    assert told == {"P": "42", "D": "42", "S": "hi ada"}


def test_loops_are_written_out(stacks: Stacks) -> None:
    loop = ["Name", ["One", "Two"], {"Topic${Name}": {"Type": "AWS::SNS::Topic"}}]
    made = stacks.create({"Fn::ForEach::Topics": loop}, Transform="AWS::LanguageExtensions")
    assert {name for name, status, _ in made.events() if status == "CREATE_COMPLETE"} >= {"TopicOne", "TopicTwo"}


def test_loops_that_write_more_than_a_template_may_hold_are_refused_early(stacks: Stacks) -> None:
    items = [str(number) for number in range(1000)]
    inner = {"Fn::ForEach::Inner": ["Y", items, {"T${X}x${Y}": {"Type": "AWS::SNS::Topic"}}]}
    with pytest.raises(ClientError, match="may not exceed 1000000 bytes"):
        stacks.create({"Fn::ForEach::Outer": ["X", items, inner]}, Transform="AWS::LanguageExtensions")


def test_yaml_with_its_short_forms_is_read(stacks: Stacks) -> None:
    text = """
AWSTemplateFormatVersion: 2010-09-09
Parameters: {Who: {Type: String, Default: Ada}}
Conditions: {Ada: !Equals [!Ref Who, Ada]}
Resources:
  T: {Type: AWS::SNS::Topic, Condition: Ada}
Outputs:
  Name: {Value: !GetAtt T.TopicName}
  Hi: {Value: !Sub "hi ${Who}", Condition: Ada}
"""
    told = stacks.api.create_stack(StackName="yaml", TemplateBody=text)
    made = Stack(stacks.api, "yaml", told["StackId"]).waited()
    assert made.outputs["Hi"] == "hi Ada" and made.outputs["Name"].startswith("yaml-T-")


def test_a_template_is_found_however_its_address_is_written(stacks: Stacks) -> None:
    storage, port = stacks.client("s3"), stacks.server.url.rpartition(":")[2]
    storage.create_bucket(Bucket="templates")
    storage.put_object(Bucket="templates", Key="a/t.json", Body=json.dumps({"Resources": TOPIC}))
    for url in (
        f"http://127.0.0.1:{port}/templates/a/t.json",
        f"http://localhost:{port}/templates/a/t.json",
        f"http://templates.localhost:{port}/a/t.json",
        f"http://templates.s3.localhost.localstack.cloud:{port}/a/t.json",
        "https://templates.s3.us-east-1.amazonaws.com/a/t.json",
        "https://s3.amazonaws.com/templates/a/t.json",
        "https://s3.us-east-1.amazonaws.com/templates/a/t.json",
    ):
        assert stacks.api.get_template_summary(TemplateURL=url)["ResourceTypes"] == ["AWS::SNS::Topic"], url


def test_stacks_within_a_stack_pass_parameters_down_and_outputs_up(stacks: Stacks) -> None:
    inner = {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"M": machine(StateMachineName={"Ref": "Name"})},
        "Outputs": {"Arn": {"Value": {"Ref": "M"}}},
    }
    stacks.client("s3").create_bucket(Bucket="inner")
    stacks.client("s3").put_object(Bucket="inner", Key="t.json", Body=json.dumps(inner))
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "https://inner.s3.amazonaws.com/t.json", "Parameters": {"Name": "nested-one"}},
    }
    made = stacks.create({"N": nested}, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["N", "Outputs.Arn"]}}})
    assert made.status == "CREATE_COMPLETE", made.events()
    assert made.outputs["Arn"].endswith(":nested-one")
    inner["Resources"]["M"]["Properties"]["DefinitionString"] = "{"  # type: ignore[index]
    stacks.client("s3").put_object(Bucket="inner", Key="bad.json", Body=json.dumps(inner))
    nested["Properties"]["TemplateURL"] = "https://inner.s3.amazonaws.com/bad.json"  # type: ignore[index]
    assert made.update({"N": nested}).status == "UPDATE_ROLLBACK_COMPLETE"
    assert "was not successfully updated" in made.reason("N")
    assert made.delete().status == "DELETE_COMPLETE"
    names = [row["name"] for row in stacks.client("stepfunctions").list_state_machines()["stateMachines"]]
    assert "nested-one" not in names


def test_references_may_be_put_together_in_a_loop(stacks: Stacks) -> None:
    loop = [
        "X",
        {"Ref": "Names"},
        {"Queue${X}": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "${X}-looped"}}},
    ]
    told = {"Fn::GetAtt": [{"Fn::Sub": "Queue${X}"}, "QueueName"]}
    made = stacks.create(
        {
            "Fn::ForEach::Queues": loop,
            "P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}},
        },
        Transform="AWS::LanguageExtensions",
        Parameters={"Names": {"Type": "CommaDelimitedList", "Default": "a,b"}},
        Outputs={
            "Fn::ForEach::Outs": ["X", {"Ref": "Names"}, {"Out${X}": {"Value": told}}],
            "Ref": {"Value": {"Ref": {"Fn::Join": ["", ["P"]]}}},
        },
    )
    assert (made.outputs["Outa"], made.outputs["Outb"]) == ("a-looped", "b-looped"), made.events()


def test_a_creation_policy_says_how_many_signals_a_wait_condition_waits_for(stacks: Stacks) -> None:
    kind, policy = "AWS::CloudFormation::WaitCondition", {"ResourceSignal": {"Count": 2, "Timeout": "PT1S"}}
    late = stacks.create({"Wait": {"Type": kind, "CreationPolicy": policy}})
    assert late.status == "ROLLBACK_COMPLETE"
    assert "Received 0 conditions when expecting 2" in late.reason("Wait")
    with pytest.raises(ClientError, match="the CreationPolicy of Q is not followed here"):
        stacks.create({"Q": {"Type": "AWS::SQS::Queue", "CreationPolicy": policy}})


def test_an_hour_that_a_custom_resource_does_not_answer_passes_with_the_clock() -> None:
    code = {"ZipFile": "def handler(event, context): pass"}
    function = {"Runtime": "python3.12", "Handler": "index.handler", "Role": ROLE, "Code": code}
    resources = {
        "F": {"Type": "AWS::Lambda::Function", "Properties": function},
        "C": {"Type": "Custom::Silent", "Properties": {"ServiceToken": {"Fn::GetAtt": ["F", "Arn"]}}},
    }
    with running("--in-memory") as server:
        ended: list[Stack] = []
        threading.Thread(target=lambda: ended.append(Stacks(server).create(resources)), daemon=True).start()

        def moved() -> list[Stack]:
            asked = urllib.request.Request(f"{server.url}/_sfn/clock", b'{"advance": 3600}', method="POST")
            urllib.request.urlopen(asked).close()
            return ended

        (stack,) = until(moved)
        told = "did not receive a response from your Custom Resource within 3600 seconds"
        assert told in stack.reason("C")


def test_a_wait_condition_ends_when_it_is_signalled(stacks: Stacks) -> None:
    code = (
        "import cfnresponse, json, urllib.request\n"
        "def handler(e, c):\n"
        "    if e['RequestType'] == 'Create':\n"
        "        body = json.dumps({'Status': 'SUCCESS', 'UniqueId': 'one', 'Data': 'done', 'Reason': ''}).encode()\n"
        "        url = e['ResourceProperties']['Url']\n"
        "        urllib.request.urlopen(urllib.request.Request(url, body, method='PUT'))\n"
        "    cfnresponse.send(e, c, 'SUCCESS', {})\n"
    )
    function = {"Runtime": "python3.12", "Handler": "index.handler", "Role": ROLE, "Timeout": 300}
    resources = {
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "300"},
        },
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "F": {"Type": "AWS::Lambda::Function", "Properties": {**function, "Code": {"ZipFile": code}}},
        "Signal": {
            "Type": "Custom::Signal",
            "Properties": {"ServiceToken": {"Fn::GetAtt": ["F", "Arn"]}, "Url": {"Ref": "Handle"}},
        },
    }
    made = stacks.create(resources, Outputs={"Data": {"Value": {"Fn::GetAtt": ["Wait", "Data"]}}})
    assert made.outputs == {"Data": '{"one":"done"}'}, made.events()


def test_a_change_set_says_what_changes_and_how(stacks: Stacks) -> None:
    resources: dict[str, Any] = {
        "M": machine(StateMachineName={"Ref": "Name"}),
        "A": {"Type": "AWS::StepFunctions::StateMachineVersion", "Properties": {"StateMachineArn": {"Ref": "M"}}},
        "Old": {"Type": "AWS::SNS::Topic"},
    }
    names = {"Name": {"Type": "String"}}
    made = stacks.create(resources, Parameters=names, given={"Name": "first-name"})
    changed = {"M": resources["M"], "A": resources["A"], "New": {"Type": "AWS::SNS::Topic"}}
    body = json.dumps({"Parameters": names, "Resources": changed})
    options: dict[str, Any] = {"StackName": made.name, "ChangeSetName": "look", "Capabilities": CAPABILITIES}
    given = [{"ParameterKey": "Name", "ParameterValue": "second-name"}]
    stacks.api.create_change_set(**options, TemplateBody=body, Parameters=given)
    told = stacks.api.describe_change_set(StackName=made.name, ChangeSetName="look")
    seen = {row["ResourceChange"]["LogicalResourceId"]: row["ResourceChange"] for row in told["Changes"]}
    assert {name: row["Action"] for name, row in seen.items()} == {
        "M": "Modify",
        "A": "Modify",
        "New": "Add",
        "Old": "Remove",
    }
    assert (seen["M"]["Replacement"], seen["A"]["Replacement"]) == ("True", "Conditional") or seen["A"][
        "Replacement"
    ] == "True"
    assert seen["A"]["Details"][0]["CausingEntity"] == "M"
    stacks.api.execute_change_set(StackName=made.name, ChangeSetName="look")
    assert made.waited().status == "UPDATE_COMPLETE", made.events()
    assert made.physical("M").endswith(":second-name")


def test_a_change_set_without_changes_fails_and_says_so(stacks: Stacks) -> None:
    made = stacks.create(TOPIC)
    body = json.dumps({"Resources": TOPIC})
    stacks.api.create_change_set(StackName=made.name, ChangeSetName="same", TemplateBody=body)
    told = stacks.api.describe_change_set(StackName=made.name, ChangeSetName="same")
    assert told["Status"] == "FAILED"
    assert told["StatusReason"].startswith("The submitted information didn't contain changes.")
    with pytest.raises(ClientError, match="does not exist"):
        stacks.api.describe_change_set(StackName="yaml", ChangeSetName="same")
