"""A definition becomes a model: resources are split, fields compiled, variables listed."""

import json
from typing import Any

import pytest

from sfn_emulator.asl.model import (
    Fail,
    MachineType,
    Map,
    Parallel,
    Pass,
    QueryLanguage,
    State,
    Succeed,
    Task,
    Wait,
    branches,
)
from sfn_emulator.asl.parse import load, parse, parse_state
from sfn_emulator.asl.resource import Family, Pattern, Resource, parse_resource
from sfn_emulator.query.compiled import Compiled


def state(raw: dict[str, Any], **machine: Any) -> State:
    states = {"A": raw, "B": {"Type": "Succeed"}}
    if "Next" not in json.dumps(raw) and raw.get("Type") != "Choice":
        del states["B"]
    return load(json.dumps({"StartAt": "A", "States": states, **machine})).body.states["A"]


@pytest.mark.parametrize(
    ("arn", "family", "resource_type", "resource", "action", "pattern"),
    [
        ("arn:aws:lambda:us-east-1:1:function:f:PROD", Family.LAMBDA, "", "", "", Pattern.REQUEST_RESPONSE),
        ("arn:aws-cn:states:cn-north-1:1:activity:a b", Family.ACTIVITY, "", "", "", Pattern.REQUEST_RESPONSE),
        ("arn:aws:states:::sqs:sendMessage", Family.SERVICE, "sqs", "sendMessage", "sendMessage", Pattern("")),
        (
            "arn:aws:states:::states:startExecution.sync:2",
            Family.SERVICE,
            "states",
            "startExecution.sync:2",
            "startExecution",
            Pattern.SYNC_2,
        ),
        (
            "arn:aws:states:::aws-sdk:s3:getObject.waitForTaskToken",
            Family.SERVICE,
            "aws-sdk:s3",
            "getObject.waitForTaskToken",
            "getObject",
            Pattern.WAIT_FOR_TASK_TOKEN,
        ),
    ],
)
def test_a_resource_is_taken_apart(
    arn: str, family: Family, resource_type: str, resource: str, action: str, pattern: Pattern
) -> None:
    assert parse_resource(arn) == Resource(arn, family, resource_type, resource, action, pattern)


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "f",
        "arn:aws",
        "arn:aws::lambda:us-east-1:1:function:f",
        "arn:aws:lambda:us-east-1:1:layer:x",
        "https://x.y",
        "arn:aws:states:::sqs",
        "arn:aws:states:::sqs:sendMessage.later",
        "arn:aws:states:::sqs:send.sync:3",
    ],
)
def test_an_arn_of_no_resource_gives_none(arn: str) -> None:
    assert parse_resource(arn) is None


def test_the_task_runner_may_refuse_a_resource_in_its_own_words() -> None:
    text = '{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:x:y","End":true}}}'
    machine, (problem,) = parse(text, resources=lambda resource: f"no {resource.resource_type}")
    assert machine is None
    assert (problem.message, problem.pointer, problem.kind) == ("no aws-sdk:x", "/States/A/Resource", "ARN")


def test_a_retrier_has_its_defaults() -> None:
    task = state(
        {"Type": "Task", "Resource": "arn:aws:lambda:::function:f", "End": True, "Retry": [{"ErrorEquals": ["E"]}]}
    )
    assert isinstance(task, Task)
    (retrier,) = task.retry
    assert (retrier.interval_seconds, retrier.max_attempts, retrier.backoff_rate) == (1, 3, 2.0)
    assert retrier.max_delay_seconds is None
    assert not retrier.jitter


def test_null_paths_have_their_meaning() -> None:
    read = state({"Type": "Pass", "InputPath": None, "ResultPath": None, "End": True})
    assert isinstance(read, Pass)
    flow: Any = read.flow
    assert flow.input_path.apply({"a": 1}, None) == {}
    assert flow.result_path.place({"a": 1}, {"b": 2}) == {"a": 1}
    assert flow.output_path is None


def test_a_literal_timestamp_is_epoch_seconds() -> None:
    read = state({"Type": "Wait", "Timestamp": "2024-01-01T01:00:00+01:00", "End": True})
    assert isinstance(read, Wait)
    assert read.timestamp == 1704067200.0


def test_numbers_are_literals_or_queries() -> None:
    by_path = state({"Type": "Wait", "SecondsPath": "$.s", "End": True})
    by_expression = state({"Type": "Wait", "Seconds": "{% 1 %}", "End": True}, QueryLanguage="JSONata")
    assert isinstance(by_path, Wait)
    assert isinstance(by_expression, Wait)
    assert isinstance(by_path.seconds, Compiled)
    assert isinstance(by_expression.seconds, Compiled)


def test_a_distributed_map_is_told_from_an_inline_one() -> None:
    processor = {"StartAt": "I", "States": {"I": {"Type": "Succeed"}}}
    inline = state({"Type": "Map", "ItemProcessor": processor, "End": True})
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    spread = state({"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **processor}, "End": True})
    assert isinstance(inline, Map)
    assert isinstance(spread, Map)
    assert inline.distribution is None
    assert spread.distribution is not None
    assert spread.distribution.execution_type is MachineType.EXPRESS
    assert spread.distribution.label is None


def test_children_of_a_distributed_map_may_be_express_with_its_restrictions() -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
    for kind, wanted in (("STANDARD", []), ("EXPRESS", ["EXPRESS"])):
        processor = {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
            "StartAt": "T",
            "States": {"T": task},
        }
        machine = {"StartAt": "A", "States": {"A": {"Type": "Map", "ItemProcessor": processor, "End": True}}}
        assert [problem.kind for problem in parse(json.dumps(machine))[1]] == wanted


def test_variable_references_are_listed_per_state() -> None:
    machine = load(
        json.dumps(
            {
                "StartAt": "A",
                "States": {
                    "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "M"},
                    "M": {
                        "Type": "Map",
                        "ItemSelector": {"v.$": "States.Format('{}', $x)"},
                        "ItemProcessor": {
                            "StartAt": "I",
                            "States": {"I": {"Type": "Pass", "InputPath": "$y", "End": True}},
                        },
                        "End": True,
                    },
                },
            }
        )
    )
    assert machine.variable_references == {"M": ("x",), "I": ("y",)}


def test_a_lone_state_needs_neither_end_nor_target() -> None:
    for raw in ({"Type": "Pass"}, {"Type": "Pass", "Next": "Elsewhere"}, {"Type": "Pass", "InputPath": "$given"}):
        read, problems = parse_state(json.dumps(raw))
        assert isinstance(read, Pass)
        assert problems == ()


def test_a_lone_state_is_checked_otherwise() -> None:
    read, problems = parse_state('{"Type": "Pass", "ResultPath": "a", "Oops": 1}')
    assert read is None
    assert [problem.pointer for problem in problems] == ["/", "/ResultPath"]


def test_a_lone_map_may_hold_states_that_read_variables_from_outside() -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "InputPath": "$outer", "End": True}}}
    read, problems = parse_state(json.dumps({"Type": "Map", "ItemProcessor": inner}))
    assert problems == ()
    assert read is not None
    assert [branch.start_at for branch in branches(read)] == ["I"]


def test_states_keep_the_order_of_the_text_and_machine_fields_are_read() -> None:
    machine = load(
        '{"Comment":"c","TimeoutSeconds":5,"Version":"1.0","QueryLanguage":"JSONata","StartAt":"Z",'
        '"States":{"Z":{"Type":"Parallel","Branches":[{"StartAt":"X","States":{"X":{"Type":"Fail"}}}],"Next":"A"},'
        '"A":{"Type":"Succeed"}}}'
    )
    assert list(machine.body.states) == ["Z", "A"]
    assert (machine.timeout, machine.comment, machine.query_language) == (5, "c", QueryLanguage.JSONATA)
    parallel = machine.body.states["Z"]
    assert isinstance(parallel, Parallel)
    assert isinstance(branches(parallel)[0].states["X"], Fail)
    assert isinstance(machine.body.states["A"], Succeed)
