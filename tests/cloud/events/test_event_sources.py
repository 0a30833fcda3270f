"""Event source mappings: what is sent to a queue or written to a table reaches a function."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.functions import deploy, make_role
from tests.processes import Process, running

KEEP = """
import boto3, json
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="http://localhost/123456789012/seen", MessageBody=json.dumps(event))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        process.client("sqs").create_queue(QueueName="seen")
        deploy(process, "keep", KEEP)
        yield process


def seen(server: Process) -> Any:
    """The first record the function was invoked with."""
    queues, deadline = server.client("sqs"), time.monotonic() + 60
    while not (found := queues.receive_message(QueueUrl=f"{server.url}/123456789012/seen").get("Messages")):
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
    queues.delete_message(QueueUrl=f"{server.url}/123456789012/seen", ReceiptHandle=found[0]["ReceiptHandle"])
    return json.loads(found[0]["Body"])["Records"][0]


def test_a_message_invokes_a_function_and_is_gone(server: Process) -> None:
    queues = server.client("sqs")
    url = queues.create_queue(QueueName="work")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    server.client("lambda").create_event_source_mapping(FunctionName="keep", EventSourceArn=arn)
    queues.send_message(QueueUrl=url, MessageBody="hello")
    record = seen(server)
    assert (record["body"], record["eventSourceARN"]) == ("hello", arn)
    assert "Messages" not in queues.receive_message(QueueUrl=url)


def test_a_row_invokes_a_function(server: Process) -> None:
    tables = server.client("dynamodb")
    arn = tables.create_table(
        TableName="Rows",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    server.client("lambda").create_event_source_mapping(
        FunctionName="keep", EventSourceArn=arn, StartingPosition="LATEST"
    )
    tables.put_item(TableName="Rows", Item={"k": {"S": "1"}})
    record = seen(server)
    assert (record["eventName"], record["dynamodb"]["NewImage"]) == ("INSERT", {"k": {"S": "1"}})
