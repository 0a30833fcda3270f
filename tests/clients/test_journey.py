"""Every operation by every client: each gets an answer, and reads the same from it as the others."""

from typing import Any

import pytest

from sfn_emulator.api.protocol import service_model
from tests.clients.journey import likened, walk
from tests.clients.speakers import Boto, CommandLine, JavaScript
from tests.processes import Process


@pytest.fixture(scope="session")
def told_boto(server: Process) -> list[tuple[str, Any]]:
    return walk(Boto(server, "us-west-2"))


def test_the_walk_goes_through_every_operation_of_the_model(told_boto: list[tuple[str, Any]]) -> None:
    assert {operation for operation, _ in told_boto} == set(service_model().operation_names)


def test_only_requests_that_aws_refuses_are_refused_on_the_walk(told_boto: list[tuple[str, Any]]) -> None:
    refused = [(operation, told.partition(":")[0]) for operation, told in told_boto if isinstance(told, str)]
    assert refused == [
        ("CreateStateMachine", "StateMachineAlreadyExists"),
        ("DeleteStateMachineVersion", "ConflictException"),
        ("DescribeExecution", "InvalidArn"),
        ("SendTaskSuccess", "TaskTimedOut"),
        ("UpdateMapRun", "ValidationException"),
        ("DescribeMapRun", "ResourceNotFound"),
        ("DescribeStateMachine", "StateMachineDoesNotExist"),
    ]


@pytest.mark.parametrize(("client", "region"), [("command_line", "eu-west-1"), ("script", "ap-south-1")])
def test_another_client_is_told_the_same(
    client: str, region: str, told_boto: list[tuple[str, Any]], request: pytest.FixtureRequest
) -> None:
    speaker: CommandLine | JavaScript = request.getfixturevalue(client)
    speaker.region = region
    for (operation, told), (_, botos) in zip(walk(speaker), told_boto, strict=True):
        assert likened(told) == likened(botos), operation
