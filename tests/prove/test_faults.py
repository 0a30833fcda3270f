"""Failures that come at the worst moment: a step done after its compensation, an error that comes after the commit, an
error that only a Choice knows, one item of many."""

import json
from functools import partial
from typing import Any

import pytest

from sfn_emulator.prove.claims import claims
from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.faults import Kind
from sfn_emulator.prove.invariants import at_the_end
from sfn_emulator.prove.proof import Wanted, world_of

RETRY = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]
ENDS: dict[str, Any] = {"Done": {"Type": "Succeed"}, "Undone": {"Type": "Fail", "Error": "Undone"}}


def call(action: str, **fields: Any) -> dict[str, Any]:
    parameters = {"TableName": "Orders", "Key" if action == "deleteItem" else "Item": {"Id": {"S.$": "$.id"}}}
    resource = f"arn:aws:states:::dynamodb:{action}"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "ResultPath": None, **fields}


GIVE = call("deleteItem", Retry=RETRY, Next="Undone")


def caught(target: str, *names: str) -> list[dict[str, Any]]:
    return [{"ErrorEquals": [*names] or ["States.ALL"], "ResultPath": "$.error", "Next": target}]


@at_the_end
def a_failure_leaves_nothing(before: Any, after: Any, execution: Any) -> None:
    assert execution.status == "SUCCEEDED" or after == before


def setup(client: Any, states: dict[str, Any]) -> None:
    client("dynamodb").create_table(
        TableName="Orders",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    role = "arn:aws:iam::123456789012:role/orders"
    client("stepfunctions").create_state_machine(name="orders", roleArn=role, definition=definition)


def saga(states: dict[str, Any], *invariants: Any, **told: Any) -> Saga:
    wanted = Wanted(claims(**told), partial(setup, states=states), [*invariants] or [a_failure_leaves_nothing])
    return world_of(wanted)


def breaking(made: Saga, *only: Kind, given: Any = None) -> dict[str, str]:
    """By fault, the claim that it breaks."""
    runs = made.explored(given or {"id": "1"}, 1, only)
    return {run.placement[0].short: name for run in runs for name in run.broken}


@pytest.mark.parametrize(("ends_within", "wait", "left"), [(None, 0, True), (30, 0, True), (30, 60, False)])
def test_a_step_that_times_out_may_be_done_after_its_compensation(
    ends_within: int | None, wait: int, left: bool
) -> None:
    states = {
        "Take": call("putItem", TimeoutSeconds=5, Catch=caught("Hold"), Next="Done"),
        "Hold": {"Type": "Wait", "Seconds": wait, "Next": "Give"},
        "Give": GIVE,
        **ENDS,
    }
    told = {} if ends_within is None else {"ends_within": ends_within}
    found = breaking(saga(states, undo={"Take": "Give"}, **told), Kind.OVERDUE)
    assert found == ({"Take#0 overdue": "a_failure_leaves_nothing"} if left else {})


def test_work_that_ends_before_the_time_out_is_never_overdue() -> None:
    states = {"Take": call("putItem", TimeoutSeconds=5, Catch=caught("Undone"), Next="Done"), **ENDS}
    assert breaking(saga(states, ends_within=4), Kind.OVERDUE) == {}


def test_an_error_by_its_name_may_come_after_the_commit() -> None:
    trusting = [*caught("Undone", "DynamoDB.InternalServerErrorException"), *caught("Give")]
    states = {"Take": call("putItem", Catch=trusting, Next="Done"), "Give": GIVE, **ENDS}
    told = {"Take#0 DynamoDB.InternalServerErrorException": "a_failure_leaves_nothing"}
    assert breaking(saga(states), Kind.NAMED_AFTER) == told
    assert breaking(saga(states), Kind.NAMED) == {}
    refusing = saga(states, refusals={"Take": ["DynamoDB.InternalServerErrorException"]})
    assert breaking(refusing, Kind.NAMED_AFTER) == {}


def test_an_error_that_only_a_choice_knows_is_injected() -> None:
    why = {"Variable": "$.error.Error", "StringEquals": "Card.Refused", "Next": "Undone"}
    states = {
        "Take": call("putItem", Catch=caught("Give"), Next="Pay"),
        "Pay": call("putItem", Catch=caught("Why"), Next="Done"),
        "Why": {"Type": "Choice", "Choices": [why], "Default": "Give"},
        "Give": GIVE,
        **ENDS,
    }
    assert breaking(saga(states), Kind.NAMED) == {"Pay#1 Card.Refused": "a_failure_leaves_nothing"}


def test_each_item_of_a_map_may_fail_for_good() -> None:
    """And the others are tried again as they would be without it."""

    @at_the_end
    def the_first_order_is_written(after: Any) -> None:
        assert {"Id": "1"} in after["Orders"]

    @at_the_end
    def the_second_order_is_written(after: Any) -> None:
        assert {"Id": "2"} in after["Orders"]

    inner = {
        "Take": call("putItem", Retry=RETRY, Catch=caught("Skip"), End=True),
        "Skip": {"Type": "Pass", "End": True},
    }
    processor = {"StartAt": "Take", "States": inner}
    each = {"Type": "Map", "ItemsPath": "$.orders", "ItemProcessor": processor, "End": True}
    made = saga({"Each": each}, the_first_order_is_written, the_second_order_is_written)
    found = breaking(made, Kind.BEFORE, given={"orders": [{"id": "1"}, {"id": "2"}]})
    assert found == {
        "Take#0 before": "the_first_order_is_written",
        "Take#1 before": "the_second_order_is_written",
    }
