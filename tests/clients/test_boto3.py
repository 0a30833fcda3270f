"""boto3: its error classes, paginators and the prefix of its host names."""

import json
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config

from sfn_emulator.api.protocol import service_model
from tests.clients.journey import PASS, ROLE
from tests.clients.refusals import NEVER, REFUSALS, Scene, scene
from tests.clients.speakers import Boto
from tests.processes import Process

PAGED = ("GetExecutionHistory", "ListActivities", "ListExecutions", "ListMapRuns", "ListStateMachines")


@pytest.fixture(scope="session")
def scenery(boto: Boto) -> Scene:
    return scene(boto, "us-east-1")


def test_every_error_of_the_model_is_provoked_or_said_to_be_out_of_reach() -> None:
    model = service_model()
    shapes = {name for name in model.shape_names if getattr(model.shape_for(name), "metadata", {}).get("exception")}
    assert set(REFUSALS) | set(NEVER) == shapes
    assert not set(REFUSALS) & set(NEVER)


@pytest.mark.parametrize("code", REFUSALS)
def test_an_error_comes_as_its_own_class_with_awss_words(code: str, server: Process, scenery: Scene) -> None:
    client = server.client("stepfunctions", parameter_validation=False)
    operation, told, message = REFUSALS[code](scenery)
    with pytest.raises(getattr(client.exceptions, code)) as refused:
        getattr(client, xform_name(operation))(**told)
    answer = refused.value.response
    assert answer["Error"]["Code"] == code
    assert answer["Error"]["Message"].startswith(message)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["ResponseMetadata"]["RequestId"]
    named = told.get("resourceArn")
    assert answer.get("resourceName") == named


def test_every_error_an_operation_is_provoked_to_is_one_it_documents(scenery: Scene) -> None:
    model = service_model()
    for code, refusal in REFUSALS.items():
        documented = [shape.name for shape in model.operation_model(refusal(scenery).operation).error_shapes]
        assert code in documented, f"{refusal(scenery).operation}: {code}"


@pytest.fixture(scope="session")
def crowd(boto: Boto) -> str:
    """A machine with 7 executions of 4 events; 7 activities and machines at least are in its region."""
    for number in range(7):
        boto("CreateActivity", name=f"crowd-{number}")
        boto("CreateStateMachine", name=f"crowd-{number}", definition=PASS, roleArn=ROLE)
    machine = str(boto("CreateStateMachine", name="crowd-0", definition=PASS, roleArn=ROLE)["stateMachineArn"])
    for number in range(7):
        boto("StartExecution", stateMachineArn=machine, name=f"e{number}")
    return machine


@pytest.mark.parametrize("operation", PAGED)
def test_a_paginator_gives_all_there_is_once(operation: str, boto: Boto, crowd: str) -> None:
    execution = crowd.replace(":stateMachine:", ":execution:") + ":e0"
    named = {
        "GetExecutionHistory": {"executionArn": execution},
        "ListExecutions": {"stateMachineArn": crowd},
        "ListMapRuns": {"executionArn": execution},
    }.get(operation, {})
    paginator = boto.client.get_paginator(xform_name(operation))
    pages = list(paginator.paginate(**named, PaginationConfig={"PageSize": 3}))
    key = paginator.result_keys[0].expression
    whole = getattr(boto.client, xform_name(operation))(**named)[key]
    assert [item for page in pages for item in page[key]] == whole
    assert [len(page[key]) for page in pages[:-1]] == [3] * (len(pages) - 1)
    assert len(whole) == 0 if operation == "ListMapRuns" else len(whole) > 3


@pytest.mark.parametrize("operation", ["ListStateMachineVersions", "ListStateMachineAliases"])
def test_lists_without_a_paginator_go_page_by_page_too(operation: str, boto: Boto, scenery: Scene) -> None:
    key = operation.removeprefix("List")[0].lower() + operation.removeprefix("List")[1:]
    found: list[Any] = []
    told: dict[str, Any] = {"stateMachineArn": scenery.machine, "maxResults": 30}
    while True:
        page = boto(operation, **told)
        found += page[key]
        if "nextToken" not in page:
            break
        told["nextToken"] = page["nextToken"]
    assert found == boto(operation, stateMachineArn=scenery.machine)[key]
    assert len(found) == (1 if operation == "ListStateMachineVersions" else 100)


def test_the_model_has_no_other_paginator(boto: Boto) -> None:
    operations = service_model().operation_names
    assert {name for name in operations if boto.client.can_paginate(xform_name(name))} == set(PAGED)


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-central-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")]
)
def test_a_region_is_the_one_a_request_is_signed_for(region: str, partition: str, server: Process) -> None:
    client = server.client("stepfunctions", region)
    assert client.list_activities()["activities"] == []
    activity = client.create_activity(name="a")["activityArn"]
    assert activity == f"arn:{partition}:states:{region}:123456789012:activity:a"
    assert client.describe_activity(activityArn=activity)["name"] == "a"


def test_awss_own_host_names_with_their_sync_prefix_are_answered_through_a_proxy(server: Process, boto: Boto) -> None:
    """As behind HTTP_PROXY: the client speaks to states.us-east-1.amazonaws.com and sync-states.us-east-1.…"""
    made = boto("CreateStateMachine", name="sync", definition=PASS, roleArn=ROLE, type="EXPRESS")
    told: list[str] = []
    client = boto3.client(
        "stepfunctions",
        endpoint_url="http://states.us-east-1.amazonaws.com",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(proxies={"http": server.url}, retries={"max_attempts": 0}),
    )
    client.meta.events.register("before-send", lambda request, **_: told.append(request.url))
    arn = made["stateMachineArn"]
    assert client.start_sync_execution(stateMachineArn=arn, input='{"a":1}')["output"] == '{"a":1}'
    state = json.dumps({"Type": "Pass", "End": True})
    assert client.test_state(definition=state, roleArn=ROLE)["status"] == "SUCCEEDED"
    assert client.describe_state_machine(stateMachineArn=arn)["name"] == "sync"
    assert told == ["http://sync-states.us-east-1.amazonaws.com/"] * 2 + ["http://states.us-east-1.amazonaws.com/"]
