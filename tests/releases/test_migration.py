"""State directories of released versions are taken over: ``VERSION.tar.xz`` is what that release left behind.

Each was made by the release itself and holds the same: a snapshot and a journal after it with a role, a function, rows,
objects, a queue with a message, a parameter, a rule and a topic; an execution that ended, and one under way that waits
for its callback and then calls the function. A new release adds its own.

Releases also took what is refused today. Such requests stand in their journals, too, and are done again.
"""

import json
import tarfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sfn_emulator.cloud.keeping.keeper import Entry, Keeper
from sfn_emulator.cloud.requests.message import Reply, Request
from tests.processes import Process, refused, running

RELEASES = sorted(Path(__file__).parent.glob("*.tar.xz"))
OPEN_API = {
    "openapi": "3.0.1",
    "info": {"title": "odd", "version": "1"},
    "paths": {
        "/a/{b}{c}": {
            "get": {
                "x-amazon-apigateway-integration": {
                    "type": "HTTP_PROXY",
                    "uri": "http://127.0.0.1:1",
                    "httpMethod": "GET",
                }
            }
        }
    },
}
TAKEN = [
    ("events", "AWSEvents.PutRule", {"Name": "odd", "EventPattern": '{"source":[{"numeric":["?", "x"]}]}'}),
    ("events", "AWSEvents.PutRule", {"Name": "rarely", "ScheduleExpression": "cron(99 * * * ? *)"}),
    ("secretsmanager", "secretsmanager.CreateSecret", {"Name": "with a blank", "SecretString": "s"}),
    ("apigateway", "/v2/apis", {"body": json.dumps(OPEN_API)}),
]
"""Requests that are refused today: signing name, target or path, body."""


def take(neighbours: Path) -> None:
    """As a release did: keeps the requests of ``TAKEN`` as done."""
    keeper = Keeper(neighbours, fsync=False)
    for service, target, told in TAKEN:
        headers = {"host": "localhost", "content-type": "application/x-amz-json-1.1", "x-amz-target": target}
        request = Request("POST", "/", "", headers, json.dumps(told).encode())
        if target.startswith("/"):
            request = Request("PUT", target, "", {"host": "localhost"}, request.body)
        keeper.keep(Entry(service, "us-east-1", request, 1.6e9, 1), Reply(200, [], b""), 0.0)
    keeper.close()


def is_there(server: Process) -> None:
    """What was taken is there, and a rule whose pattern is none keeps no event from the others."""
    events = server.client("events")
    assert [rule["Name"] for rule in events.list_rules()["Rules"]] == ["kept", "odd", "rarely"]
    assert events.put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": "{}"}])["FailedEntryCount"] == 0
    assert server.client("secretsmanager").get_secret_value(SecretId="with a blank")["SecretString"] == "s"
    apis = server.client("apigatewayv2")
    api = apis.get_apis()["Items"][0]["ApiId"]
    assert [route["RouteKey"] for route in apis.get_routes(ApiId=api)["Items"]] == ["GET /a/{b}{c}"]
    with pytest.raises(ClientError, match="not formatted properly"):
        apis.create_route(ApiId=api, RouteKey="GET /a/{b}{c}")


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def test_all_that_a_release_left_behind_is_there_and_goes_on(release: Path, tmp_path: Path) -> None:
    with tarfile.open(release) as packed:
        packed.extractall(tmp_path / "state", filter="data")
    take(tmp_path / "state" / "neighbours")
    options = ("--port", "0", "--state-dir", str(tmp_path / "state"))
    assert "accept it once with --adopt-state-dir" in refused(*options)[1]
    with running(*options, "--adopt-state-dir") as server:
        rows = server.client("dynamodb").scan(TableName="Rows")["Items"]
        assert sorted(row["k"]["S"] for row in rows) == ["0", "1", "2", "3", "4", "after"]
        assert {"k": {"S": "0"}, "m": {"M": {"l": {"L": [{"N": "1"}]}}}} in rows
        read = server.client("s3").get_object
        assert read(Bucket="kept", Key="a/b")["Body"].read() == b"content"
        assert read(Bucket="kept", Key="last")["Body"].read() == b"after the snapshot"
        assert server.client("ssm").get_parameter(Name="kept")["Parameter"]["Value"] == "v"
        is_there(server)
        assert server.client("sns").list_topics()["Topics"][0]["TopicArn"].endswith(":kept")
        states = server.client("stepfunctions")
        execution = "arn:aws:states:us-east-1:123456789012:execution:{}".format
        assert states.describe_execution(executionArn=execution("done:ended"))["output"] == '{"n":1}'
        assert len(states.get_execution_history(executionArn=execution("done:ended"))["events"]) == 4
        queue = server.client("sqs").get_queue_url(QueueName="kept")["QueueUrl"]
        told = server.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
        assert told[0]["Body"] == "message"
        states.send_task_success(taskToken=json.loads(told[1]["Body"])["t"], output="1")
        while (ended := states.describe_execution(executionArn=execution("waits:under-way")))["status"] == "RUNNING":
            pass
        assert ended["output"] == '"of 0.1.0"'
        server.kill()
    with running(*options) as server:
        assert len(server.client("dynamodb").scan(TableName="Rows")["Items"]) == 6
        assert server.client("lambda").get_function(FunctionName="f")["Configuration"]["Handler"] == "app.handler"
