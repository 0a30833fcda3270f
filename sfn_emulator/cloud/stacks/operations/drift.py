"""Drift: resources that differ from what their stack made, for types that one call can read."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.operations.stacks import Caller, Given
from sfn_emulator.cloud.stacks.records import Resource, Stack
from sfn_emulator.cloud.stacks.resources.kind import CallError, Hands


class _Reading(NamedTuple):
    """The call that reads a resource, and which member of its answer holds which property."""

    service: str
    operation: str
    parameter: str
    members: Mapping[str, str] = {}
    inner: str = ""


_READINGS: Final = {
    "AWS::StepFunctions::StateMachine": _Reading(
        "stepfunctions", "DescribeStateMachine", "stateMachineArn", {"RoleArn": "roleArn", "StateMachineType": "type"}
    ),
    "AWS::StepFunctions::Activity": _Reading("stepfunctions", "DescribeActivity", "activityArn", {"Name": "name"}),
    "AWS::Lambda::Function": _Reading(
        "lambda",
        "GetFunctionConfiguration",
        "FunctionName",
        {name: name for name in ("Handler", "Runtime", "Timeout", "MemorySize", "Description")},
    ),
    "AWS::DynamoDB::Table": _Reading(
        "dynamodb", "DescribeTable", "TableName", {"KeySchema": "KeySchema"}, inner="Table"
    ),
    "AWS::SQS::Queue": _Reading("sqs", "GetQueueAttributes", "QueueUrl"),
    "AWS::SNS::Topic": _Reading("sns", "GetTopicAttributes", "TopicArn"),
    "AWS::S3::Bucket": _Reading("s3", "HeadBucket", "Bucket"),
    "AWS::IAM::Role": _Reading("iam", "GetRole", "RoleName", {"Description": "Description"}, inner="Role"),
    "AWS::SSM::Parameter": _Reading(
        "ssm", "GetParameter", "Name", {"Value": "Value", "Type": "Type"}, inner="Parameter"
    ),
    "AWS::Events::EventBus": _Reading("events", "DescribeEventBus", "Name"),
}


def detect(caller: Caller, told: Given) -> Given:
    """DetectStackDrift. The detection is complete when the call is answered."""
    stack = caller.books.get(caller.region, told["StackName"])
    rows = list(_drifts(caller, stack))
    drifted = any(row["StackResourceDriftStatus"] in ("MODIFIED", "DELETED") for row in rows)
    caller.books.change(stack.id, drift="DRIFTED" if drifted else "IN_SYNC")
    return {"StackDriftDetectionId": f"{caller.service.world.new_id()}|{stack.id}"}


def status(caller: Caller, told: Given) -> Given:
    """DescribeStackDriftDetectionStatus."""
    detection = str(told["StackDriftDetectionId"])
    stack = caller.books.get(caller.region, detection.partition("|")[2])
    count = sum(row["StackResourceDriftStatus"] in ("MODIFIED", "DELETED") for row in _drifts(caller, stack))
    return {
        "StackId": stack.id,
        "StackDriftDetectionId": detection,
        "StackDriftStatus": stack.drift,
        "DetectionStatus": "DETECTION_COMPLETE",
        "DriftedStackResourceCount": count,
        "Timestamp": caller.books.now(),
    }


def resources(caller: Caller, told: Given) -> Given:
    """DescribeStackResourceDrifts."""
    stack = caller.books.get(caller.region, told["StackName"])
    wanted = told.get("StackResourceDriftStatusFilters")
    rows = [row for row in _drifts(caller, stack) if not wanted or row["StackResourceDriftStatus"] in wanted]
    return {"StackResourceDrifts": rows}


def resource(caller: Caller, told: Given) -> Given:
    """DetectStackResourceDrift."""
    stack = caller.books.get(caller.region, told["StackName"])
    row = caller.books.resources(stack.id).get(told["LogicalResourceId"])
    if row is None:
        raise StackError(f"Resource {told['LogicalResourceId']} does not exist for stack {stack.name}")
    return {"StackResourceDrift": _drift(caller, stack, row)}


def _drifts(caller: Caller, stack: Stack) -> Iterator[dict[str, Any]]:
    for row in caller.books.resources(stack.id).values():
        if row.physical and row.status != "DELETE_COMPLETE":
            yield _drift(caller, stack, row)


def _drift(caller: Caller, stack: Stack, row: Resource) -> dict[str, Any]:
    differences: list[dict[str, Any]] = []
    reading = _READINGS.get(row.type)
    found = "NOT_CHECKED" if reading is None else "IN_SYNC"
    if reading is not None:
        try:
            differences = list(_differences(row, reading, _read(caller, stack, row, reading)))
            found = "MODIFIED" if differences else "IN_SYNC"
        except CallError as error:
            if not error.is_gone:
                raise
            found = "DELETED"
    return {
        "StackId": stack.id,
        "LogicalResourceId": row.logical,
        "PhysicalResourceId": row.physical,
        "ResourceType": row.type,
        "ExpectedProperties": orjson.dumps(row.properties).decode(),
        "PropertyDifferences": differences,
        "StackResourceDriftStatus": found,
        "Timestamp": caller.books.now(),
    }


def _read(caller: Caller, stack: Stack, row: Resource, reading: _Reading) -> Mapping[str, Any]:
    hands = Hands(
        caller.service.world, stack.region, stack.name, stack.id, row.logical, row.type, {}, lambda physical: None
    )
    told = hands.call(reading.service, reading.operation, **{reading.parameter: row.physical})
    return dict(told[reading.inner]) if reading.inner else told


def _differences(row: Resource, reading: _Reading, there: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, member in reading.members.items():
        expected, actual = row.properties.get(name), there.get(member)
        if expected is not None and expected != actual:
            yield {
                "PropertyPath": f"/{name}",
                "ExpectedValue": str(expected),
                "ActualValue": str(actual),
                "DifferenceType": "NOT_EQUAL",
            }
