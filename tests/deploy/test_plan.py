"""Deploying and removing: changes, resources left alone, and convergence when it is run again."""

import json
from dataclasses import replace

import pytest

from deploy import config, saga
from deploy.apply import apply, preview
from deploy.errors import DeployError
from deploy.existing.remote import Aws, SeenTable
from deploy.planning import plan
from deploy.wanted.resources import StateMachine, Table

ANYTHING = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


def rows(target, table="Inventory"):
    return target.client("dynamodb").scan(TableName=table)["Items"]


def names(target):
    """Everything there is on the target, by kind."""
    client = target.client
    return {
        "tables": client("dynamodb").list_tables()["TableNames"],
        "roles": sorted(role["RoleName"] for role in client("iam").list_roles()["Roles"]),
        "functions": sorted(f["FunctionName"] for f in client("lambda").list_functions()["Functions"]),
        "topics": [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]],
        "machines": [m["name"] for m in client("stepfunctions").list_state_machines()["stateMachines"]],
        "apis": [api["name"] for api in client("apigateway").get_rest_apis()["items"]],
        "logs": [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]],
    }


def test_deploying_makes_everything_and_deploying_again_has_nothing_to_do(deployed, target, full):
    found = names(target)
    assert set(found["tables"]) == set(full.tables)
    assert set(found["functions"]) == set(full.functions)
    assert len(found["roles"]) == len(full.functions) + 2
    assert len(rows(target)) == 3
    assert not deployed.plan()


def test_planning_changes_nothing(target, full):
    before = names(target)
    assert len(list(preview(saga.on(target, full).plan()))) > 50
    assert names(target) == before


def test_the_alias_points_at_a_published_version(deployed, target):
    machine = deployed.machine
    alias = target.client("stepfunctions").describe_state_machine_alias(stateMachineAliasArn=machine.alias_arn)
    assert [route["weight"] for route in alias["routingConfiguration"]] == [100]
    version = alias["routingConfiguration"][0]["stateMachineVersionArn"]
    assert version == f"{machine.arn}:1"


def test_a_changed_definition_is_shown_as_a_diff_published_and_pointed_at(deployed, target, full):
    changed = saga.on(target, replace(full, state_machine={**full.state_machine, "wait_seconds": 5}))
    wanted = changed.plan()
    assert [line for line in wanted.diff.splitlines() if line.startswith(("-  ", "+  "))] == [
        '-      "Seconds": 30,',
        '+      "Seconds": 5,',
    ]
    assert [str(i) for i in wanted.instructions] == [
        "update definition of state machine DistributedTransactionOrchestrator",
        "update alias live of DistributedTransactionOrchestrator",
    ]
    apply(wanted, target)
    alias_arn = changed.machine.alias_arn
    alias = target.client("stepfunctions").describe_state_machine_alias(stateMachineAliasArn=alias_arn)
    assert alias["routingConfiguration"][0]["stateMachineVersionArn"].endswith(":2")
    assert not changed.plan()


def test_a_change_made_by_hand_is_put_right(deployed, target):
    target.client("lambda").update_function_configuration(FunctionName="PlaceOrderLambda", Timeout=1)
    target.client("iam").put_role_policy(RoleName="PlaceOrderLambdaRole", PolicyName="saga", PolicyDocument=ANYTHING)
    target.client("logs").put_retention_policy(logGroupName="/aws/lambda/PlaceOrderLambda", retentionInDays=1)
    wanted = deployed.plan()
    assert [str(i) for i in wanted.instructions] == [
        "keep 14 days of log group /aws/lambda/PlaceOrderLambda",
        "put policy of role PlaceOrderLambdaRole",
        "update Timeout of function PlaceOrderLambda",
    ]
    apply(wanted, target)
    assert not deployed.plan()


def test_an_existing_row_is_left_alone_and_a_missing_one_seeded(deployed, target):
    dynamodb = target.client("dynamodb")
    sold = {"ItemId": {"S": "ITEM001"}, "ItemsInStock": {"N": "7"}}
    dynamodb.put_item(TableName="Inventory", Item=sold)
    dynamodb.delete_item(TableName="Inventory", Key={"ItemId": {"S": "ITEM002"}})
    apply(deployed.plan(), target)
    assert sold in rows(target)
    assert len(rows(target)) == 3


def test_a_row_that_appears_between_plan_and_apply_is_left_alone(target, full):
    planned = saga.on(target, full).plan()
    ours = [i for i in planned.instructions if i.what == "table Inventory"]
    apply(plan.Plan(tuple(ours)), target)
    sold = {"ItemId": {"S": "ITEM001"}, "ItemsInStock": {"N": "7"}}
    target.client("dynamodb").put_item(TableName="Inventory", Item=sold)
    seeds = [i for i in planned.instructions if i.verb == "seed"]
    apply(plan.Plan(tuple(seeds)), target)
    assert sold in rows(target)


def test_a_table_still_being_created_is_waited_for_and_seeded_without_being_read():
    table = Table("Inventory", "arn", ("ItemId",), ({"ItemId": "ITEM001", "ItemsInStock": 1},), {"saga": "x"})

    class Creating:
        def table(self, name, arn):
            return SeenTable({"saga": "x"}, ("ItemId",), active=False)

    instructions = plan.deploy([table], Creating()).instructions
    assert [(i.verb, i.waiter) for i in instructions] == [("wait for", "table_exists"), ("seed", "")]


def test_a_table_of_that_name_that_is_not_ours_is_refused_before_anything_is_made(target, full):
    target.client("dynamodb").create_table(
        TableName="Orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    before = names(target)
    with pytest.raises(DeployError, match="table Orders: exists without the tag saga="):
        saga.on(target, full).plan()
    assert names(target) == before


def test_a_changed_key_is_refused_with_the_way_out(deployed, target, full):
    tables = {**full.tables, "Orders": {"key": ["CustomerId"]}}
    with pytest.raises(DeployError, match="run destroy, then deploy"):
        saga.on(target, replace(full, tables=tables)).plan()


def test_destroy_removes_everything_of_ours_and_nothing_else(target, full):
    target.client("sns").create_topic(Name="theirs")
    target.client("apigateway").create_rest_api(name=full.api["name"])
    target.client("logs").create_log_group(logGroupName="/aws/lambda/PlaceOrderLambdaOfTheirs")
    before = names(target)
    ours = saga.on(target, full)
    apply(ours.plan(), target)
    apply(ours.teardown().plan, target)
    assert names(target) == before
    assert not ours.teardown().plan


def test_destroy_leaves_what_has_our_name_but_not_our_tag_and_says_so(deployed, target, full):
    arn = target.arn("sns", full.topic)
    target.client("sns").untag_resource(ResourceArn=arn, TagKeys=["saga"])
    teardown = deployed.teardown()
    apply(teardown.plan, target)
    assert teardown.left_alone == (f"topic {full.topic}",)
    assert names(target)["topics"] == [arn]


def test_destroy_also_removes_policies_put_on_our_roles_since(deployed, target):
    target.client("iam").put_role_policy(RoleName="PlaceOrderLambdaRole", PolicyName="more", PolicyDocument=ANYTHING)
    apply(deployed.teardown().plan, target)
    assert names(target)["roles"] == []


def test_the_direct_integration_gives_the_api_the_right_to_start_and_nothing_else(target, full):
    direct = saga.on(target, replace(full, api={**full.api, "integration": "states"}))
    apply(direct.plan(), target)
    assert not direct.plan()
    gateway = target.client("apigateway")
    api = gateway.get_rest_apis()["items"][0]["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    integration = gateway.get_integration(restApiId=api, resourceId=root, httpMethod="POST")
    assert integration["uri"].endswith(":states:action/StartExecution")
    policy = target.client("iam").get_role_policy(RoleName=f"{full.api['name']}Role", PolicyName="saga")
    assert [s["Action"] for s in policy["PolicyDocument"]["Statement"]] == [["states:StartExecution"]]


def test_changing_the_integration_makes_the_methods_anew(deployed, target, full):
    direct = saga.on(target, replace(full, api={**full.api, "integration": "states"}))
    apply(direct.plan(), target)
    assert not direct.plan()
    assert deployed.plan()


def test_wanted_resources_follow_from_configuration_and_target(target, full):
    assert saga.on(target, full).resources == saga.on(target, config.load()).resources
    machine = next(r for r in saga.on(target, full).resources if isinstance(r, StateMachine))
    assert Aws(target).state_machine(machine.arn, machine.alias_arn) is None
