"""Stacks from create to delete, by what they leave in the services."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.stacks.stacks import PASS, ROLE, TRUST, Stack, Stacks, machine
from tests.waiting import ended

TABLE: dict[str, Any] = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
}


def topics_of(stacks: Stacks, stack: Stack) -> list[str]:
    """The topics that were named after a stack."""
    told = stacks.client("sns").list_topics()["Topics"]
    return [row["TopicArn"] for row in told if f":{stack.name}-" in row["TopicArn"]]


def test_a_machine_of_a_stack_runs_with_its_substitutions_filled_in(stacks: Stacks) -> None:
    text = json.dumps({"StartAt": "Hi", "States": {"Hi": {"Type": "Pass", "Result": "hi ${Who}", "End": True}}})
    stack = stacks.create(
        {"M": machine(DefinitionString=text, DefinitionSubstitutions={"Who": "Ada"}, StateMachineType="EXPRESS")},
        Outputs={"Arn": {"Value": {"Ref": "M"}}, "Name": {"Value": {"Fn::GetAtt": ["M", "Name"]}}},
    )
    assert stack.status == "CREATE_COMPLETE"
    states = stacks.client("stepfunctions")
    assert json.loads(states.describe_state_machine(stateMachineArn=stack.outputs["Arn"])["definition"]) == json.loads(
        text.replace("${Who}", "Ada")
    )
    assert stack.outputs["Arn"].endswith(stack.outputs["Name"])


def test_functions_tables_and_rules_work_together_once_the_stack_stands(stacks: Stacks) -> None:
    code = (
        "import os, boto3\n"
        "def handler(e, c):\n"
        "    boto3.client('dynamodb').put_item(TableName=os.environ['TABLE'], Item={'id': {'S': e['id']}})"
    )
    resources = {
        "Flow": machine(
            DefinitionString={
                "Fn::Sub": '{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"${Put.Arn}","End":true}}}'
            }
        ),
        "Put": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": code},
                "Timeout": "300",
                "Environment": {"Variables": {"TABLE": {"Ref": "Orders"}}},
            },
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Orders": TABLE,
    }
    stack = stacks.create(resources)
    assert stack.status == "CREATE_COMPLETE"
    made = [name for name, status, _ in stack.events() if status == "CREATE_COMPLETE" and name != stack.name]
    assert made.index("Role") < made.index("Put") < made.index("Flow")
    states = stacks.client("stepfunctions")
    begun = states.start_execution(stateMachineArn=stack.physical("Flow"), input='{"id": "7"}')
    assert ended(states, begun["executionArn"])["status"] == "SUCCEEDED"
    rows = stacks.client("dynamodb").scan(TableName=stack.physical("Orders"))["Items"]
    assert rows == [{"id": {"S": "7"}}]


def test_a_definition_that_is_refused_rolls_the_stack_back_and_says_why(stacks: Stacks) -> None:
    bad = machine(DefinitionString='{"StartAt":"Nowhere","States":{"Z":{"Type":"Succeed"}}}')
    stack = stacks.create({"T": {"Type": "AWS::SNS::Topic"}, "M": {**bad, "DependsOn": "T"}})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "MISSING_TRANSITION_TARGET" in stack.reason("M")
    assert topics_of(stacks, stack) == []


def test_an_update_that_fails_puts_everything_back(stacks: Stacks) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 10}}
    stack = stacks.create({"Q": queue, "M": machine()})
    queue["Properties"] = {"VisibilityTimeout": 20}
    bad = {**machine(DefinitionString='{"StartAt": 1}'), "DependsOn": ["Q", "T"]}
    stack.update({"Q": queue, "T": {"Type": "AWS::SNS::Topic"}, "M": bad})
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "SCHEMA_VALIDATION_FAILED" in stack.reason("M")
    told = stacks.client("sqs").get_queue_attributes(QueueUrl=stack.physical("Q"), AttributeNames=["VisibilityTimeout"])
    assert told["Attributes"] == {"VisibilityTimeout": "10"}
    assert topics_of(stacks, stack) == []
    assert stack.update({"Q": queue, "M": machine()}).status == "UPDATE_COMPLETE"


def test_an_update_replaces_what_cannot_be_changed_and_removes_what_is_gone(stacks: Stacks) -> None:
    stack = stacks.create({"T": TABLE, "Old": {"Type": "AWS::SNS::Topic"}}, Outputs={"T": {"Value": {"Ref": "T"}}})
    old, topic = stack.outputs["T"], stack.physical("Old")
    other = json.loads(json.dumps(TABLE).replace('"id"', '"key"'))
    stack.update({"T": other}, Outputs={"T": {"Value": {"Ref": "T"}}})
    assert stack.status == "UPDATE_COMPLETE"
    tables = stacks.client("dynamodb").list_tables()["TableNames"]
    assert stack.outputs["T"] in tables and old not in tables
    assert topic not in [row["TopicArn"] for row in stacks.client("sns").list_topics()["Topics"]]


def test_a_table_whose_key_gets_another_type_is_made_anew(stacks: Stacks) -> None:
    stack = stacks.create({"T": TABLE}, Outputs={"T": {"Value": {"Ref": "T"}}})
    numbered = json.loads(json.dumps(TABLE).replace('"S"', '"N"'))
    old = stack.outputs["T"]
    assert stack.update({"T": numbered}, Outputs={"T": {"Value": {"Ref": "T"}}}).status == "UPDATE_COMPLETE"
    assert stack.outputs["T"] != old
    told = stacks.client("dynamodb").describe_table(TableName=stack.outputs["T"])["Table"]
    assert told["AttributeDefinitions"] == [{"AttributeName": "id", "AttributeType": "N"}]
    more = {"AttributeName": "mail", "AttributeType": "S"}
    index = {
        "IndexName": "mail",
        "KeySchema": [{"AttributeName": "mail", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    properties = numbered["Properties"]
    indexed = {**properties, "GlobalSecondaryIndexes": [index]}
    indexed["AttributeDefinitions"] = [*properties["AttributeDefinitions"], more]
    kept = stack.outputs["T"]
    stack.update({"T": {**numbered, "Properties": indexed}}, Outputs={"T": {"Value": {"Ref": "T"}}})
    assert (stack.status, stack.outputs["T"]) == ("UPDATE_COMPLETE", kept)


def test_an_update_without_a_difference_is_refused(stacks: Stacks) -> None:
    stack = stacks.create({"M": machine()})
    with pytest.raises(ClientError, match=r"No updates are to be performed\."):
        stack.update({"M": machine()})


def test_a_retained_resource_outlives_its_stack(stacks: Stacks) -> None:
    stack = stacks.create({"M": {**machine(), "DeletionPolicy": "Retain"}, "T": {"Type": "AWS::SNS::Topic"}})
    arn, topic = stack.physical("M"), stack.physical("T")
    assert stack.delete().status == "DELETE_COMPLETE"
    assert stacks.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["status"] == "ACTIVE"
    with pytest.raises(ClientError, match="Topic does not exist"):
        stacks.client("sns").get_topic_attributes(TopicArn=topic)


def test_a_name_that_is_taken_fails_the_stack_and_leaves_its_owner_alone(stacks: Stacks) -> None:
    states = stacks.client("stepfunctions")
    arn = states.create_state_machine(name="taken", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    stack = stacks.create({"M": machine(StateMachineName="taken")})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "already exists" in stack.reason("M")
    assert states.describe_state_machine(stateMachineArn=arn)["status"] == "ACTIVE"


def test_roles_are_made_only_where_that_was_agreed_to(stacks: Stacks) -> None:
    body = json.dumps(
        {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}}}
    )
    with pytest.raises(ClientError, match=r"InsufficientCapabilities.*Requires capabilities : \[CAPABILITY_IAM\]"):
        stacks.api.create_stack(StackName="unagreed", TemplateBody=body)


def test_a_property_that_the_type_has_not_is_refused(stacks: Stacks) -> None:
    stack = stacks.create({"M": machine(Nonsense=1)})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "#: extraneous key [Nonsense] is not permitted" in stack.reason("M")


def test_other_stacks_use_what_is_exported_and_hold_it(stacks: Stacks) -> None:
    topic = {"T": {"Type": "AWS::SNS::Topic"}}
    owner = stacks.create(topic, Outputs={"T": {"Value": {"Ref": "T"}, "Export": {"Name": "the-topic"}}})
    user = stacks.create(
        {"M": machine(DefinitionSubstitutions={"T": {"Fn::ImportValue": "the-topic"}})},
        Outputs={"T": {"Value": {"Fn::ImportValue": "the-topic"}}},
    )
    assert user.outputs["T"] == owner.outputs["T"]
    with pytest.raises(ClientError, match="Export the-topic cannot be deleted as it is in use by"):
        owner.delete()
    user.delete()
    assert owner.delete().status == "DELETE_COMPLETE"


def test_a_custom_resource_is_asked_changed_and_removed(stacks: Stacks) -> None:
    code = (
        "import boto3, cfnresponse\n"
        "def handler(e, c):\n"
        "    told = e['RequestType'] + ' ' + e['ResourceProperties'].get('N', '')\n"
        "    boto3.client('sqs').send_message(QueueUrl=e['ResourceProperties']['Q'], MessageBody=told)\n"
        "    cfnresponse.send(e, c, cfnresponse.SUCCESS, {'Told': told}, 'my-id')\n"
    )
    told = {"Runtime": "python3.12", "Handler": "index.handler", "Role": ROLE, "Timeout": 300}
    function = {"Type": "AWS::Lambda::Function", "Properties": {**told, "Code": {"ZipFile": code}}}
    queue = stacks.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    properties = {"ServiceToken": {"Fn::GetAtt": ["F", "Arn"]}, "Q": queue, "N": 1}
    plain = {**properties, "Yes": True, "List": [{"No": False}]}
    assert (
        stacks.create({"F": function, "C": {"Type": "AWS::CloudFormation::CustomResource", "Properties": plain}}).status
        == "CREATE_COMPLETE"
    )
    thing = {"Type": "Custom::Thing", "Properties": properties}
    outputs = {"Told": {"Value": {"Fn::GetAtt": ["C", "Told"]}}}
    stack = stacks.create({"F": function, "C": thing}, Outputs=outputs)
    assert (stack.outputs["Told"], stack.physical("C")) == ("Create 1", "my-id")
    properties["N"] = 2
    assert stack.update({"F": function, "C": thing}, Outputs=outputs).outputs["Told"] == "Update 2"
    assert stack.delete().status == "DELETE_COMPLETE"
    told = stacks.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [row["Body"] for row in told] == ["Create 1", "Create 1", "Update 2", "Delete 2"]


def test_a_stack_policy_keeps_an_update_off_what_it_denies(stacks: Stacks) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 10}}
    allow = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "Update:Modify", "Principal": "*", "Resource": "LogicalResourceId/Q"}
    stack = stacks.create({"Q": queue}, StackPolicyBody=json.dumps({"Statement": [allow, deny]}))
    queue["Properties"] = {"VisibilityTimeout": 20}
    assert stack.update({"Q": queue}).status == "UPDATE_ROLLBACK_COMPLETE"
    assert "Statement [#2] does not allow [Update:Modify]" in stack.reason("Q")
    during = json.dumps({"Statement": [allow]})
    assert stack.update({"Q": queue}, StackPolicyDuringUpdateBody=during).status == "UPDATE_COMPLETE"


def test_a_resource_changed_behind_a_stacks_back_has_drifted(stacks: Stacks) -> None:
    stack = stacks.create({"M": machine(), "T": {"Type": "AWS::SNS::Topic"}})
    states = stacks.client("stepfunctions")
    other = ROLE.replace("any", "other")
    states.update_state_machine(stateMachineArn=stack.physical("M"), roleArn=other)
    stacks.client("sns").delete_topic(TopicArn=stack.physical("T"))
    detection = stacks.api.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"]
    told = stacks.api.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    assert (told["StackDriftStatus"], told["DriftedStackResourceCount"]) == ("DRIFTED", 2)
    rows = stacks.api.describe_stack_resource_drifts(StackName=stack.name)["StackResourceDrifts"]
    assert {row["LogicalResourceId"]: row["StackResourceDriftStatus"] for row in rows} == {
        "M": "MODIFIED",
        "T": "DELETED",
    }
