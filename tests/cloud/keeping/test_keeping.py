"""Acknowledged writes of the neighbours are there again after a SIGKILL, with the same ids and times."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from tests.cloud.functions import deploy, invoke, make_role
from tests.cloud.test_neighbours import TABLE
from tests.processes import Process, refused, running
from tests.waiting import PATIENCE

Told = dict[str, Any]


def plain(told: Told) -> Told:
    return {key: value for key, value in told.items() if key != "ResponseMetadata"}


def fill(server: Process) -> None:
    """Something in every service that matters."""
    make_role(server)
    deploy(server, "kept", "def handler(event, context):\n    return 'kept'")
    server.client("lambda").publish_version(FunctionName="kept")
    rows = server.client("dynamodb")
    rows.create_table(TableName="Rows", **TABLE)
    nested = {"M": {"l": {"L": [{"N": "1.5"}, {"BOOL": True}, {"NULL": True}]}, "s": {"SS": ["a", "b"]}}}
    for n in range(20):
        rows.put_item(TableName="Rows", Item={"k": {"S": str(n)}, "nested": nested, "b": {"B": b"\x00\xff"}})
    rows.delete_item(TableName="Rows", Key={"k": {"S": "7"}})
    rows.update_item(
        TableName="Rows",
        Key={"k": {"S": "8"}},
        UpdateExpression="SET nested.l[0] = :n",
        ExpressionAttributeValues={":n": {"N": "2"}},
    )
    queue = server.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    topic = server.client("sns").create_topic(Name="kept")["TopicArn"]
    server.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:kept")
    server.client("sns").publish(TopicArn=topic, Message="published once")
    server.client("sqs").send_message(QueueUrl=queue, MessageBody="taken")
    server.client("s3").create_bucket(Bucket="kept")
    server.client("s3").put_object(Bucket="kept", Key="a/b", Body=b"content", Metadata={"m": "1"})
    server.client("events").put_rule(Name="kept", EventPattern='{"source": ["x"]}')
    server.client("logs").create_log_group(logGroupName="/kept")
    server.client("apigateway").create_rest_api(name="kept")
    server.client("secretsmanager").create_secret(Name="kept", SecretString="hush")
    server.client("ssm").put_parameter(Name="kept", Value="v", Type="String")
    server.client("kms").create_key(Description="kept", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")


READS: dict[str, Callable[[Process], Any]] = {
    "role": lambda s: s.client("iam").get_role(RoleName="worker"),
    "function": lambda s: s.client("lambda").get_function(FunctionName="kept")["Configuration"],
    "versions": lambda s: s.client("lambda").list_versions_by_function(FunctionName="kept"),
    "table": lambda s: s.client("dynamodb").describe_table(TableName="Rows"),
    "rows": lambda s: s.client("dynamodb").scan(TableName="Rows"),
    "topics": lambda s: s.client("sns").list_subscriptions(),
    "queue": lambda s: s.client("sqs").get_queue_attributes(
        QueueUrl=f"{s.url}/123456789012/kept", AttributeNames=["All"]
    ),
    "object": lambda s: plain(s.client("s3").head_object(Bucket="kept", Key="a/b")),
    "content": lambda s: {"body": s.client("s3").get_object(Bucket="kept", Key="a/b")["Body"].read()},
    "buckets": lambda s: s.client("s3").list_buckets(),
    "rules": lambda s: s.client("events").list_rules(),
    "groups": lambda s: s.client("logs").describe_log_groups(logGroupNamePrefix="/kept"),
    "apis": lambda s: s.client("apigateway").get_rest_apis(),
    "secret": lambda s: s.client("secretsmanager").describe_secret(SecretId="kept"),
    "parameter": lambda s: s.client("ssm").get_parameter(Name="kept"),
    "keys": lambda s: s.client("kms").list_keys(),
}


WRITES_BY_GET = (
    "Action=CreateQueue&Version=2012-11-05&QueueName=by-get",
    "Action=CreateTopic&Version=2010-03-31&Name=by-get",
    "Action=CreateRole&Version=2010-05-08&RoleName=by-get&AssumeRolePolicyDocument=%7B%7D",
)


def test_a_queue_made_by_get_is_kept_too(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path / "state")) as server:
        for query in WRITES_BY_GET:
            with urllib.request.urlopen(f"{server.url}/?{query}", timeout=PATIENCE) as answer:
                assert answer.status == 200
        server.kill()
    with running("--state-dir", str(tmp_path / "state")) as server:
        assert server.client("sqs").list_queues()["QueueUrls"] == [f"{server.url}/123456789012/by-get"]
        assert server.client("sns").list_topics()["Topics"][0]["TopicArn"].endswith(":by-get")
        assert server.client("iam").get_role(RoleName="by-get")


def seen(server: Process) -> Told:
    return {name: plain(read(server)) for name, read in READS.items()}


def settled(told: Told) -> Told:
    """Without what honestly differs between two moments."""
    told["role"].get("Role", {}).pop("RoleLastUsed", None)
    return told


@pytest.fixture
def state(tmp_path: Path) -> Iterator[list[str]]:
    yield ["--state-dir", str(tmp_path / "state")]


@pytest.mark.parametrize("with_snapshot", [False, True], ids=["journal alone", "snapshot and journal"])
def test_everything_is_there_again_with_the_same_ids_and_times(state: list[str], with_snapshot: bool) -> None:
    with running(*state) as server:
        fill(server)
        if with_snapshot:
            write_until_there_is_a_snapshot(server, Path(state[1]))
        before = settled(seen(server))
        server.kill()
    with running(*state) as server:
        assert settled(seen(server)) == before
        assert invoke(server, "kept") == ("kept", None)
        url = f"{server.url}/123456789012/kept"
        told = server.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert len(told) == 2
        for message in told:
            server.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        server.kill()
    with running(*state) as server:
        assert "Messages" not in server.client("sqs").receive_message(QueueUrl=f"{server.url}/123456789012/kept")
        assert {"awslambda", "events", "sns"} <= set(in_use(server)), "what is delivered between them still is"
        assert server.stop()[0] == 0


def test_ids_are_the_same_again_when_a_read_came_before_the_first_write(state: list[str]) -> None:
    """moto makes IAM for the first request there is, with the dice of that request; a read is not handled again."""
    with running(*state) as server:
        server.client("dynamodb").list_tables()
        make_role(server)
        told = READS["role"](server)["Role"]["RoleId"]
        server.kill()
    with running(*state) as server:
        assert READS["role"](server)["Role"]["RoleId"] == told


def in_use(server: Process) -> list[str]:
    with urllib.request.urlopen(f"{server.url}/health", timeout=PATIENCE) as response:
        neighbours: list[str] = json.load(response)["held"]["neighbours"]
    return neighbours


def write_until_there_is_a_snapshot(server: Process, state: Path) -> None:
    """64 MB of journal are enough for one."""
    objects = server.client("s3")
    for n in range(200):
        if n < 9:
            objects.put_object(Bucket="kept", Key="large", Body=bytes(8 * 1024 * 1024))
        objects.put_object(Bucket="kept", Key="small", Body=str(n).encode())
        if list((state / "neighbours").glob("snapshot-?")):
            return
        server.client("sqs").receive_message(QueueUrl=create_empty_queue(server), WaitTimeSeconds=1)
    raise AssertionError("No snapshot was written.")


def create_empty_queue(server: Process) -> str:
    return str(server.client("sqs").create_queue(QueueName="empty")["QueueUrl"])


def test_no_acknowledged_row_is_lost_whenever_the_server_is_killed(state: list[str]) -> None:
    acknowledged: list[int] = []
    with running(*state) as server:
        server.client("dynamodb").create_table(TableName="Rows", **TABLE)
        server.kill()
    for life in range(3):
        with running(*state) as server:
            table = server.client("dynamodb")
            end = threading.Timer(0.2 + life * 0.15, server.process.kill)
            try:
                for n in range(life * 10_000, life * 10_000 + 10_000):
                    table.put_item(TableName="Rows", Item={"k": {"S": str(n)}})
                    acknowledged.append(n)
                    if n % 10_000 == 5:  # only now the time it is given begins
                        end.start()
            except (ClientError, ConnectionError, HTTPClientError):
                server.process.communicate()
    with running(*state) as server:
        pages = server.client("dynamodb").get_paginator("scan").paginate(TableName="Rows")
        kept = {int(row["k"]["S"]) for page in pages for row in page["Items"]}
    assert set(acknowledged) <= kept
    assert len(kept - set(acknowledged)) <= 3, "at most the write that was under way in each life"
    assert len(acknowledged) >= 3 * 6


def test_a_write_that_changed_nothing_is_not_kept(state: list[str]) -> None:
    with running(*state) as server:
        table = server.client("dynamodb")
        table.create_table(TableName="Rows", **TABLE)
        journal = Path(state[1]) / "neighbours" / "journal-0"
        size = journal.stat().st_size
        with pytest.raises(ClientError):
            table.put_item(TableName="Rows", Item={"k": {"S": "1"}}, ConditionExpression="attribute_exists(k)")
        table.scan(TableName="Rows")
        assert journal.stat().st_size == size


JSON = "application/x-amz-json-1.1"
HALF_MADE = (
    ("CreateLogGroup", {"logGroupName": "half", "tags": ["no map"]}),
    ("CreateLogStream", {"logGroupName": "half", "logStreamName": "s"}),
)
"""moto makes the group, and fails at its tags; then the stream is made in it."""


def test_what_a_failed_write_left_is_there_again_for_those_that_built_on_it(state: list[str]) -> None:
    scope = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/logs/aws4_request"
    with running(*state) as server:
        told = []
        for name, body in HALF_MADE:
            headers = {"x-amz-target": f"Logs_20140328.{name}", "authorization": scope, "content-type": JSON}
            request = urllib.request.Request(server.url, json.dumps(body).encode(), headers, method="POST")
            try:
                told.append(urllib.request.urlopen(request).status)
            except urllib.error.HTTPError as error:
                told.append(error.code)
        assert told == [400, 200]
        server.kill()
    with running(*state) as server:
        streams = server.client("logs").describe_log_streams(logGroupName="half")["logStreams"]
        assert [stream["logStreamName"] for stream in streams] == ["s"]


def test_a_half_written_end_is_cut_off_and_a_damaged_file_is_left_alone(state: list[str]) -> None:
    journal = Path(state[1]) / "neighbours" / "journal-0"
    with running(*state) as server:
        server.client("sqs").create_queue(QueueName="one")
        server.client("sqs").create_queue(QueueName="two")
        server.kill()
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[26:60])
    with running(*state) as server:
        assert len(server.client("sqs").list_queues()["QueueUrls"]) == 2
        server.kill()
    assert journal.read_bytes() == whole

    damaged = whole[:50] + b"!" + whole[51:]
    journal.write_bytes(damaged)
    status, error = refused("--port", "0", *state)
    assert (status, error.count("\n")) == (1, 1)
    assert (
        f"'{journal}' is damaged at byte 26. Restore it; or, to begin anew, move the whole state directory away"
        in error
    )
    assert journal.read_bytes() == damaged

    newer = whole.replace(b"neighbours 2", b"neighbours 3")
    journal.write_bytes(newer)
    assert "was written by a newer version" in refused("--port", "0", *state)[1]
    assert journal.read_bytes() == newer


def test_in_memory_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # what a killed server can't remove
    with running("--in-memory") as server:
        server.client("sqs").create_queue(QueueName="gone")
        server.kill()
    with running("--in-memory") as server:
        assert "QueueUrls" not in server.client("sqs").list_queues()
