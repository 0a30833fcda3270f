"""A server that is told to stop closes its port while functions still run: what they miss is no failure of theirs."""

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.cloud.functions import deploy, make_role
from tests.processes import Process, running
from tests.waiting import PATIENCE, ended, until

ROLE: Final = "arn:aws:iam::123456789012:role/machine"
PAY: Final = """
import os, pathlib, socket, time, urllib.parse
import boto3
from botocore.config import Config

BEGUN = pathlib.Path({begun!r})

def handler(event, context):
    again = BEGUN.exists()
    BEGUN.touch()
    address = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
    while not again and is_open(address):
        time.sleep(0.005)
    table = boto3.client("dynamodb", config=Config(retries={{"total_max_attempts": 1}}))
    table.put_item(TableName="Paid", Item={{"order": {{"S": event["order"]}}}})
    return "paid"

def is_open(address):
    try:
        socket.create_connection((address.hostname, address.port)).close()
    except OSError:
        return False
    return True
"""
"""Its first invocation writes its row only when the port is closed."""


def machine(pay: dict[str, Any]) -> str:
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Refund"}]
    refund = {"Type": "Fail", "Error": "OrderCompensated"}
    return json.dumps({"StartAt": "Pay", "States": {"Pay": {**pay, "Catch": caught, "End": True}, "Refund": refund}})


def order(server: Process, pay: dict[str, Any]) -> str:
    """Starts an order whose Task is ``pay``; its ARN."""
    states = server.client("stepfunctions")
    made = states.create_state_machine(name="order", definition=machine(pay), roleArn=ROLE)
    text = json.dumps({"order": "7"})
    return str(states.start_execution(stateMachineArn=made["stateMachineArn"], name="7", input=text)["executionArn"])


def make_table(server: Process) -> None:
    server.client("dynamodb").create_table(
        TableName="Paid",
        KeySchema=[{"AttributeName": "order", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def ask_for_long(server: Process) -> None:
    """A request under way: the server waits for its end, so that there is time for everything to fail."""
    states = server.client("stepfunctions", read_timeout=PATIENCE)
    activity = states.create_activity(name="never")["activityArn"]

    def poll() -> None:
        with suppress(BotoCoreError, ClientError):
            states.get_activity_task(activityArn=activity)

    threading.Thread(target=poll, daemon=True).start()


@pytest.mark.parametrize(
    "pay",
    [
        {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:pay"},
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "pay", "Payload.$": "$"},
        },
    ],
    ids=["function", "lambda:invoke"],
)
def test_an_order_succeeds_though_the_server_is_stopped_amid_its_payment(tmp_path: Path, pay: dict[str, Any]) -> None:
    options = ("--state-dir", str(tmp_path / "state"), "--time", "skip")
    with running(*options) as server:
        make_role(server)
        make_table(server)
        deploy(server, "pay", PAY.format(begun=str(tmp_path / "begun")))
        ask_for_long(server)
        execution = order(server, pay)
        until((tmp_path / "begun").exists)
        assert server.stop() == (0, "")
    with running(*options) as server:
        states = server.client("stepfunctions")
        told = ended(states, execution)
        assert (told["status"], told.get("error")) == ("SUCCEEDED", None)
        events = [event["type"] for event in states.get_execution_history(executionArn=execution)["events"]]
        assert not [type_ for type_ in events if "Failed" in type_]
        assert server.client("dynamodb").scan(TableName="Paid")["Items"] == [{"order": {"S": "7"}}]
