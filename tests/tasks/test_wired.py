"""The tasks inside a real server: state machines that call what is next door."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import waiting
from tests.processes import Process, running

ROLE = "arn:aws:iam::123456789012:role/machine"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        yield process


def machine(server: Process, name: str, *, kind: str = "STANDARD", **states: Any) -> str:
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    made = server.client("stepfunctions").create_state_machine(
        name=name, definition=definition, roleArn=ROLE, type=kind
    )
    return str(made["stateMachineArn"])


def task(resource: str, **fields: Any) -> dict[str, Any]:
    arn = resource if resource.startswith("arn:") else f"arn:aws:states:::{resource}"
    return {"Type": "Task", "Resource": arn, "End": True, **fields}


def ended(server: Process, arn: str) -> dict[str, Any]:
    return waiting.ended(server.client("stepfunctions"), arn)


def received(server: Process, queue: str) -> Any:
    """The next message's body."""
    asked = {"QueueUrl": queue, "WaitTimeSeconds": 10}
    return json.loads(waiting.until(lambda: server.client("sqs").receive_message(**asked).get("Messages"))[0]["Body"])


def run(server: Process, arn: str, given: Any = None) -> dict[str, Any]:
    started = server.client("stepfunctions").start_execution(stateMachineArn=arn, input=json.dumps(given or {}))
    return ended(server, started["executionArn"])


def history(server: Process, arn: str) -> list[str]:
    events = server.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    return [event["type"] for event in events]


def function(server: Process, name: str, code: str) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("code.py", code)
    made = server.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=ROLE,
        Handler="code.handler",
        Timeout=300,
        Code={"ZipFile": archive.getvalue()},
    )
    return str(made["FunctionArn"])


def test_a_function_is_called_by_arn_and_by_invoke(server: Process) -> None:
    server.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(TRUST))
    arn = function(server, "double", "def handler(event, context):\n    return {'n': event['n'] * 2}\n")
    invoke = task("lambda:invoke", Parameters={"FunctionName": "double", "Payload.$": "$"}, OutputPath="$.Payload")
    twice = machine(server, "twice", First={"Type": "Task", "Resource": arn, "Next": "Second"}, Second=invoke)
    assert json.loads(run(server, twice, {"n": 3})["output"]) == {"n": 12}


def test_a_function_that_raises_names_its_error(server: Process) -> None:
    arn = function(
        server, "fails", "class OutOfStock(Exception): ...\ndef handler(e, c):\n    raise OutOfStock('none')\n"
    )
    caught = task(arn, Catch=[{"ErrorEquals": ["OutOfStock"], "Next": "Caught"}])
    told = run(server, machine(server, "catches", Ask=caught, Caught={"Type": "Pass", "End": True}))
    output = json.loads(told["output"])
    assert output["Error"] == "OutOfStock"
    assert json.loads(output["Cause"])["errorMessage"] == "none"


def test_a_parent_waits_for_its_child(server: Process) -> None:
    child = machine(server, "child", Only={"Type": "Pass", "Result": {"a": 1}, "End": True})
    waits = task("states:startExecution.sync:2", Parameters={"StateMachineArn": child, "Input": {"x": 1}})
    told = run(server, machine(server, "parent", Child=waits))
    output = json.loads(told["output"])
    assert (output["Output"], output["Input"], output["Status"]) == ({"a": 1}, {"x": 1}, "SUCCEEDED")
    assert history(server, told["executionArn"])[2:6] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]


def test_a_machine_may_ask_step_functions_itself(server: Process) -> None:
    lists = task(
        "aws-sdk:sfn:listStateMachines", Parameters={}, ResultSelector={"n.$": "States.ArrayLength($.StateMachines)"}
    )
    assert json.loads(run(server, machine(server, "lists", List=lists))["output"])["n"] >= 1


def test_a_callback_comes_by_way_of_a_queue(server: Process) -> None:
    queue = server.client("sqs").create_queue(QueueName="callbacks")["QueueUrl"]
    body = {"token.$": "$$.Task.Token"}
    waits = task("sqs:sendMessage.waitForTaskToken", Parameters={"QueueUrl": queue, "MessageBody": body})
    client = server.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine(server, "waits", Wait=waits))["executionArn"]

    token = received(server, queue)["token"]
    client.send_task_success(taskToken=token, output='{"by": "hand"}')

    assert json.loads(ended(server, arn)["output"]) == {"by": "hand"}
    assert history(server, arn)[4:6] == ["TaskSubmitted", "TaskSucceeded"]


def test_unusable_parameters_leave_no_scheduled_event(server: Process) -> None:
    sends = task("sqs:sendMessage", Parameters={"QueueUrl.$": "$.q", "MessageBody": "b", "DelaySeconds.$": "$.d"})
    told = run(server, machine(server, "unusable", Send=sends), {"q": "u", "d": "soon"})
    assert told["error"] == "States.Runtime"
    assert told["cause"].startswith(
        "An error occurred while executing the state 'Send' (entered at the event id #2). The Parameters '{"
    )
    assert history(server, told["executionArn"]) == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]


def test_an_unknown_integration_is_refused_at_create(server: Process) -> None:
    client = server.client("stepfunctions")
    with pytest.raises(client.exceptions.InvalidDefinition, match="aws-sdk:s3:noSuchThing is not recognized"):
        machine(server, "unknown", Ask=task("aws-sdk:s3:noSuchThing"))


def test_an_activity_is_worked_on(server: Process) -> None:
    client = server.client("stepfunctions")
    activity = client.create_activity(name="pack")["activityArn"]
    arn = client.start_execution(stateMachineArn=machine(server, "packs", Pack=task(activity)), input='{"n":1}')[
        "executionArn"
    ]
    work = client.get_activity_task(activityArn=activity, workerName="w")
    client.send_task_success(taskToken=work["taskToken"], output=work["input"])
    assert json.loads(ended(server, arn)["output"]) == {"n": 1}


# -- what is set on the command line


def test_mocks_answer_for_standard_and_synchronous_executions(tmp_path: Path) -> None:
    file = tmp_path / "mocks.json"
    answers = {"0": {"Throw": {"Error": "Flaky", "Cause": "once"}}, "1": {"Return": {"mocked": True}}}
    cases = {name: {"TestCases": {"Retried": {"Ask": "Answers"}}} for name in ("standard", "express")}
    file.write_text(json.dumps({"StateMachines": cases, "MockedResponses": {"Answers": answers}}))
    retried = task(
        "dynamodb:getItem",
        Parameters={"TableName": "t", "Key": {"a": {"S": "b"}}},
        Retry=[{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1}],
    )
    with running("--in-memory", "--time", "skip", "--mocks", str(file)) as server:
        told = run(server, machine(server, "standard", Ask=retried) + "#Retried")
        assert json.loads(told["output"]) == {"mocked": True}
        express = machine(server, "express", kind="EXPRESS", Ask=retried)
        client = server.client("stepfunctions", inject_host_prefix=False)
        sync = client.start_sync_execution(stateMachineArn=express + "#Retried", input="{}")
        assert json.loads(sync["output"]) == {"mocked": True}


def test_a_missing_permission_is_found_here(tmp_path: Path) -> None:
    with running("--in-memory", "--iam", "enforce") as server:
        iam = server.client("iam")
        iam.create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(TRUST))
        queue = server.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        sends = task("sqs:sendMessage", Parameters={"QueueUrl": queue, "MessageBody": "b"})
        arn = machine(server, "sends", Send=sends)

        refused = run(server, arn)
        policy = {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"},
        }
        iam.put_role_policy(RoleName="machine", PolicyName="send", PolicyDocument=json.dumps(policy))

        assert refused["error"] == "SQS.AmazonSQSException"
        assert (
            "is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:us-east-1:123456789012:q"
            in refused["cause"]
        )
        assert run(server, arn)["status"] == "SUCCEEDED"


def test_calls_can_be_sent_to_another_endpoint(server: Process) -> None:
    with running("--in-memory", "--endpoint", f"sqs={server.url}") as other:
        arn = machine(other, "asks", Make=task("aws-sdk:sqs:createQueue", Parameters={"QueueName": "over-there"}))
        assert run(other, arn)["status"] == "SUCCEEDED"
        assert other.client("sqs").list_queues().get("QueueUrls") is None
    assert any("over-there" in url for url in server.client("sqs").list_queues()["QueueUrls"])


def test_nested_and_open_tasks_survive_a_kill(tmp_path: Path) -> None:
    first = Process("--port", "0", "--state-dir", str(tmp_path))
    try:
        queue = first.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        body = {"token.$": "$$.Task.Token"}
        waits = task("sqs:sendMessage.waitForTaskToken", Parameters={"QueueUrl": queue, "MessageBody": body})
        child = machine(first, "child", Wait=waits)
        parent = machine(
            first, "parent", Child=task("states:startExecution.sync:2", Parameters={"StateMachineArn": child})
        )
        arn = first.client("stepfunctions").start_execution(stateMachineArn=parent)["executionArn"]
        token = received(first, queue)["token"]
        children = first.client("stepfunctions").list_executions(stateMachineArn=child)["executions"]
        waiting.until(lambda: "TaskSubmitted" in history(first, children[0]["executionArn"]))
    finally:
        first.kill()
    with running("--state-dir", str(tmp_path)) as second:
        second.client("stepfunctions").send_task_success(taskToken=token, output='"after all"')
        told = ended(second, arn)
        assert told["status"] == "SUCCEEDED", told
        assert json.loads(told["output"])["Output"] == "after all"
        again = second.client("stepfunctions").list_executions(stateMachineArn=child)["executions"]
        assert len(again) == 1
        assert history(second, arn)[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
