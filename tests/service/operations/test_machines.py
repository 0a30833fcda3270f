"""Machines, versions, aliases, tags: create, change, route, delete."""

from typing import Any

import pytest

from tests.service.world import ARN, PASS, ROLE, WAIT, Refused, World, task

OTHER = {"Comment": "another", **PASS}


def test_creating_again_is_idempotent_by_all_but_role_and_tags(world: World) -> None:
    machine = world.machine()
    told = world.call(
        "CreateStateMachine",
        name="m",
        definition='{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}',
        roleArn="arn:aws:iam::000000000000:role/other",
        tags=[{"key": "new", "value": "tag"}],
    )
    assert told["stateMachineArn"] == machine
    assert world.call("DescribeStateMachine", stateMachineArn=machine)["roleArn"] == ROLE
    assert world.call("ListTagsForResource", resourceArn=machine)["tags"] == []


@pytest.mark.parametrize(
    "different",
    [
        {"definition": '{"StartAt":"A", "States":{"A":{"Type":"Pass","End":true}}}'},
        {"type": "EXPRESS"},
        {"publish": True},
        {"tracingConfiguration": {"enabled": True}},
        {"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "key"}},
    ],
    ids=lambda told: next(iter(told)),
)
def test_creating_again_otherwise_is_a_conflict(world: World, different: dict[str, Any]) -> None:
    world.machine()
    told = {"definition": '{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}'} | different
    with pytest.raises(Refused, match=f"State Machine Already Exists: '{ARN}:stateMachine:m'"):
        world.call("CreateStateMachine", name="m", roleArn=ROLE, **told)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"name": "a b"}, "InvalidName"),
        ({"roleArn": "role"}, "InvalidArn"),
        ({"definition": "{}"}, "InvalidDefinition"),
        ({"definition": '{"StartAt":"A","States":{"A":{"Type":"Pass"}}}'}, "InvalidDefinition"),
        ({"loggingConfiguration": {"level": "ALL"}}, "InvalidLoggingConfiguration"),
        ({"loggingConfiguration": {"level": "ALL", "destinations": [
            {"cloudWatchLogsLogGroup": {"logGroupArn": "nonsense"}}]}}, "InvalidLoggingConfiguration"),
        ({"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY"}}, "InvalidEncryptionConfiguration"),
        ({"encryptionConfiguration": {"type": "AWS_OWNED_KEY", "kmsKeyId": "k"}}, "InvalidEncryptionConfiguration"),
        ({"versionDescription": "without publish"}, "ValidationException"),
        ({"tags": [{"key": f"k{n}", "value": ""} for n in range(51)]}, "TooManyTags"),
        ({"tags": [{"key": "aws:x", "value": ""}]}, "ValidationException"),
    ],
)  # fmt: skip
def test_a_refused_machine_leaves_nothing(world: World, told: dict[str, Any], code: str) -> None:
    good = {"name": "m", "roleArn": ROLE, "definition": '{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}'}
    with pytest.raises(Refused) as refused:
        world.call("CreateStateMachine", **good | told)
    assert refused.value.code == code
    assert world.call("ListStateMachines")["stateMachines"] == []


def test_an_update_makes_a_revision_only_if_something_differs(world: World) -> None:
    machine = world.machine()
    assert "revisionId" not in world.call("UpdateStateMachine", stateMachineArn=machine, roleArn=ROLE)
    first = world.call("UpdateStateMachine", stateMachineArn=machine, tracingConfiguration={"enabled": True})
    again = world.call("UpdateStateMachine", stateMachineArn=machine, tracingConfiguration={"enabled": True})
    assert first["revisionId"] == again["revisionId"]
    assert world.call("DescribeStateMachine", stateMachineArn=machine)["revisionId"] == first["revisionId"]


def test_an_update_of_nothing_is_refused(world: World) -> None:
    machine = world.machine()
    with pytest.raises(Refused, match="MissingRequiredParameter: Either the definition, the role ARN"):
        world.call("UpdateStateMachine", stateMachineArn=machine, publish=True)


def test_versions_are_numbered_once_per_revision_and_never_reused(world: World) -> None:
    machine = world.machine(publish=True)
    assert world.call("PublishStateMachineVersion", stateMachineArn=machine)["stateMachineVersionArn"] == f"{machine}:1"
    world.call("UpdateStateMachine", stateMachineArn=machine, definition=text(OTHER), publish=True)
    world.call("DeleteStateMachineVersion", stateMachineVersionArn=f"{machine}:2")
    again = world.call("PublishStateMachineVersion", stateMachineArn=machine)
    assert again["stateMachineVersionArn"] == f"{machine}:3"
    listed = world.call("ListStateMachineVersions", stateMachineArn=machine)["stateMachineVersions"]
    assert [one["stateMachineVersionArn"] for one in listed] == [f"{machine}:3", f"{machine}:1"]


def test_publishing_an_old_revision_is_a_conflict(world: World) -> None:
    machine = world.machine()
    revision = world.call("UpdateStateMachine", stateMachineArn=machine, definition=text(OTHER))["revisionId"]
    with pytest.raises(Refused, match=f"ConflictException: .*revision INITIAL. .*revision is {revision}"):
        world.call("PublishStateMachineVersion", stateMachineArn=machine, revisionId="INITIAL")
    world.call("PublishStateMachineVersion", stateMachineArn=machine, revisionId=revision)


def test_a_version_runs_its_own_definition(world: World) -> None:
    machine = world.machine(WAIT, publish=True)
    world.call("UpdateStateMachine", stateMachineArn=machine, definition=text(PASS))
    old, new = world.start(f"{machine}:1"), world.start(machine)
    assert (world.status(old), world.status(new)) == ("RUNNING", "SUCCEEDED")
    assert world.describe(old)["stateMachineVersionArn"] == f"{machine}:1"
    assert "Wait" in world.call("DescribeStateMachine", stateMachineArn=f"{machine}:1")["definition"]


def aliased(world: World, *weights: int) -> str:
    machine = world.machine(publish=True)
    world.call("UpdateStateMachine", stateMachineArn=machine, definition=text(OTHER), publish=True)
    routes = [{"stateMachineVersionArn": f"{machine}:{n}", "weight": weight} for n, weight in enumerate(weights, 1)]
    world.call("CreateStateMachineAlias", name="live", routingConfiguration=routes)
    return machine


def test_an_alias_routes_by_weight(world: World) -> None:
    machine = aliased(world, 75, 25)
    executions = [world.start(f"{machine}:live") for _ in range(400)]
    first = sum(world.describe(one)["stateMachineVersionArn"].endswith(":1") for one in executions)
    assert 260 <= first <= 340
    assert len(world.call("ListExecutions", stateMachineArn=f"{machine}:live", maxResults=1000)["executions"]) == 400
    assert len(world.call("ListExecutions", stateMachineArn=f"{machine}:1", maxResults=1000)["executions"]) == first


def test_a_version_an_alias_routes_to_cannot_be_deleted(world: World) -> None:
    machine = aliased(world, 100)
    with pytest.raises(Refused, match=r"must not be referenced by an alias.*\[live\]"):
        world.call("DeleteStateMachineVersion", stateMachineVersionArn=f"{machine}:1")
    route = [{"stateMachineVersionArn": f"{machine}:2", "weight": 100}]
    world.call("UpdateStateMachineAlias", stateMachineAliasArn=f"{machine}:live", routingConfiguration=route)
    assert world.call("DeleteStateMachineVersion", stateMachineVersionArn=f"{machine}:1") == {}


@pytest.mark.parametrize(
    ("routes", "code"),
    [
        ([("1", 60), ("2", 30)], "ValidationException"),
        ([("1", 50), ("1", 50)], "ValidationException"),
        ([("7", 100)], "ResourceNotFound"),
        ([("live", 100)], "ValidationException"),
        ([("1", 50), ("2", 30), ("3", 20)], "ValidationException"),
        ([], "ValidationException"),
    ],
)
def test_routes_must_be_one_or_two_versions_that_weigh_100(
    world: World, routes: list[tuple[str, int]], code: str
) -> None:
    machine = aliased(world, 100)
    given = [{"stateMachineVersionArn": f"{machine}:{name}", "weight": weight} for name, weight in routes]
    with pytest.raises(Refused) as refused:
        world.call("CreateStateMachineAlias", name="other", routingConfiguration=given)
    assert refused.value.code == code


def test_deleting_a_machine_takes_versions_and_aliases_along(world: World) -> None:
    machine = aliased(world, 100)
    assert world.call("DeleteStateMachine", stateMachineArn=machine) == {}
    assert world.call("DeleteStateMachine", stateMachineArn=machine) == {}
    for operation, told in (
        ("DescribeStateMachine", {"stateMachineArn": f"{machine}:1"}),
        ("DescribeStateMachineAlias", {"stateMachineAliasArn": f"{machine}:live"}),
    ):
        with pytest.raises(Refused, match=r"DoesNotExist|ResourceNotFound"):
            world.call(operation, **told)
    assert world.machine(publish=True) == machine
    assert world.call("DescribeStateMachine", stateMachineArn=f"{machine}:1")["name"] == "m"


def test_machines_are_listed_by_name_in_pages_and_by_region(world: World) -> None:
    machines = sorted(world.machine(name=name) for name in ("zoo", "ant", "m2", "m10", "Bee"))
    page = world.call("ListStateMachines", maxResults=2)
    rest = world.call("ListStateMachines", nextToken=page["nextToken"])
    assert [one["stateMachineArn"] for one in page["stateMachines"] + rest["stateMachines"]] == machines
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/states/aws4_request, Signature=x"}
    assert world.send("ListStateMachines", b"{}", signed).body == b'{"stateMachines":[]}'


def test_variables_are_told_by_the_state_that_reads_them(world: World) -> None:
    machine = world.machine(
        {
            "StartAt": "A",
            "States": {
                "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"},
                "B": {"Type": "Pass", "Parameters": {"y.$": "$x"}, "End": True},
            },
        }
    )
    told = world.call("DescribeStateMachine", stateMachineArn=machine)
    assert told["variableReferences"] == {"B": ["x"]}
    assert (
        world.call("DescribeStateMachine", stateMachineArn=machine, includedData="METADATA_ONLY")["definition"] == "{}"
    )


def test_a_definition_is_validated_without_being_created(world: World) -> None:
    told = world.call("ValidateStateMachineDefinition", definition='{"StartAt":"X","States":{}}')
    assert told["result"] == "FAIL"
    assert told["diagnostics"][0].keys() >= {"severity", "code", "message"}
    assert world.call("ValidateStateMachineDefinition", definition=text(PASS)) == {
        "result": "OK",
        "diagnostics": [],
        "truncated": False,
    }
    broken = {"StartAt": "A", "States": {f"S{n}": {"Type": "Nope"} for n in range(5)}}
    cut = world.call("ValidateStateMachineDefinition", definition=text(broken), maxResults=2)
    assert (len(cut["diagnostics"]), cut["truncated"]) == (2, True)


def test_a_problem_without_a_place_is_at_null(world: World) -> None:
    """Measured on AWS: floci issue 2735."""
    endless = '{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"A"}}}'
    with pytest.raises(Refused, match=r"'MISSING_END_STATE: Workflow has no terminal state at null'$"):
        world.call("CreateStateMachine", name="m", roleArn=ROLE, definition=endless)


def test_a_resource_nobody_runs_is_refused_at_create(world: World) -> None:
    with pytest.raises(Refused, match="InvalidDefinition"):
        world.machine(task("arn:aws:states:::unknown:thing"))


def text(definition: dict[str, Any]) -> str:
    import json

    return json.dumps(definition, separators=(",", ":"))


def test_aliases_of_what_are_no_versions_are_refused_in_awss_words(world: World) -> None:
    machine = world.machine(publish=True)
    version = f"{machine}:1"

    def refused(*routes: tuple[str, int]) -> str:
        rows = [{"stateMachineVersionArn": arn, "weight": weight} for arn, weight in routes]
        with pytest.raises(Refused) as told:
            world.call("CreateStateMachineAlias", name="a", routingConfiguration=rows)
        return str(told.value)

    assert f"must contain state machine version ARNs. Received: [{machine}]" in refused((machine, 100))
    assert f"distinct state machine version ARNs. Received: [{version}, {version}]" in refused(
        (version, 50), (version, 50)
    )
    quoted = f"'[RoutingConfigurationListItem(stateMachineVersionArn={version}, weight=50), "
    assert quoted in refused((version, 50), (version, 30), (version, 20))
    with pytest.raises(Refused, match="Request references a resource that does not exist"):
        world.call("UpdateStateMachineAlias", stateMachineAliasArn=f"{machine}:nobody", description="d")
