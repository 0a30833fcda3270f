"""Log lines and status changes of executions are found next door, in a real server."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sfn_emulator.cloud.outlet import VALIDATION_STREAM
from tests.processes import Process, running
from tests.waiting import until

ROLE = "arn:aws:iam::123456789012:role/machine"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        yield process


def test_an_express_execution_leaves_its_history_in_the_log_group(server: Process) -> None:
    logs, states = server.client("logs"), server.client("stepfunctions", inject_host_prefix=False)
    logs.create_log_group(logGroupName="/aws/vendedlogs/m")
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/m:*"
    machine = states.create_state_machine(
        name="logged",
        definition=PASS,
        roleArn=ROLE,
        type="EXPRESS",
        loggingConfiguration={
            "level": "ALL",
            "includeExecutionData": True,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
        },
    )["stateMachineArn"]
    states.start_sync_execution(stateMachineArn=machine, input='{"a":1}')
    wanted = ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]

    def types() -> list[str]:
        events = logs.filter_log_events(logGroupName="/aws/vendedlogs/m")["events"]
        return [json.loads(event["message"])["type"] for event in events]

    until(lambda: len(types()) >= len(wanted))
    assert types() == wanted


def test_a_rule_sees_the_status_change(server: Process) -> None:
    events, sqs, states = server.client("events"), server.client("sqs"), server.client("stepfunctions")
    queue = sqs.create_queue(QueueName="changes")["QueueUrl"]
    events.put_rule(
        Name="changes", EventPattern=json.dumps({"source": ["aws.states"], "detail": {"status": ["SUCCEEDED"]}})
    )
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule="changes", Targets=[{"Id": "queue", "Arn": arn}])
    machine = states.create_state_machine(name="watched", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    messages = until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    told = json.loads(messages[0]["Body"])
    assert told["detail-type"] == "Step Functions Execution Status Change"
    assert told["resources"] == [execution]
    assert (told["detail"]["status"], told["detail"]["output"]) == ("SUCCEEDED", "{}")


def test_a_log_group_that_is_not_there_is_refused_and_one_that_is_there_is_tried(server: Process) -> None:
    logs, states = server.client("logs"), server.client("stepfunctions", inject_host_prefix=False)

    def logged(name: str, group: str) -> dict[str, Any]:
        arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*"
        destinations = [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]
        given = {"level": "ALL", "destinations": destinations}
        return dict(states.create_state_machine(name=name, definition=PASS, roleArn=ROLE, loggingConfiguration=given))

    with pytest.raises(ClientError, match="Invalid Logging Configuration: Log Destination not found"):
        logged("lost", "nowhere")
    logs.create_log_group(logGroupName="there")
    logged("found", "there")
    streams = logs.describe_log_streams(logGroupName="there")["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == [VALIDATION_STREAM]
