"""The least policy is enough, and every statement of it is needed: tried with ``--iam enforce``."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.wanted.definition import PATH
from sfn_emulator.tasks.iam.least import Around, least
from tests.processes import Process, running

TRUST = {"Effect": "Allow", "Principal": {"Service": ["states.amazonaws.com", "lambda.amazonaws.com"]}}
HERE = Around("shop", "us-east-1", "123456789012", logged=False)


def task(resource: str, next_: str | None = None, **more: Any) -> dict[str, Any]:
    way = {"Next": next_} if next_ else {"End": True}
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "ResultPath": None, **more, **way}


def definition(queue: str, child: str) -> dict[str, Any]:
    row = {"TableName": "Orders", "Item": {"k": {"S": "1"}}}
    inner = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "End": True}},
    }
    return {
        "StartAt": "Put",
        "States": {
            "Put": task("dynamodb:putItem", "Ask", Parameters=row),
            "Ask": task("aws-sdk:dynamodb:describeTable", "Send", Parameters={"TableName": "Orders"}),
            "Send": task("sqs:sendMessage", "Child", Parameters={"QueueUrl": queue, "MessageBody": "x"}),
            "Child": task("states:startExecution", "Each", Parameters={"StateMachineArn": child}),
            "Each": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner, "End": True},
        },
    }


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory", "--iam", "enforce", "--time", "skip") as process:
        yield process


class World:
    def __init__(self, server: Process) -> None:
        self.server, self.iam, self.machines = server, server.client("iam"), server.client("stepfunctions")
        self.iam.create_role(
            RoleName="shop", AssumeRolePolicyDocument=json.dumps({"Statement": [{**TRUST, "Action": "sts:AssumeRole"}]})
        )
        self.role = "arn:aws:iam::123456789012:role/shop"
        server.client("dynamodb").create_table(
            TableName="Orders",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        queue = server.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
        simple = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
        child = self.machines.create_state_machine(name="child", definition=simple, roleArn=self.role)
        self.definition = definition(queue, child["stateMachineArn"])
        made = self.machines.create_state_machine(
            name="shop", definition=json.dumps(self.definition), roleArn=self.role
        )
        self.arn = made["stateMachineArn"]

    def ends(self, statements: list[dict[str, Any]]) -> str:
        """How an execution ends when the role is allowed these."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.iam.put_role_policy(RoleName="shop", PolicyName="own", PolicyDocument=policy)
        execution = self.machines.start_execution(stateMachineArn=self.arn, input='{"items": [1]}')["executionArn"]
        while (told := self.machines.describe_execution(executionArn=execution))["status"] == "RUNNING":
            pass
        return str(told["status"])


def test_it_is_enough_and_nothing_is_spare(server: Process) -> None:
    world = World(server)
    statements = least(world.definition, HERE).document()["Statement"]
    used = [s for s in statements if "states:RedriveExecution" not in s["Action"]]
    assert world.ends(statements) == "SUCCEEDED"
    for statement in used:
        assert world.ends([other for other in statements if other is not statement]) == "FAILED", statement


def test_a_computed_resource_is_reported() -> None:
    found = least({"States": {"Put": task("dynamodb:putItem", Parameters={"TableName.$": "$.table"})}}, HERE)
    assert found.wide == [("Put", "dynamodb:PutItem")]
    assert found.document()["Statement"] == [{"Effect": "Allow", "Action": ["dynamodb:PutItem"], "Resource": "*"}]


def test_a_job_that_is_waited_for_is_looked_at_stopped_and_heard_of() -> None:
    child = "arn:aws:states:us-east-1:123456789012:stateMachine:child"
    started = task("states:startExecution.sync:2", Parameters={"StateMachineArn": child})
    allowed = least({"States": {"Child": started}}, HERE).allowed
    assert allowed["states:StartExecution"] == {child}
    assert allowed["states:DescribeExecution"] == {"arn:aws:states:us-east-1:123456789012:execution:child:*"}
    (rule,) = allowed["events:PutRule"]
    assert rule.endswith("rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")


def test_the_sagas_own_definition_needs_its_functions_and_its_repairs() -> None:
    allowed = least(json.loads(PATH.read_text()), HERE).allowed
    assert set(allowed) == {"lambda:InvokeFunction", "dynamodb:PutItem"}
    assert all(resource.startswith("${") for resource in allowed["lambda:InvokeFunction"])
