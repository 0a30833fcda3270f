"""What infrastructure tools send, in their order: Terraform, CloudFormation (CDK), SAM, and what they read back."""

import contextlib
import json
from typing import Any

import pytest

from tests.clients.journey import FAIL, PASS, ROLE, WAIT
from tests.clients.refusals import ACCOUNT
from tests.clients.speakers import Boto, Refused
from tests.processes import Process

GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/vendedlogs/states/m:*"
OFF = {"level": "OFF", "includeExecutionData": False}


@pytest.fixture
def call(server: Process) -> Boto:
    """Calls a server that has the log group: a missing destination is refused."""
    logs = server.client("logs")
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=GROUP.partition(":log-group:")[2].removesuffix(":*"))
    return Boto(server)


def refused(call: Boto, operation: str, **told: Any) -> str:
    with pytest.raises(Refused) as refusal:
        call(operation, **told)
    return refusal.value.code


def test_terraform_makes_reads_changes_and_removes_a_state_machine(call: Boto) -> None:
    assert call("ValidateStateMachineDefinition", definition=PASS, type="STANDARD")["result"] == "OK"
    made = call(
        "CreateStateMachine",
        name="terraform",
        definition=PASS,
        roleArn=ROLE,
        type="STANDARD",
        loggingConfiguration=OFF,
        tracingConfiguration={"enabled": False},
        encryptionConfiguration={"type": "AWS_OWNED_KEY"},
        publish=True,
        tags=[{"key": "Name", "value": "terraform"}],
    )
    machine = made["stateMachineArn"]
    assert made["stateMachineVersionArn"] == f"{machine}:1"
    told = call("DescribeStateMachine", stateMachineArn=machine)
    assert (told["definition"], told["roleArn"], told["status"]) == (PASS, ROLE, "ACTIVE")
    assert (told["loggingConfiguration"], told["tracingConfiguration"]) == (OFF, {"enabled": False})
    assert told["encryptionConfiguration"] == {"type": "AWS_OWNED_KEY"}
    assert "revisionId" not in told
    assert call("ListTagsForResource", resourceArn=machine)["tags"] == [{"key": "Name", "value": "terraform"}]
    versions = call("ListStateMachineVersions", stateMachineArn=machine)["stateMachineVersions"]
    assert [version["stateMachineVersionArn"] for version in versions] == [f"{machine}:1"]

    updated = call(
        "UpdateStateMachine",
        stateMachineArn=machine,
        definition=FAIL,
        roleArn=ROLE,
        loggingConfiguration=OFF,
        tracingConfiguration={"enabled": True},
        publish=True,
    )
    assert updated["stateMachineVersionArn"] == f"{machine}:2"
    told = call("DescribeStateMachine", stateMachineArn=machine)
    assert (told["definition"], told["revisionId"]) == (FAIL, updated["revisionId"])
    assert told["tracingConfiguration"] == {"enabled": True}
    call("UntagResource", resourceArn=machine, tagKeys=["Name"])
    call("TagResource", resourceArn=machine, tags=[{"key": "Name", "value": "other"}])

    call("DeleteStateMachine", stateMachineArn=machine)
    assert refused(call, "DescribeStateMachine", stateMachineArn=machine) == "StateMachineDoesNotExist"
    call("DeleteStateMachine", stateMachineArn=machine)


def test_terraform_makes_and_removes_an_activity(call: Boto) -> None:
    activity = call("CreateActivity", name="terraform", tags=[{"key": "a", "value": "b"}])["activityArn"]
    assert call("DescribeActivity", activityArn=activity)["name"] == "terraform"
    assert call("ListTagsForResource", resourceArn=activity)["tags"] == [{"key": "a", "value": "b"}]
    call("DeleteActivity", activityArn=activity)
    assert refused(call, "DescribeActivity", activityArn=activity) == "ActivityDoesNotExist"


def test_cloudformation_publishes_a_version_of_the_revision_it_made_and_shifts_an_alias(call: Boto) -> None:
    machine = call("CreateStateMachine", name="stack-Machine-1A2B", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    first = call("PublishStateMachineVersion", stateMachineArn=machine, revisionId="INITIAL", description="one")
    first_arn = first["stateMachineVersionArn"]
    assert call("PublishStateMachineVersion", stateMachineArn=machine)["stateMachineVersionArn"] == first_arn
    routes = [{"stateMachineVersionArn": first_arn, "weight": 100}]
    made = call("CreateStateMachineAlias", name="live", routingConfiguration=routes)
    alias = made["stateMachineAliasArn"]

    revision = call("UpdateStateMachine", stateMachineArn=machine, definition=FAIL, roleArn=ROLE)["revisionId"]
    assert refused(call, "PublishStateMachineVersion", stateMachineArn=machine, revisionId="INITIAL") == (
        "ConflictException"
    )
    second = call("PublishStateMachineVersion", stateMachineArn=machine, revisionId=revision)
    second_arn = second["stateMachineVersionArn"]
    for weight in (10, 50, 100):
        routes = [{"stateMachineVersionArn": second_arn, "weight": weight}]
        if weight < 100:
            routes.append({"stateMachineVersionArn": first_arn, "weight": 100 - weight})
        call("UpdateStateMachineAlias", stateMachineAliasArn=alias, routingConfiguration=routes)
        told = call("DescribeStateMachineAlias", stateMachineAliasArn=alias)
        assert told["routingConfiguration"] == routes
        assert told["updateDate"] >= told["creationDate"]
    of_version = call("DescribeStateMachine", stateMachineArn=first_arn)
    assert (of_version["stateMachineArn"], of_version["description"], of_version["definition"]) == (
        *(first_arn, "one", PASS),
    )
    call("DeleteStateMachineVersion", stateMachineVersionArn=first_arn)
    assert refused(call, "DeleteStateMachineVersion", stateMachineVersionArn=second_arn) == "ConflictException"
    call("DeleteStateMachineAlias", stateMachineAliasArn=alias)
    call("DeleteStateMachineVersion", stateMachineVersionArn=second_arn)
    assert call("ListStateMachineVersions", stateMachineArn=machine)["stateMachineVersions"] == []
    call("UpdateStateMachine", stateMachineArn=machine, definition=WAIT)
    third = call("PublishStateMachineVersion", stateMachineArn=machine)["stateMachineVersionArn"]
    assert third == f"{machine}:3"


def test_a_hotswap_changes_the_definition_alone_and_nothing_when_it_is_the_same(call: Boto) -> None:
    logging = {
        "level": "ERROR",
        "includeExecutionData": True,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}],
    }
    machine = call(
        "CreateStateMachine",
        name="hotswap",
        definition=PASS,
        roleArn=ROLE,
        loggingConfiguration=logging,
        tracingConfiguration={"enabled": True},
    )["stateMachineArn"]
    changed = call("UpdateStateMachine", stateMachineArn=machine, definition=FAIL)["revisionId"]
    assert call("UpdateStateMachine", stateMachineArn=machine, definition=FAIL)["revisionId"] == changed
    told = call("DescribeStateMachine", stateMachineArn=machine)
    assert told["revisionId"] == changed
    assert (told["loggingConfiguration"], told["tracingConfiguration"]) == (logging, {"enabled": True})


@pytest.mark.parametrize(
    ("member", "first", "second"),
    [
        (
            "loggingConfiguration",
            {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}]},
            OFF,
        ),
        ("tracingConfiguration", {"enabled": True}, {"enabled": False}),
        (
            "encryptionConfiguration",
            {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "alias/k", "kmsDataKeyReusePeriodSeconds": 60},
            {"type": "AWS_OWNED_KEY"},
        ),
    ],
)
def test_a_configuration_comes_back_as_it_went_in(call: Boto, member: str, first: Any, second: Any) -> None:
    told = {"name": f"kept-{member}", "definition": PASS, "roleArn": ROLE}
    machine = call("CreateStateMachine", **told, **{member: first})["stateMachineArn"]
    kept = call("DescribeStateMachine", stateMachineArn=machine)[member]
    assert kept == first | ({"includeExecutionData": False} if "level" in first else {})
    revision = call("UpdateStateMachine", stateMachineArn=machine, **{member: second})["revisionId"]
    told = call("DescribeStateMachine", stateMachineArn=machine)
    assert (told[member], told["revisionId"]) == (second, revision)


def test_a_definition_is_kept_to_the_last_blank(call: Boto) -> None:
    text = json.dumps(json.loads(PASS) | {"Comment": "zwölf € \U0001d11e \u2028 \\ \" '"}, indent=3) + "\n\n"
    machine = call("CreateStateMachine", name="kept", definition=text, roleArn=ROLE)["stateMachineArn"]
    assert call("DescribeStateMachine", stateMachineArn=machine)["definition"] == text
