"""State directories of released versions are taken over: ``VERSION.tar.xz`` is what that release left behind.

Each was made by the release itself and holds the same: a snapshot and a journal after it with a role, a function, rows,
objects, a queue with a message, a parameter, a rule and a topic; an execution that ended, and one under way that waits
for its callback and then calls the function. A new release adds its own.
"""

import json
import tarfile
from pathlib import Path

import pytest

from tests.processes import refused, running

RELEASES = sorted(Path(__file__).parent.glob("*.tar.xz"))


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def test_all_that_a_release_left_behind_is_there_and_goes_on(release: Path, tmp_path: Path) -> None:
    with tarfile.open(release) as packed:
        packed.extractall(tmp_path / "state", filter="data")
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
        assert server.client("events").list_rules()["Rules"][0]["Name"] == "kept"
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
