"""Parameters that every input makes fail are refused when the state machine is created."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sfn_emulator.tasks.static_parameters import refusals
from tests.processes import ROOT
from tests.service.world import Refused, World, task


def refused(definition: Mapping[str, Any]) -> str:
    world = World()
    world.service.definitions.parameters = refusals
    try:
        return world.machine(definition) and ""
    except Refused as error:
        return error.message
    finally:
        world.close()


def told(action: str, *, language: str = "JSONPath", **given: Any) -> str:
    field = "Parameters" if language == "JSONPath" else "Arguments"
    return refused(task(f"arn:aws:states:::{action}", QueryLanguage=language, **{field: given}))


def unknown(name: str, field: str = "Parameters") -> str:
    text = f'The field "{name}" is not supported by Step Functions at /States/T/{field}'
    return f"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: {text}'"


def missing(*names: str) -> str:
    texts = (f"SCHEMA_VALIDATION_FAILED: The field '{name}' is required but was missing" for name in names)
    return "Invalid State Machine Definition: '" + ", ".join(f"{text} at /States/T/Parameters" for text in texts) + "'"


PARAMETERS = json.loads((ROOT / "tests" / "conformance" / "task_parameters.json").read_text())
SEND = {"QueueUrl": "q", "MessageBody": "b"}
RUN = {"TaskDefinition": "t"}


@pytest.mark.parametrize(
    ("action", "given", "name"),
    [
        ("sqs:sendMessage", {**SEND, "Delay": 1}, "Delay"),
        ("sqs:sendMessage.waitForTaskToken", {**SEND, "messageBody": "b"}, "messageBody"),
        ("ecs:runTask.sync", {**RUN, "NetworkConfiguration": {"awsVpcConfiguration": {}}}, "awsVpcConfiguration"),
        ("batch:submitJob", {"JobName": "j", "Tags": {"any": "name"}, "Nmae": "j"}, "Nmae"),
        ("ecs:runTask", {**RUN, "Tags": [{"Key": "k", "Value": "v"}, {"key": "k"}]}, "key"),
        ("lambda:invoke", {"FunctionName": "f", "Body": {}}, "Body"),
        ("states:startExecution", {"StateMachineArn": "m", "Inputs": {}}, "Inputs"),
    ],
)
def test_a_name_the_service_does_not_have_is_refused_at_any_depth(action: str, given: Any, name: str) -> None:
    assert told(action, **given) == unknown(name)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in PARAMETERS])
def test_create_refuses_nothing_that_the_task_takes(case: dict[str, Any]) -> None:
    assert case["problems"] or told(case["resource"], **case["parameters"]) == ""


def test_arguments_are_looked_at_as_well() -> None:
    assert told("sqs:sendMessage", language="JSONata", **SEND, Delay="{% 1 %}") == unknown("Delay", "Arguments")
    assert told("sqs:sendMessage", language="JSONata", QueueUrl="{% $u %}", MessageBody={"any": "{% 1 %}"}) == ""


@pytest.mark.parametrize(
    ("action", "given", "names"),
    [
        ("lambda:invoke", {"Payload": {}}, ["FunctionName"]),
        ("sqs:sendMessage", {}, ["QueueUrl", "MessageBody"]),
        ("dynamodb:getItem", {"TableName.$": "$.t"}, ["Key"]),
        ("states:startExecution.sync:2", {"Input": {}}, ["StateMachineArn"]),
    ],
)
def test_a_required_parameter_must_be_given(action: str, given: Any, names: list[str]) -> None:
    assert told(action, **given) == missing(*names)


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("lambda:invoke", {"FunctionName.$": "$.f", "Payload": {"any": {"name": 1}}, "TaskToken.$": "$$.Task.Token"}),
        ("sns:publish", {"TopicArn": "t", "Message": {"any": "name"}}),
        ("dynamodb:putItem", {"TableName": "t", "Item": {"any": {"S": "1"}, "other": {"N.$": "$.n"}}}),
        ("bedrock:invokeModel", {"ModelId": "m", "Input": {"S3Uri": "s3://b/k"}}),
        ("elasticmapreduce:addStep.sync", {"ClusterId": "c", "Step": {"Name": "s"}}),
        ("aws-sdk:sqs:sendMessage", {"Delay": 1}),
        ("http:invoke", {"ApiEndpoint": "https://example.com", "Method": "GET", "Any": 1}),
    ],
)
def test_parameters_that_may_be_right_are_accepted(action: str, given: Any) -> None:
    assert told(action, **given) == ""
