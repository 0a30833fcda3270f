"""Reading items and writing results are asked of the role first, as any call to S3."""

import pytest

from sfn_emulator.asl.resource import parse_resource
from sfn_emulator.engine.ports import ReaderSpec, WriterSpec
from sfn_emulator.errors import StateError
from sfn_emulator.tasks.clients import Clients, Destinations
from sfn_emulator.tasks.iam.guard import Guard
from sfn_emulator.tasks.items.map_data import S3MapData
from tests.tasks.conftest import IDENTITY, Host
from tests.tasks.iam.test_permissions import Roles

READER = ReaderSpec(parse_resource("arn:aws:states:::s3:getObject"), {"Bucket": "b", "Key": "k"}, {"InputType": "JSON"})
WRITER = WriterSpec(parse_resource("arn:aws:states:::s3:putObject"), {"Bucket": "b", "Prefix": "p"}, {})


def data(host: Host, allowed: str) -> S3MapData:
    guard = Guard(Roles(machine=allowed), host.clock, enforce=True)
    return S3MapData(Clients(Destinations("http://127.0.0.1:9")), host.workers, guard)


def test_a_reader_that_is_not_allowed_fails_as_a_reader(host: Host) -> None:
    with pytest.raises(StateError, match="not authorized to perform: s3:GetObject") as failed:
        list(data(host, "s3:ListBucket").read(READER, IDENTITY))
    assert failed.value.error == "States.ItemReaderFailed"


def test_a_writer_that_is_not_allowed_fails_as_a_writer(host: Host) -> None:
    with pytest.raises(StateError, match="not authorized to perform: s3:PutObject") as failed:
        data(host, "s3:GetObject").write(WRITER, IDENTITY, "arn:aws:states:us-east-1:1:mapRun:m/L:0")
    assert failed.value.error == "States.ResultWriterFailed"


def test_an_allowed_call_reaches_s3(host: Host) -> None:
    with pytest.raises(StateError, match="Unable to execute HTTP request") as failed:
        list(data(host, "s3:GetObject").read(READER, IDENTITY))
    assert failed.value.error == "States.ItemReaderFailed"
