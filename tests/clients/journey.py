"""One walk through every operation of Step Functions, for any client."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.clients.speakers import Refused, Speaker
from tests.waiting import until

ROLE = "arn:aws:iam::123456789012:role/machine"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
WAIT = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}})
FAIL = json.dumps({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}})


def work(activity: str) -> str:
    """The definition of a machine of one activity."""
    return json.dumps({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": activity, "End": True}}})


def distributed(activity: str) -> str:
    """The definition of a machine of one Distributed Map, whose children do one activity each."""
    processor = json.loads(work(activity)) | {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    state = {"Type": "Map", "Label": "each", "ItemProcessor": processor, "End": True}
    return json.dumps({"StartAt": "M", "States": {"M": state}})


class Diary:
    """A client that remembers the answers it got."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self.pages: list[tuple[str, Any]] = []

    def __call__(self, operation: str, **told: Any) -> dict[str, Any]:
        try:
            answer = self._speaker(operation, **told)
        except Refused as refusal:
            self.pages.append((operation, str(refusal)))
            return {}
        self.pages.append((operation, answer))
        return answer

    def ended(self, execution: str) -> None:
        """Waits for an execution's end, without an entry in the diary."""
        until(lambda: self._speaker("DescribeExecution", executionArn=execution)["status"] != "RUNNING")


def walk(speaker: Speaker, name: str = "walked") -> list[tuple[str, Any]]:
    """Every operation with its answer. Things that are made have names that begin with ``name``."""
    call = Diary(speaker)
    machine = _machines(call, name)
    _versions(call, machine)
    _executions(call, machine)
    _express(call, name)
    _trial(call)
    _activities(call, name)
    _map_runs(call, name)
    call("DeleteStateMachine", stateMachineArn=machine)
    call("DescribeStateMachine", stateMachineArn=machine)
    return call.pages


def _machines(call: Diary, name: str) -> str:
    call(
        "ValidateStateMachineDefinition", definition='{"StartAt": "A", "States": {}}', severity="WARNING", maxResults=5
    )
    tags = [{"key": "team", "value": "a b"}]
    machine: str = call("CreateStateMachine", name=name, definition=PASS, roleArn=ROLE, tags=tags)["stateMachineArn"]
    call("DescribeStateMachine", stateMachineArn=machine)
    call("TagResource", resourceArn=machine, tags=[{"key": "stage", "value": "test"}])
    call("UntagResource", resourceArn=machine, tagKeys=["team"])
    call("ListTagsForResource", resourceArn=machine)
    call("CreateStateMachine", name=name, definition=WAIT, roleArn=ROLE)
    return machine


def _versions(call: Diary, machine: str) -> None:
    first = call("PublishStateMachineVersion", stateMachineArn=machine, description="one")["stateMachineVersionArn"]
    updated = call("UpdateStateMachine", stateMachineArn=machine, definition=WAIT, publish=True, versionDescription="2")
    second = updated["stateMachineVersionArn"]
    call("ListStateMachineVersions", stateMachineArn=machine)
    routes = [{"stateMachineVersionArn": first, "weight": 100}]
    alias = call("CreateStateMachineAlias", name="live", routingConfiguration=routes)["stateMachineAliasArn"]
    routes = [{"stateMachineVersionArn": first, "weight": 0}, {"stateMachineVersionArn": second, "weight": 100}]
    call("UpdateStateMachineAlias", stateMachineAliasArn=alias, routingConfiguration=routes)
    call("DescribeStateMachineAlias", stateMachineAliasArn=alias)
    call("ListStateMachineAliases", stateMachineArn=second)
    call.ended(call("StartExecution", stateMachineArn=alias, name="routed", input='{"by": "alias"}')["executionArn"])
    call("ListExecutions", stateMachineArn=alias)
    call("DeleteStateMachineVersion", stateMachineVersionArn=first)
    call("DeleteStateMachineAlias", stateMachineAliasArn=alias)
    call("DeleteStateMachineVersion", stateMachineVersionArn=first)


def _executions(call: Diary, machine: str) -> None:
    call("UpdateStateMachine", stateMachineArn=machine, definition=FAIL)
    failed = call("StartExecution", stateMachineArn=machine, name="failed", input='{"n": "1 € 𝄞"}')["executionArn"]
    call.ended(failed)
    call("DescribeExecution", executionArn=failed)
    call("DescribeStateMachineForExecution", executionArn=failed, includedData="METADATA_ONLY")
    call("RedriveExecution", executionArn=failed)
    call.ended(failed)
    call("GetExecutionHistory", executionArn=failed, reverseOrder=True, includeExecutionData=False)
    call("ListExecutions", stateMachineArn=machine, statusFilter="FAILED", redriveFilter="REDRIVEN")


def _express(call: Diary, name: str) -> None:
    made = call("CreateStateMachine", name=f"{name}-express", definition=PASS, roleArn=ROLE, type="EXPRESS")
    express = made["stateMachineArn"]
    answer = call("StartSyncExecution", stateMachineArn=express, name="now", input='{"a": [1, 2.5, null, true]}')
    call("DescribeExecution", executionArn=answer["executionArn"])
    call("DeleteStateMachine", stateMachineArn=express)


def _trial(call: Diary) -> None:
    parameters = {"FunctionName": "any"}
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "B", "Parameters": parameters}
    state = json.dumps(task)
    call("TestState", definition=state, mock={"result": '{"Payload": 1}'}, inspectionLevel="DEBUG", input='{"a": 1}')


def _activities(call: Diary, name: str) -> None:
    activity = call("CreateActivity", name=name)["activityArn"]
    call("DescribeActivity", activityArn=activity)
    made = call("CreateStateMachine", name=f"{name}-work", definition=work(activity), roleArn=ROLE)
    machine = made["stateMachineArn"]
    done = call("StartExecution", stateMachineArn=machine, name="done")["executionArn"]
    token = call("GetActivityTask", activityArn=activity, workerName="w")["taskToken"]
    call("SendTaskHeartbeat", taskToken=token)
    call("SendTaskSuccess", taskToken=token, output='{"answer": 42}')
    call.ended(done)
    call("DescribeExecution", executionArn=done)
    call("SendTaskSuccess", taskToken=token, output="{}")
    lost = call("StartExecution", stateMachineArn=machine, name="lost")["executionArn"]
    token = call("GetActivityTask", activityArn=activity)["taskToken"]
    call("SendTaskFailure", taskToken=token, error="Tired", cause="of work")
    call.ended(lost)
    call("DescribeExecution", executionArn=lost)
    left = call("StartExecution", stateMachineArn=machine, name="left")["executionArn"]
    call("StopExecution", executionArn=left, error="Enough", cause="of it")
    call("DescribeExecution", executionArn=left)
    call("ListActivities", maxResults=1)
    call("ListStateMachines", maxResults=1000)
    call("DeleteActivity", activityArn=activity)
    call("DeleteStateMachine", stateMachineArn=machine)


def _map_runs(call: Diary, name: str) -> None:
    activity = call("CreateActivity", name=f"{name}-items")["activityArn"]
    made = call("CreateStateMachine", name=f"{name}-map", definition=distributed(activity), roleArn=ROLE)
    machine = made["stateMachineArn"]
    parent = call("StartExecution", stateMachineArn=machine, name="mapped", input="[1]")["executionArn"]
    token = call("GetActivityTask", activityArn=activity)["taskToken"]
    run = call("ListMapRuns", executionArn=parent)["mapRuns"][0]["mapRunArn"]
    call("UpdateMapRun", mapRunArn=run, maxConcurrency=3, toleratedFailurePercentage=12.5)
    call("SendTaskSuccess", taskToken=token, output="7")
    call.ended(parent)
    call("DescribeMapRun", mapRunArn=run)
    child = call("ListExecutions", mapRunArn=run)["executions"][0]["executionArn"]
    call("DescribeExecution", executionArn=child)
    call("DescribeStateMachineForExecution", executionArn=child)
    call("DescribeStateMachine", stateMachineArn=f"{machine}/each")
    call("UpdateMapRun", mapRunArn=run, maxConcurrency=4)
    call("DescribeMapRun", mapRunArn=f"{run}0")


_DIFFERS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]{2}-[a-z]+-\d")
_TIMES = re.compile(r".*Date|timestamp")


def likened(value: Any) -> Any:
    """An answer without values that differ from walk to walk: the region, drawn ids, and times of today."""
    if isinstance(value, Mapping):
        return {key: _likened_member(key, inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [likened(inner) for inner in value]
    return _DIFFERS.sub("*", value) if isinstance(value, str) else value


def _likened_member(key: str, value: Any) -> Any:
    if not _TIMES.fullmatch(key):
        return "*" if key == "taskToken" else likened(value)
    at = value if isinstance(value, datetime) else _read_time(value)
    assert abs((at - datetime.now(UTC)).total_seconds()) < 3600, f"{key} is {value}"  # noqa: TID251
    return "*"


def _read_time(value: Any) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(value, UTC)
