"""Pipes: from a queue or a stream, through a filter and an enrichment, to a state machine or a function."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.functions import deploy, make_role
from tests.cloud.sources.test_mappings import World, keys
from tests.processes import Process, running
from tests.waiting import until

ROLE = "arn:aws:iam::123456789012:role/worker"
ECHO = {"StartAt": "Echo", "States": {"Echo": {"Type": "Pass", "End": True}}}
DOUBLE = """
def handler(events, context):
    return [{"doubled": 2 * __import__("json").loads(e["body"])["n"]} for e in events]
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        deploy(process, "double", DOUBLE)
        yield process


def machine(server: Process, name: str, kind: str = "STANDARD", definition: Any = ECHO) -> str:
    made = server.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=ROLE, type=kind
    )
    return str(made["stateMachineArn"])


def pipe(server: Process, name: str, source: str, target: str, **settings: Any) -> None:
    server.client("pipes").create_pipe(Name=name, Source=source, Target=target, RoleArn=ROLE, **settings)


def inputs(server: Process, arn: str) -> list[Any]:
    """What executions of the machine were started with, once there are any."""
    machines = server.client("stepfunctions")
    found = until(lambda: machines.list_executions(stateMachineArn=arn)["executions"])
    return [json.loads(machines.describe_execution(executionArn=e["executionArn"])["input"]) for e in found]


def test_messages_start_an_execution_with_a_batch(server: Process) -> None:
    world, arn = World(server, "start"), machine(server, "start")
    url, queue = world.queue("work")
    world.queues.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(3)])
    pipe(
        server,
        "start",
        queue,
        arn,
        TargetParameters={"StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"}},
    )
    (batch,) = inputs(server, arn)
    assert sorted(record["body"] for record in batch) == ["0", "1", "2"]
    assert batch[0]["eventSourceARN"] == queue
    until(lambda: world.left(url) == 0)


def test_a_filter_an_enrichment_and_templates_shape_what_arrives(server: Process) -> None:
    world, arn = World(server, "shaped"), machine(server, "shaped")
    url, queue = world.queue("work")
    functions = server.client("lambda")
    pipe(
        server,
        "shaped",
        queue,
        arn,
        SourceParameters={
            "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"body": {"n": [{"numeric": [">", 1]}]}})}]}
        },
        Enrichment=functions.get_function(FunctionName="double")["Configuration"]["FunctionArn"],
        TargetParameters={"InputTemplate": '{"value": <$.doubled>, "from": "<aws.pipes.pipe-name>"}'},
    )
    for n in (1, 2):
        world.queues.send_message(QueueUrl=url, MessageBody=json.dumps({"n": n}))
    assert inputs(server, arn) == [[{"value": 4, "from": "shaped"}]]
    until(lambda: world.left(url) == 0)


def test_rows_reach_an_express_machine_that_is_waited_for(server: Process) -> None:
    world = World(server, "waited")
    url, _ = world.queue("told")
    tell = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
    told = {"StartAt": "Tell", "States": {"Tell": {**tell, "Parameters": {"QueueUrl": url, "MessageBody.$": "$[0]"}}}}
    stream, arn = world.table(), machine(server, "waited", "EXPRESS", told)
    world.put("a", "b")
    pipe(
        server,
        "waited",
        stream,
        arn,
        SourceParameters={"DynamoDBStreamParameters": {"StartingPosition": "TRIM_HORIZON", "BatchSize": 1}},
        TargetParameters={"StepFunctionStateMachineParameters": {"InvocationType": "REQUEST_RESPONSE"}},
    )
    assert [world.seen(url)["dynamodb"]["Keys"] for _ in range(2)] == keys("a", "b")


def test_a_stopped_pipe_takes_nothing(server: Process) -> None:
    world, arn = World(server, "stopped"), machine(server, "stopped")
    url, queue = world.queue("work")
    pipe(server, "stopped", queue, arn)
    server.client("pipes").stop_pipe(Name="stopped")
    world.queues.send_message(QueueUrl=url, MessageBody="x")
    other_url, other = world.queue("other")
    other_arn = machine(server, "stopped-other")
    pipe(server, "other", other, other_arn)
    world.queues.send_message(QueueUrl=other_url, MessageBody="y")
    assert inputs(server, other_arn)[0][0]["body"] == "y"
    assert world.left(url) == 1
    server.client("pipes").start_pipe(Name="stopped")
    assert inputs(server, arn)[0][0]["body"] == "x"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"Source": "arn:aws:kafka:us-east-1:123456789012:cluster/a"}, "A pipe's Source of kafka is not served here"),
        ({"Target": "arn:aws:ecs:us-east-1:123456789012:cluster/a"}, "A pipe's Target of ecs is not served here"),
        ({"Enrichment": "arn:aws:events:us-east-1:123456789012:api-destination/a"}, "A pipe's Enrichment of events"),
    ],
    ids=["source", "target", "enrichment"],
)
def test_an_unsupported_setting_is_refused_by_name(server: Process, settings: dict[str, str], text: str) -> None:
    good = {
        "Source": "arn:aws:sqs:us-east-1:123456789012:q",
        "Target": "arn:aws:lambda:us-east-1:123456789012:function:f",
    }
    with pytest.raises(ClientError, match=text):
        server.client("pipes").create_pipe(Name="no", RoleArn=ROLE, **{**good, **settings})
