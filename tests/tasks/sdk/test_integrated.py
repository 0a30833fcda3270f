"""What AWS has integrated: a dated list, warned of by the linter and, where asked, kept to at create."""

import json
from datetime import date
from typing import Final

import pytest

from sfn_emulator.errors import Severity
from sfn_emulator.lint.findings import in_text
from sfn_emulator.tasks.clients import operation_model
from sfn_emulator.tasks.sdk.integrated import doubt, table
from sfn_emulator.tasks.sdk.naming import botocore_service
from tests.processes import running
from tests.tasks.conftest import Host, resource

SDK: Final = "arn:aws:states:::aws-sdk:"
NOT_LISTED: Final = [
    "iotdataplane:publish",
    "apigatewaymanagementapi:postToConnection",
    "lexruntime:postText",  # removed in June 2026
    "evs:listEnvironments",
    "sts:assumeRole",
    "lambda:invokeAsync",
]


def definition(action: str) -> str:
    task = {"Type": "Task", "Resource": SDK + action, "End": True}
    return json.dumps({"StartAt": "Ask", "States": {"Ask": task}})


@pytest.mark.parametrize("action", NOT_LISTED)
def test_the_linter_warns_of_what_aws_has_not_integrated(action: str) -> None:
    (finding,) = in_text(definition(action), "x.json")
    assert finding.problem.severity is Severity.WARNING
    assert finding.problem.code == "NOT_INTEGRATED"
    assert finding.problem.place == "/States/Ask/Resource"
    assert finding.problem.message.endswith(f"(as of {table().as_of}): on AWS this definition is refused")
    assert f"'{action.split(':')[0]}'" in finding.problem.message


@pytest.mark.parametrize(
    "action",
    ["s3:getObject", "sfn:startExecution", "s3vectors:listIndexes", "iamtoolbox:nothing", "sts:getCallerIdentity"],
)
def test_an_integrated_action_gives_no_warning(action: str) -> None:
    assert doubt(resource(SDK + action)) is None


def test_no_other_resource_is_doubted() -> None:
    for arn in ("arn:aws:states:::lambda:invoke", "arn:aws:lambda:us-east-1:123456789012:function:f"):
        assert doubt(resource(arn)) is None


def test_every_name_of_the_table_is_one_that_boto3_knows() -> None:
    told = table()
    assert not {name for name in told.services if botocore_service(name) is None}
    assert all(operation_model(str(botocore_service(name)), action) for name, action in told.unsupported)
    assert date.fromisoformat(told.as_of) > date(2026, 1, 1)


@pytest.mark.parametrize("action", NOT_LISTED)
def test_they_run_here_unless_only_listed_ones_are_wanted(action: str) -> None:
    asked = resource(SDK + action)
    assert Host().tasks.supports(asked) is None
    assert str(Host(listed_only=True).tasks.supports(asked)).endswith(
        "or the resource is not available in this region."
    )


def test_a_server_refuses_them_at_create_when_it_is_told_to() -> None:
    with running("--in-memory", "--sdk-integrations", "listed") as server:
        client = server.client("stepfunctions")
        role = "arn:aws:iam::123456789012:role/r"
        with pytest.raises(client.exceptions.InvalidDefinition, match="aws-sdk:iotdataplane:publish is not recognized"):
            client.create_state_machine(name="m", roleArn=role, definition=definition("iotdataplane:publish"))
        assert client.create_state_machine(name="m", roleArn=role, definition=definition("iot:listThings"))
