"""Event source mappings: each message of a queue and record of a stream reaches a function, and none is lost."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sfn_emulator.cloud.delivery.checkpoints import Checkpoints
from sfn_emulator.cloud.sources.streams import regroup
from tests.cloud.functions import deploy, make_role
from tests.processes import Process, running
from tests.waiting import until

KEEP = """
import boto3, json, os
def handler(event, context):
    records = [r.get("body") or r.get("dynamodb", {}).get("Keys") or r["kinesis"]["data"] for r in event["Records"]]
    boto3.client("sqs").send_message(
        QueueUrl=os.environ["AWS_ENDPOINT_URL"] + "/123456789012/" + os.environ["SEEN"],
        MessageBody=json.dumps([records, event["Records"][0]]))
    bad = [r for r in event["Records"] if "bad" in json.dumps(r.get("body", r.get("dynamodb")))]
    if bad and os.environ.get("PARTIAL"):
        return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in bad]}
    if bad:
        raise ValueError("bad record")
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        yield process


class World:
    """A function of its own that says what it was invoked with, in a queue of its own."""

    def __init__(self, server: Process, name: str, **variables: str) -> None:
        self.server, self.name = server, name
        self.queues, self.tables = server.client("sqs"), server.client("dynamodb")
        self.seen_at = self.queues.create_queue(QueueName=f"{name}-seen")["QueueUrl"]
        deploy(server, name, KEEP, Environment={"Variables": {"SEEN": f"{name}-seen", **variables}})

    def queue(self, name: str, **attributes: str) -> tuple[str, str]:
        url = self.queues.create_queue(QueueName=f"{self.name}-{name}", Attributes=attributes)["QueueUrl"]
        told = self.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, told["Attributes"]["QueueArn"]

    def table(self) -> str:
        return str(
            self.tables.create_table(
                TableName=self.name,
                KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            )["TableDescription"]["LatestStreamArn"]
        )

    def put(self, *keys: str) -> None:
        for key in keys:
            self.tables.put_item(TableName=self.name, Item={"k": {"S": key}})

    def map(self, arn: str, **settings: Any) -> str:
        functions = self.server.client("lambda")
        return str(
            functions.create_event_source_mapping(FunctionName=self.name, EventSourceArn=arn, **settings)["UUID"]
        )

    def seen(self, url: str | None = None) -> Any:
        """The next invocation: its records, and the first of them as a whole."""
        return json.loads(until(lambda: self._taken(url or self.seen_at)))

    def _taken(self, url: str) -> str | None:
        found = self.queues.receive_message(QueueUrl=url).get("Messages")
        if not found:
            return None
        self.queues.delete_message(QueueUrl=url, ReceiptHandle=found[0]["ReceiptHandle"])
        return str(found[0]["Body"])

    def left(self, url: str) -> int:
        told = self.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(told["ApproximateNumberOfMessages"]) + int(told["ApproximateNumberOfMessagesNotVisible"])


def keys(*names: str) -> list[dict[str, Any]]:
    return [{"k": {"S": name}} for name in names]


# -- queues


def test_a_message_invokes_a_function_and_is_gone(server: Process) -> None:
    world = World(server, "plain")
    url, arn = world.queue("work")
    world.map(arn)
    world.queues.send_message(
        QueueUrl=url, MessageBody="hello", MessageAttributes={"n": {"DataType": "Number", "StringValue": "1"}}
    )
    records, record = world.seen()
    assert (records, record["eventSourceARN"], record["awsRegion"]) == (["hello"], arn, "us-east-1")
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"]["n"]["stringValue"] == "1"
    until(lambda: world.left(url) == 0)


def test_messages_come_in_batches(server: Process) -> None:
    world = World(server, "batches")
    url, arn = world.queue("work")
    world.queues.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": str(n)} for n in range(7)])
    world.map(arn, BatchSize=5)
    assert sorted(len(world.seen()[0]) for _ in range(2)) == [2, 5]


def test_a_window_gathers_what_comes_one_by_one(server: Process) -> None:
    world = World(server, "window")
    url, arn = world.queue("work")
    world.map(arn, BatchSize=3, MaximumBatchingWindowInSeconds=300)
    for n in range(3):
        world.queues.send_message(QueueUrl=url, MessageBody=str(n))
    assert sorted(world.seen()[0]) == ["0", "1", "2"]


def test_a_message_whose_function_fails_comes_back_and_ends_in_the_dead_letter_queue(server: Process) -> None:
    world = World(server, "dead")
    dead_url, dead_arn = world.queue("dead")
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "2"})
    url, arn = world.queue("work", VisibilityTimeout="1", RedrivePolicy=policy)
    world.map(arn)
    world.queues.send_message(QueueUrl=url, MessageBody="bad")
    assert {world.seen()[1]["attributes"]["ApproximateReceiveCount"] for _ in range(2)} == {"1", "2"}
    assert until(lambda: world._taken(dead_url)) == "bad"
    until(lambda: world.left(url) == 0)


def test_only_the_messages_that_failed_come_back(server: Process) -> None:
    world = World(server, "partial", PARTIAL="1")
    url, arn = world.queue("work", VisibilityTimeout="1")
    world.queues.send_message_batch(
        QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(["good", "bad", "fine"])]
    )
    world.map(arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    assert sorted(world.seen()[0]) == ["bad", "fine", "good"]
    until(lambda: world.seen()[0] == ["bad"])  # all come once more where the function took longer than their second


def test_a_filter_lets_through_what_matches_and_deletes_the_rest(server: Process) -> None:
    world = World(server, "filtered")
    url, arn = world.queue("work")
    pattern = json.dumps({"body": {"kind": ["order"]}})
    world.map(arn, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    for body in ('{"kind": "noise"}', "no JSON", '{"kind": "order", "n": 1}'):
        world.queues.send_message(QueueUrl=url, MessageBody=body)
    assert world.seen()[0] == ['{"kind": "order", "n": 1}']
    until(lambda: world.left(url) == 0)


def test_a_disabled_mapping_takes_nothing_until_it_is_enabled(server: Process) -> None:
    world = World(server, "disabled")
    url, arn = world.queue("work")
    other_url, other = world.queue("other")
    mapping = world.map(arn, Enabled=False)
    world.queues.send_message(QueueUrl=url, MessageBody="wait")
    world.map(other)
    world.queues.send_message(QueueUrl=other_url, MessageBody="first")
    assert world.seen()[0] == ["first"]
    assert world.left(url) == 1
    server.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    assert world.seen()[0] == ["wait"]


def test_a_message_for_a_mapping_that_was_just_disabled_is_not_taken(server: Process) -> None:
    world = World(server, "just-disabled")
    functions = server.client("lambda")
    for n in range(5):
        url, arn = world.queue(f"work-{n}")
        mapping = world.map(arn)
        world.queues.send_message(QueueUrl=url, MessageBody="first")
        assert world.seen()[0] == ["first"]
        until(lambda url=url: world.left(url) == 0)
        functions.update_event_source_mapping(UUID=mapping, Enabled=False)
        world.queues.send_message(QueueUrl=url, MessageBody="second")
        assert world.left(url) == 1
        functions.update_event_source_mapping(UUID=mapping, Enabled=True)
        assert world.seen()[0] == ["second"]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"TumblingWindowInSeconds": 5}, "Tumbling windows are not served here"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition"),
    ],
    ids=["tumbling window", "broken filter"],
)
def test_an_unsupported_setting_is_refused_by_name(server: Process, settings: dict[str, Any], text: str) -> None:
    _, arn = World(server, f"refused{len(text)}").queue("work")
    with pytest.raises(ClientError, match=text) as refused:
        server.client("lambda").create_event_source_mapping(
            FunctionName=f"refused{len(text)}", EventSourceArn=arn, **settings
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"


# -- streams


def test_rows_come_in_order_from_where_the_stream_stands(server: Process) -> None:
    world = World(server, "latest")
    arn = world.table()
    world.put("before")
    world.map(arn, StartingPosition="LATEST", BatchSize=3, MaximumBatchingWindowInSeconds=300)
    world.put("one", "two", "three")
    records, record = world.seen()
    assert records == keys("one", "two", "three")
    assert (record["eventName"], record["eventSourceARN"]) == ("INSERT", arn)
    assert record["dynamodb"]["NewImage"] == {"k": {"S": "one"}}
    assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], int)


def test_a_stream_is_read_from_its_beginning_when_that_is_asked_for(server: Process) -> None:
    world = World(server, "horizon")
    arn = world.table()
    world.put("a", "b")
    world.map(arn, StartingPosition="TRIM_HORIZON")
    assert world.seen()[0] == keys("a", "b")


def test_a_batch_that_fails_is_tried_again_then_told_and_passed(server: Process) -> None:
    world = World(server, "given-up")
    url, failures = world.queue("failures")
    arn = world.table()
    world.put("bad")
    world.map(
        arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": failures}},
    )
    assert [world.seen()[0] for _ in range(2)] == [keys("bad")] * 2
    told = world.seen(url)
    assert told["DDBStreamBatchInfo"]["batchSize"] == 1
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    world.put("good")
    assert world.seen()[0] == keys("good")


def test_a_batch_is_halved_until_the_bad_record_stands_alone(server: Process) -> None:
    world = World(server, "halved")
    arn = world.table()
    world.put("a", "b", "bad", "d")
    world.map(arn, StartingPosition="TRIM_HORIZON", BisectBatchOnFunctionError=True, MaximumRetryAttempts=0)
    seen = [world.seen()[0] for _ in range(4)]
    assert seen == [keys("a", "b", "bad", "d"), keys("a", "b"), keys("bad", "d"), keys("bad")]
    assert world.seen()[0] == keys("d")


def test_records_of_a_data_stream_come_with_their_data(server: Process) -> None:
    world = World(server, "kinesis")
    streams = server.client("kinesis")
    streams.create_stream(StreamName="clicks", ShardCount=1)
    arn = streams.describe_stream(StreamName="clicks")["StreamDescription"]["StreamARN"]
    world.map(arn, StartingPosition="TRIM_HORIZON")
    streams.put_record(StreamName="clicks", Data=b"click", PartitionKey="p")
    records, record = world.seen()
    assert (records, record["kinesis"]["partitionKey"]) == (["Y2xpY2s="], "p")
    assert record["eventID"].startswith("shardId-")


# -- kills


def test_after_a_kill_the_feeds_go_on_and_lose_nothing(tmp_path: Path) -> None:
    """As on AWS a record may come twice: the kill may fall between the answer of the function and the note of it."""
    with running("--state-dir", str(tmp_path)) as process:
        make_role(process)
        world = World(process, "survivor")
        world.map(world.queue("work", VisibilityTimeout="1")[1])
        world.map(world.table(), StartingPosition="TRIM_HORIZON")
        world.put("first")
        assert world.seen()[0] == keys("first")
        process.kill()
    with running("--state-dir", str(tmp_path)) as process:
        again = World.__new__(World)
        again.server, again.name = process, "survivor"
        again.queues, again.tables = process.client("sqs"), process.client("dynamodb")
        again.seen_at = again.queues.get_queue_url(QueueName="survivor-seen")["QueueUrl"]
        again.put("second")
        url = again.queues.get_queue_url(QueueName="survivor-work")["QueueUrl"]
        again.queues.send_message(QueueUrl=url, MessageBody="m")
        seen: set[str] = set()
        while not seen >= {"second", "m"}:
            seen |= {record if isinstance(record, str) else record["k"]["S"] for record in again.seen()[0]}
        assert seen <= {"first", "second", "m"}


MEETING = """
import base64, boto3, os, time
queues = boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
def handler(event, context):
    (record,) = event["Records"]
    at = os.environ["AWS_ENDPOINT_URL"] + "/123456789012/"
    if record["kinesis"]["partitionKey"] == os.environ["WAITS"]:
        while not queues.receive_message(QueueUrl=at + "met").get("Messages"):
            time.sleep(0.05)
    queues.send_message(QueueUrl=at + "met", MessageBody="here")
    queues.send_message(QueueUrl=at + "done", MessageBody=base64.b64decode(record["kinesis"]["data"]).decode())
"""


def test_with_a_parallelization_factor_one_key_waits_for_no_other_and_keeps_its_order(server: Process) -> None:
    lanes = {zlib.crc32(json.dumps(name).encode()) % 2: name for name in ("a", "b", "c", "d", "e", "f")}
    deploy(server, "meeting", MEETING, Timeout=120, Environment={"Variables": {"WAITS": lanes[0]}})
    queues, streams = server.client("sqs"), server.client("kinesis")
    done, _ = (queues.create_queue(QueueName=name)["QueueUrl"] for name in ("done", "met"))
    streams.create_stream(StreamName="lanes", ShardCount=1)
    for data, lane in (("1", 0), ("2", 0), ("3", 1), ("4", 1), ("5", 1)):
        streams.put_record(StreamName="lanes", Data=data.encode(), PartitionKey=lanes[lane])
    arn = streams.describe_stream(StreamName="lanes")["StreamDescription"]["StreamARN"]
    server.client("lambda").create_event_source_mapping(
        FunctionName="meeting",
        EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=1,
        ParallelizationFactor=2,
    )
    seen: list[str] = []

    def gather() -> bool:
        found = queues.receive_message(QueueUrl=done, MaxNumberOfMessages=10).get("Messages", [])
        seen.extend(message["Body"] for message in found)
        return {"1", "2", "3", "4", "5"} <= set(seen)

    until(gather)
    order = [data for data in dict.fromkeys(seen) if data in "12"], [data for data in dict.fromkeys(seen) if data > "2"]
    assert order == (["1", "2"], ["3", "4", "5"])


def test_another_number_of_lanes_begins_at_the_place_of_the_last_of_them() -> None:
    places = Checkpoints(None)
    places.put("m/shard", "7")
    regroup(places, "m", ["shard"], 2)
    assert places.under("m/") == {"m/shard/0.2": "7", "m/shard/1.2": "7"}
    places.put("m/shard/1.2", "9")
    regroup(places, "m", ["shard"], 2)
    regroup(places, "m", ["shard"], 1)
    assert places.under("m/") == {"m/shard": "7"}
