"""Least privilege: every call a handler makes is in its function's policy, and every action of the policy is used."""

import json
from contextlib import suppress

import pytest

from deploy import config
from handlers import notifications, orchestrator, tables
from handlers.saga import RefusedError
from tests.saga.conftest import context, event
from tests.saga.steps import COMPENSATIONS, STEPS, handler, stage

pytestmark = pytest.mark.usefixtures("aws")

CONFIG = config.load()
PARTS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


@pytest.fixture
def calls():
    """(table, DynamoDB action) of every call, a transaction taken apart as IAM does."""
    made = set()

    def note(params, model, **_):
        if model.name == "TransactWriteItems":
            for part in params["TransactItems"]:
                ((kind, told),) = part.items()
                made.add((told["TableName"], PARTS[kind]))
        else:
            made.add((params["TableName"], model.name))

    events = tables.dynamodb().meta.events
    events.register("before-parameter-build.dynamodb", note)
    yield made
    events.unregister("before-parameter-build.dynamodb", note)


def allowed(name):
    granted = CONFIG.functions[name].get("tables", {})
    return {(table, action) for table, actions in granted.items() for action in actions}


FORWARD = [f"{stage(state)}Lambda" for state in STEPS]
CASES = {f"{stage(state)}Lambda": handler(state) for state in (*STEPS, *COMPENSATIONS)}


def test_the_steps_use_exactly_what_their_functions_may(calls):
    for name, called in CASES.items():
        calls.clear()
        called(event(), context())
        if name in FORWARD:
            called(event(), context())  # the way a duplicate goes reads what is there
            with suppress(RefusedError):
                called(event(saga="2026-01-01T00:00:01Z"), context())  # so does the way of another saga's request
        assert calls == allowed(name), name


def test_the_notification_writes_no_table(calls):
    notifications.send(event(), context())
    assert calls == set()
    assert CONFIG.functions["SendNotificationLambda"]["publishes"]


def test_the_orchestrator_reads_the_item_and_writes_no_table(calls, monkeypatch):
    states = orchestrator.stepfunctions()
    definition = json.dumps({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}})
    machine = states.create_state_machine(name="M", definition=definition, roleArn="arn:aws:iam::123456789012:role/r")
    monkeypatch.setenv("STATE_MACHINE_ARN", machine["stateMachineArn"])
    monkeypatch.setenv("STAGES", ",".join(CONFIG.stages))
    body = json.dumps({"ItemId": "ITEM001", "CustomerId": "c", "MessageId": "m"})
    assert orchestrator.handler({"body": body}, None)["statusCode"] == 200
    assert calls == allowed("InvokeOrchestratorLambda")


def test_no_policy_names_every_table_or_every_action():
    for name in CONFIG.functions:
        assert not any("*" in part for pair in allowed(name) for part in pair)
