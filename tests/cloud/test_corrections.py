"""Where AWS was recorded to answer otherwise than moto."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.processes import Process, running


@pytest.fixture(scope="module")
def server() -> object:
    with running("--in-memory") as process:
        yield process


def test_every_object_is_encrypted(server: Process) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="plain")
    s3.put_object(Bucket="plain", Key="k", Body=b"x")
    assert s3.get_object(Bucket="plain", Key="k")["ServerSideEncryption"] == "AES256"
    s3.put_object(Bucket="plain", Key="kms", Body=b"x", ServerSideEncryption="aws:kms")
    assert s3.head_object(Bucket="plain", Key="kms")["ServerSideEncryption"] == "aws:kms"


def test_a_detail_must_be_an_object(server: Process) -> None:
    details = ["{}", '"text"', "[1]", "{", json.dumps({"a": 1})]
    entries = [{"Source": "s", "DetailType": "t", "Detail": detail} for detail in details]
    told = server.client("events").put_events(Entries=entries)
    assert [entry.get("ErrorCode") for entry in told["Entries"]] == [None, *["MalformedDetail"] * 3, None]
    assert told["Entries"][1]["ErrorMessage"] == "Detail is malformed."
    assert told["FailedEntryCount"] == 3


def test_an_unknown_topic_is_a_topic_that_does_not_exist(server: Process) -> None:
    with pytest.raises(ClientError, match="Topic does not exist"):
        server.client("sns").publish(TopicArn="arn:aws:sns:us-east-1:123456789012:none", Message="m")
