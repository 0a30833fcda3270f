"""Asynchronous invocations: destinations, dead letters, throttles, and what a kill leaves to be done."""

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sfn_emulator.cloud.delivery.outbox import Parcel
from sfn_emulator.cloud.lambdas.asynchronous import Asynchronous
from sfn_emulator.cloud.lambdas.functions import Function
from sfn_emulator.cloud.lambdas.runtime import InvokeResult
from tests.cloud.functions import deploy, make_role
from tests.processes import Process, running
from tests.waiting import until

WORK = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no")
    return {"done": event}
"""
SLOW = """
import boto3, os, time
def handler(event, context):
    time.sleep(1.5)
    boto3.client("sqs").send_message(QueueUrl=os.environ["AWS_ENDPOINT_URL"] + "/123456789012/seen", MessageBody="done")
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        yield process


def queue(server: Process, name: str) -> tuple[str, str]:
    queues = server.client("sqs")
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    return url, queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def taken(server: Process, url: str) -> Any:
    def take() -> Any:
        return server.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages")

    return until(take)[0]


def later(server: Process, name: str, event: Any) -> str:
    told = server.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
    assert told["StatusCode"] == 202
    return str(told["ResponseMetadata"]["RequestId"])


@pytest.mark.parametrize("event", [{"n": 1}, {"fail": True}], ids=["success", "failure"])
def test_a_destination_is_told_how_it_ended(server: Process, event: Any) -> None:
    name = f"told-{'fail' in event}"
    deploy(server, name, WORK)
    (good_url, good), (bad_url, bad) = queue(server, f"{name}-good"), queue(server, f"{name}-bad")
    server.client("lambda").put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": {"Destination": good}, "OnFailure": {"Destination": bad}},
    )
    request = later(server, name, event)
    record = json.loads(taken(server, bad_url if "fail" in event else good_url)["Body"])
    assert record["requestContext"]["requestId"] == request
    assert record["requestContext"]["condition"] == ("RetriesExhausted" if "fail" in event else "Success")
    assert record["requestPayload"] == event
    if "fail" in event:
        assert record["responseContext"]["functionError"] == "Unhandled"
        assert record["responsePayload"]["errorType"] == "ValueError"
    else:
        assert record["responsePayload"] == {"done": event}


def test_a_destination_may_be_a_function_or_a_topic(server: Process) -> None:
    url, arn = queue(server, "chained")
    topic = server.client("sns").create_topic(Name="chained")["TopicArn"]
    server.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    second = deploy(server, "second", WORK)
    deploy(server, "first", WORK)
    functions = server.client("lambda")
    for name, place in (("first", second), ("second", topic)):
        functions.put_function_event_invoke_config(
            FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": place}}
        )
    later(server, "first", {"n": 1})
    told = json.loads(json.loads(taken(server, url)["Body"])["Message"])
    assert told["requestPayload"]["responsePayload"] == {"done": {"n": 1}}


def test_a_bucket_gets_the_record_of_a_failure(server: Process) -> None:
    server.client("s3").create_bucket(Bucket="failures")
    deploy(server, "failing", WORK)
    functions = server.client("lambda")
    place = {"Destination": "arn:aws:s3:::failures"}
    with pytest.raises(ClientError, match="can't be of s3"):
        functions.put_function_event_invoke_config(FunctionName="failing", DestinationConfig={"OnSuccess": place})
    functions.put_function_event_invoke_config(
        FunctionName="failing", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": place}
    )
    request = later(server, "failing", {"fail": 1})
    (found,) = until(lambda: server.client("s3").list_objects_v2(Bucket="failures").get("Contents"))
    assert re.fullmatch(r"aws/lambda/async/failing/\d{4}(/\d\d){2}/[-\dT.]{19}-[-\da-f]{36}", found["Key"])
    record = json.load(server.client("s3").get_object(Bucket="failures", Key=found["Key"])["Body"])
    assert (record["requestContext"]["requestId"], record["requestPayload"]) == (request, {"fail": 1})


def test_a_dead_letter_queue_gets_the_event_itself(server: Process) -> None:
    url, arn = queue(server, "dead")
    deploy(server, "dying", WORK, DeadLetterConfig={"TargetArn": arn})
    functions = server.client("lambda")
    assert functions.get_function_configuration(FunctionName="dying")["DeadLetterConfig"] == {"TargetArn": arn}
    functions.put_function_event_invoke_config(FunctionName="dying", MaximumRetryAttempts=0)
    request = later(server, "dying", {"fail": 1})
    message = taken(server, url)
    assert json.loads(message["Body"]) == {"fail": 1}
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {"RequestID": request, "ErrorCode": "200", "ErrorMessage": "no"}


def test_the_minutes_between_attempts_pass_with_the_clock(server: Process) -> None:
    url, arn = queue(server, "patient")
    deploy(server, "patient", WORK, DeadLetterConfig={"TargetArn": arn})
    later(server, "patient", {"fail": 1})

    def dead() -> Any:
        asked = urllib.request.Request(f"{server.url}/_sfn/clock", b'{"advance": 120}', method="POST")
        urllib.request.urlopen(asked).close()
        return server.client("sqs").receive_message(QueueUrl=url).get("Messages")

    assert json.loads(until(dead)[0]["Body"]) == {"fail": 1}


def test_a_destination_that_is_not_done_is_refused_by_name(server: Process) -> None:
    deploy(server, "kept", WORK)
    place = "arn:aws:firehose:us-east-1:123456789012:deliverystream/kept"
    with pytest.raises(ClientError, match=f"A destination for OnFailure can't be of firehose: {place}"):
        server.client("lambda").put_function_event_invoke_config(
            FunctionName="kept", DestinationConfig={"OnFailure": {"Destination": place}}
        )


def test_a_function_that_may_not_run_at_all_gives_its_events_up_at_once(server: Process) -> None:
    url, arn = queue(server, "stopped")
    deploy(server, "stopped", WORK)
    functions = server.client("lambda")
    functions.put_function_concurrency(FunctionName="stopped", ReservedConcurrentExecutions=0)
    functions.put_function_event_invoke_config(
        FunctionName="stopped", DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    later(server, "stopped", {"n": 1})
    record = json.loads(taken(server, url)["Body"])
    assert "responsePayload" not in record and record["requestPayload"] == {"n": 1}


def test_a_throttled_event_waits_its_turn(server: Process) -> None:
    url, _ = queue(server, "seen")
    deploy(server, "one-by-one", SLOW)
    server.client("lambda").put_function_concurrency(FunctionName="one-by-one", ReservedConcurrentExecutions=1)
    for n in range(2):
        later(server, "one-by-one", {"n": n})
    for _ in range(2):
        message = taken(server, url)
        server.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_an_accepted_event_is_run_though_the_server_is_killed(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path / "state")) as process:
        make_role(process)
        queue(process, "seen")
        deploy(process, "slow", SLOW)
        later(process, "slow", {})
        threading.Event().wait(0.2)
        process.kill()
    with running("--state-dir", str(tmp_path / "state")) as process:
        url = process.client("sqs").get_queue_url(QueueName="seen")["QueueUrl"]
        assert taken(process, url)["Body"] == "done"


def test_nobody_is_told_of_an_event_that_ended_with_the_server() -> None:
    told: list[str] = []
    function = Function(
        region="us-east-1",
        name="held",
        version="$LATEST",
        arn="arn:aws:lambda:us-east-1:123456789012:function:held",
        handler="m.h",
        runtime="python3.12",
        timeout=3,
        memory=128,
        reserved=None,
        variables=(),
        retries=0,
        most_age=60,
        on_success="arn:good",
        on_failure="arn:bad",
        dead_letters="arn:dead",
        code=b"",
        layers=(),
    )

    class Runs:
        """A worker is killed as the server stops."""

        def found(self, arn: str) -> Function:
            return function

        def attempt(self, function: Function, payload: bytes, request_id: str) -> InvokeResult:
            return InvokeResult(b'{"errorType": "Runtime.ExitError"}', "Unhandled", "$LATEST")

    parcel = Parcel(1, "invocation", function.arn, b"{}", {"id": "1"}, 0.0, 0)
    for closing, expected in ((True, []), (False, ["arn:bad", "arn:dead"])):
        Asynchronous(Runs(), lambda arn, text, more: told.append(arn), lambda closing=closing: closing).carry(parcel)
        assert told == expected
