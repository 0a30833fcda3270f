"""EventBridge rules start functions and state machines, in a real server."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sfn_emulator.cloud.events.rules import input_of
from tests.cloud.functions import deploy, make_role
from tests.processes import Process, running
from tests.waiting import until

ROLE = "arn:aws:iam::123456789012:role/worker"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
KEEP = """
import boto3, json
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="http://localhost/123456789012/seen", MessageBody=json.dumps(event))
"""
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "detail-type": "placed",
    "source": "shop",
    "time": "2026-01-31T00:00:00Z",
    "resources": [],
    "detail": {"order": "A-7", "n": 2, "who": 'a "b"', "items": ["x"]},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        process.client("sqs").create_queue(QueueName="seen")
        deploy(process, "keep", KEEP)
        yield process


def machine_of(server: Process, name: str) -> str:
    states = server.client("stepfunctions")
    return str(states.create_state_machine(name=name, definition=PASS, roleArn=ROLE)["stateMachineArn"])


def inputs(server: Process, machine: str) -> list[Any]:
    states = server.client("stepfunctions")
    found = states.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"]
    return [json.loads(states.describe_execution(executionArn=one["executionArn"])["input"]) for one in found]


def rule(server: Process, name: str, pattern: Any, *targets: Any, **told: Any) -> None:
    events = server.client("events")
    events.put_rule(Name=name, **({"EventPattern": json.dumps(pattern)} if pattern else {}), **told)
    numbered = [{"Id": str(n), "RoleArn": ROLE, **target} for n, target in enumerate(targets)]
    events.put_targets(Rule=name, Targets=numbered)


def placed(server: Process, source: str, **detail: Any) -> Any:
    entry = {"Source": source, "DetailType": "placed", "Detail": json.dumps(detail)}
    return server.client("events").put_events(Entries=[entry])


def test_a_rule_starts_a_state_machine_with_the_event(server: Process) -> None:
    machine = machine_of(server, "ordered")
    rule(server, "start", {"source": ["shop"], "detail": {"n": [{"numeric": [">", 1]}]}}, {"Arn": machine})
    placed(server, "shop", n=1)
    event_id = placed(server, "shop", n=2)["Entries"][0]["EventId"]
    (event,) = until(lambda: inputs(server, machine))
    assert event.pop("time").endswith("Z")
    assert event == {
        "version": "0",
        "id": event_id,
        "detail-type": "placed",
        "source": "shop",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": [],
        "detail": {"n": 2},
    }


def test_a_rule_invokes_a_function(server: Process) -> None:
    function = "arn:aws:lambda:us-east-1:123456789012:function:keep"
    rule(server, "invoke", {"source": ["bell"]}, {"Arn": function, "InputPath": "$.detail"})
    placed(server, "bell", rung=True)
    messages = until(
        lambda: server.client("sqs").receive_message(QueueUrl=f"{server.url}/123456789012/seen").get("Messages")
    )
    assert json.loads(messages[0]["Body"]) == {"rung": True}


def test_the_end_of_one_execution_starts_another(server: Process) -> None:
    first, second = machine_of(server, "first"), machine_of(server, "second")
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [first], "status": ["SUCCEEDED"]},
    }
    transformer = {"InputPathsMap": {"arn": "$.detail.executionArn"}, "InputTemplate": '{"after":<arn>}'}
    rule(server, "chain", pattern, {"Arn": second, "InputTransformer": transformer})
    execution = server.client("stepfunctions").start_execution(stateMachineArn=first)["executionArn"]
    assert until(lambda: inputs(server, second)) == [{"after": execution}]


def test_a_target_that_cannot_be_delivered_to_keeps_nothing_from_the_others(server: Process) -> None:
    machine = machine_of(server, "last")
    unheard = {"Arn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/none"}
    gone = {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:gone"}
    no_machine = {"Arn": "arn:aws:states:us-east-1:123456789012:stateMachine:gone"}
    rule(server, "many", {"source": ["many"]}, unheard, gone, no_machine, {"Arn": machine, "Input": '{"fixed":1}'})
    assert placed(server, "many", a=1)["FailedEntryCount"] == 0
    assert until(lambda: inputs(server, machine)) == [{"fixed": 1}]


def test_a_schedule_and_a_disabled_rule_take_no_event(server: Process) -> None:
    never, always = machine_of(server, "never"), machine_of(server, "always")
    rule(server, "hourly", None, {"Arn": never}, ScheduleExpression="rate(1 hour)")
    rule(server, "off", {"source": ["quiet"]}, {"Arn": never}, State="DISABLED")
    rule(server, "on", {"source": ["quiet"]}, {"Arn": always})
    placed(server, "quiet", a=1)
    assert until(lambda: inputs(server, always))
    assert inputs(server, never) == []


@pytest.mark.parametrize(
    ("target", "made"),
    [
        ({}, EVENT),
        ({"Input": '{"a": 1}'}, {"a": 1}),
        ({"InputPath": "$.detail.items"}, ["x"]),
        ({"InputPath": "$.detail-type"}, "placed"),
        ({"InputPath": "$.missing"}, None),
    ],
)
def test_a_target_gets_its_input(target: dict[str, Any], made: Any) -> None:
    assert json.loads(input_of(target, EVENT, "arn", "rule")) == made


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ('{"a": <order>, "n": <n>, "d": <items>}', {"a": "A-7", "n": 2, "d": ["x"]}),
        ('{"a": "order <order> of <who>: <items>"}', {"a": 'order A-7 of a "b": ["x"]'}),
        ('"<order> has \\"<n>\\""', 'A-7 has "2"'),
        ("<order> has <n> of <who>", 'A-7 has 2 of a "b"'),
        ('{"r": <aws.events.rule-name>, "e": <aws.events.event.json>}', {"r": "rule", "e": EVENT}),
        ('{"a": <missing>, "b": "<missing>", "c": "<unknown> < 1"}', {"a": None, "b": "", "c": "<unknown> < 1"}),
    ],
)
def test_a_transformer_fills_its_template(template: str, made: Any) -> None:
    paths = {name: f"$.detail.{name}" for name in ("order", "n", "who", "items", "missing")}
    target = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    assert json.loads(input_of(target, EVENT, "arn", "rule")) == made
