"""Result files in a real server's S3: their names, their shapes, their manifest, and files beyond one part or 5 GB."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sfn_emulator.asl.resource import parse_resource
from sfn_emulator.engine.ports import WriterSpec
from sfn_emulator.errors import StateError
from sfn_emulator.tasks.clients import Clients, Destinations
from sfn_emulator.tasks.items.result_writer import LARGEST_FILE, ResultFiles
from tests.processes import running

ARN = "arn:aws:states:us-east-1:123456789012:mapRun:m/L:0a1b"


class Place:
    def __init__(self, url: str) -> None:
        self.clients = Clients(Destinations(url))
        self.s3: Any = self.clients.client("s3", "us-east-1")
        self.s3.create_bucket(Bucket="out")

    def files(self, prefix: str | None = "p", largest: int = LARGEST_FILE, **config: Any) -> ResultFiles:
        where = {"Bucket": "out", **({} if prefix is None else {"Prefix": prefix})}
        spec = WriterSpec(parse_resource("arn:aws:states:::s3:putObject"), where, config)
        return ResultFiles(spec, self.clients, "us-east-1", ARN, largest)

    def get(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket="out", Key=key)["Body"].read())


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with running("--in-memory") as server:
        yield Place(server.url)


def test_results_go_into_files_by_group_and_a_manifest(place: Place) -> None:
    files = place.files()
    files.add("SUCCEEDED", [b"1", b"[2]"])
    files.add("FAILED", [b'{"Error":"E"}'])
    files.add("SUCCEEDED", [b"3"])
    key = files.finish()
    assert key == "p/0a1b/manifest.json"
    assert place.get("p/0a1b/SUCCEEDED_0.json") == b"[1,[2],3]"
    assert json.loads(place.get(key)) == {
        "DestinationBucket": "out",
        "MapRunArn": ARN,
        "ResultFiles": {
            "FAILED": [{"Key": "p/0a1b/FAILED_0.json", "Size": 15}],
            "PENDING": [],
            "SUCCEEDED": [{"Key": "p/0a1b/SUCCEEDED_0.json", "Size": 9}],
        },
    }


@pytest.mark.parametrize(("prefix", "key"), [(None, "0a1b"), ("", "0a1b"), ("a/b/", "a/b/0a1b")])
def test_the_prefix_may_be_absent_or_end_in_a_slash(place: Place, prefix: str | None, key: str) -> None:
    assert place.files(prefix).finish() == f"{key}/manifest.json"


def test_results_are_written_as_json_lines(place: Place) -> None:
    files = place.files("lines", OutputType="JSONL")
    files.add("SUCCEEDED", [b"1", b"2"])
    files.finish()
    assert place.get("lines/0a1b/SUCCEEDED_0.jsonl") == b"1\n2\n"


def test_a_large_file_is_uploaded_in_parts(place: Place) -> None:
    files = place.files("parts")
    result = json.dumps("x" * 1_000_000).encode()
    for _ in range(20):
        files.add("SUCCEEDED", [result])
    files.finish()
    assert json.loads(place.get("parts/0a1b/SUCCEEDED_0.json")) == ["x" * 1_000_000] * 20


def test_results_beyond_one_file_go_into_the_next(place: Place) -> None:
    files = place.files("next", largest=10)
    files.add("SUCCEEDED", [b"11111", b"22222", b"3"])
    manifest = json.loads(place.get(files.finish()))
    assert [file["Key"] for file in manifest["ResultFiles"]["SUCCEEDED"]] == [
        "next/0a1b/SUCCEEDED_0.json",
        "next/0a1b/SUCCEEDED_1.json",
    ]
    assert place.get("next/0a1b/SUCCEEDED_1.json") == b"[22222,3]"


def test_a_bucket_that_is_not_there(place: Place) -> None:
    spec = WriterSpec(parse_resource("arn:aws:states:::s3:putObject"), {"Bucket": "nowhere"}, {})
    with pytest.raises(StateError) as failed:
        ResultFiles(spec, place.clients, "us-east-1", ARN)
    assert failed.value.error == "States.ResultWriterFailed"
    assert "Error Code: NoSuchBucket" in str(failed.value.cause)
