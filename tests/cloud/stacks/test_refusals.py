"""What CloudFormation will not make is refused by name before anything is made."""

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.processes import Process, running


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        yield process


@pytest.mark.parametrize("operation", ["create_stack", "create_change_set"])
def test_a_type_that_is_not_made_is_refused_by_name(server: Process, operation: str) -> None:
    template = json.dumps({"Resources": {"A": {"Type": "AWS::No::Such"}, "Q": {"Type": "AWS::SQS::Queue"}}})
    more = {"ChangeSetName": "first", "ChangeSetType": "CREATE"} if operation == "create_change_set" else {}
    stacks = server.client("cloudformation")
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::No::Such\]"):
        getattr(stacks, operation)(StackName="unknown-type", TemplateBody=template, **more)
    assert stacks.list_stacks()["StackSummaries"] == []
    assert "QueueUrls" not in server.client("sqs").list_queues()
