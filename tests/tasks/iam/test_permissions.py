from collections.abc import Mapping
from typing import Any

import pytest

from sfn_emulator.engine.ports import TaskFailed, TaskSucceeded
from sfn_emulator.tasks.clients import Clients, Destinations
from sfn_emulator.tasks.iam.guard import RolePolicies
from sfn_emulator.tasks.iam.policies import RolePolicy
from sfn_emulator.tasks.integrations.lambda_ import Invoked
from sfn_emulator.values import Value, dumps
from tests.tasks.conftest import ACCOUNT, IDENTITY, REGION, Host

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
VERSION = "2012-10-17"
USER = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/machine/"


class Roles:
    """Policies by role ARN; anyone may assume them unless ``trust`` says otherwise."""

    boundary: Mapping[str, Value] | None = None
    trust: Mapping[str, Any] = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}

    def __init__(self, **actions: str) -> None:
        self.documents = {
            f"arn:aws:iam::{ACCOUNT}:role/{role}": [
                {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}
            ]
            for role, action in actions.items()
        }

    def of(self, role_arn: str) -> RolePolicy:
        return RolePolicy(self.documents[role_arn], self.boundary, self.trust)


def guarded(enforce: bool = True, **actions: str) -> Host:
    host = Host(policies=Roles(**actions), enforce=enforce)
    host.functions.code["f"] = lambda _: Invoked(b"1")
    return host


def denied(told: Any) -> tuple[str, str]:
    assert isinstance(told, TaskFailed), told
    assert told.cause is not None
    return told.error, told.cause


def test_an_allowed_call_is_made() -> None:
    assert guarded(machine="lambda:InvokeFunction").run(FUNCTION, {}) == TaskSucceeded(1, 1)


def test_a_function_the_role_may_not_invoke_is_refused_as_lambda_refuses() -> None:
    error, cause = denied(guarded(machine="s3:*").run(FUNCTION, {}))

    assert error == "Lambda.AWSLambdaException"
    assert cause.startswith(USER)
    assert (
        f" is not authorized to perform: lambda:InvokeFunction on resource: {FUNCTION} because no identity-based "
        "policy allows the lambda:InvokeFunction action (Service: AWSLambda; Status Code: 403; Error Code: "
        "AccessDeniedException; Request ID: "
    ) in cause


TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
PUT = {"TableName": "t", "Item": {}}
SEND = {"QueueUrl": "http://q/1/orders", "MessageBody": "b"}
INVOKE = {"FunctionName": "f", "Qualifier": "live"}
START = {"StateMachineArn": "arn:m"}

CALLS: list[tuple[str, Any, str, str, str]] = [
    ("dynamodb:putItem", PUT, "DynamoDB.AmazonDynamoDBException", "dynamodb:PutItem", TABLE),
    ("sqs:sendMessage", SEND, "SQS.AmazonSQSException", "sqs:SendMessage", QUEUE),
    ("sns:publish", {"TopicArn": "arn:t", "Message": "m"}, "SNS.AuthorizationErrorException", "SNS:Publish", "arn:t"),
    ("states:startExecution", START, "StepFunctions.AWSStepFunctionsException", "states:StartExecution", "arn:m"),
    ("events:putEvents", {"Entries": [{}]}, "EventBridge.AmazonEventBridgeException", "events:PutEvents", BUS),
    ("lambda:invoke", INVOKE, "Lambda.AWSLambdaException", "lambda:InvokeFunction", f"{FUNCTION}:live"),
    (
        "aws-sdk:s3:getObject",
        {"Bucket": "b", "Key": "k"},
        "S3.AccessDeniedException",
        "s3:GetObject",
        "arn:aws:s3:::b/k",
    ),
    ("aws-sdk:s3:listObjectsV2", {"Bucket": "b"}, "S3.AccessDeniedException", "s3:ListBucket", "arn:aws:s3:::b"),
    ("aws-sdk:sfn:startExecution", START, "Sfn.SfnException", "states:StartExecution", "arn:m"),
]


@pytest.mark.parametrize(("arn", "given", "error", "action", "on"), CALLS)
def test_every_integration_asks_for_its_own_action(arn: str, given: Any, error: str, action: str, on: str) -> None:
    told, cause = denied(guarded(machine="nothing:AtAll").run("arn:aws:states:::" + arn, given))
    assert told == error
    assert f"is not authorized to perform: {action} on resource: {on} because" in cause


def test_a_role_that_is_not_there_allows_nothing() -> None:
    assert denied(guarded().run(FUNCTION, {}))[0] == "Lambda.AWSLambdaException"


def test_an_explicit_deny_says_so() -> None:
    host = guarded(machine="*")
    roles = Roles(machine="*")
    roles.documents[IDENTITY.role_arn].append({"Statement": {"Effect": "Deny", "Action": "lambda:*", "Resource": "*"}})  # type: ignore[dict-item]
    host = Host(policies=roles)
    assert " with an explicit deny in an identity-based policy (Service: " in denied(host.run(FUNCTION, {}))[1]


def test_unusable_parameters_are_told_before_anyone_is_asked() -> None:
    told = guarded().run("arn:aws:states:::sqs:sendMessage", {})
    assert isinstance(told, TaskFailed)
    assert told.stage == "Runtime"


def test_credentials_act_with_the_other_role() -> None:
    host = guarded(machine="sts:AssumeRole", other="lambda:InvokeFunction")
    assert host.run(FUNCTION, {}, role=OTHER) == TaskSucceeded(1, 1)


@pytest.mark.parametrize("enforce", [True, False])
def test_a_role_that_can_not_be_assumed_fails_the_task(enforce: bool) -> None:
    host = guarded(enforce, machine="*")
    assert denied(host.run(FUNCTION, {}, role=OTHER)) == (
        "States.TaskFailed",
        f"The role {IDENTITY.role_arn} is not authorized to assume the task state's role, {OTHER}.",
    )


def test_without_enforcement_nothing_else_is_asked() -> None:
    assert guarded(enforce=False).run(FUNCTION, {}) == TaskSucceeded(1, 1)


def bounded(effect: str, action: str) -> tuple[str, str]:
    roles = Roles(machine="*")
    roles.boundary = {"Statement": {"Effect": effect, "Action": action, "Resource": "*"}}
    return denied(Host(policies=roles).run(FUNCTION, {}))


def test_a_boundary_must_allow_it_too() -> None:
    because = " because no permissions boundary allows the lambda:InvokeFunction action (Service: "
    assert because in bounded("Allow", "s3:*")[1]
    assert " with an explicit deny in a permissions boundary (Service: " in bounded("Deny", "lambda:*")[1]
    roles = Roles(machine="lambda:InvokeFunction")
    roles.boundary = {"Statement": {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}}
    host = Host(policies=roles)
    host.functions.code["f"] = lambda _: Invoked(b"1")
    assert host.run(FUNCTION, {}) == TaskSucceeded(1, 1)


@pytest.mark.parametrize(
    ("principal", "assumed"),
    [
        (IDENTITY.role_arn, True),
        (f"arn:aws:iam::{ACCOUNT}:root", True),
        (ACCOUNT, True),
        (f"arn:aws:iam::{ACCOUNT}:role/stranger", False),
    ],
)
def test_the_other_role_must_trust_the_state_machines(principal: str, assumed: bool) -> None:
    roles = Roles(machine="sts:AssumeRole", other="lambda:InvokeFunction")
    roles.trust = {"Statement": {"Effect": "Allow", "Principal": {"AWS": [principal]}, "Action": "sts:*"}}
    host = Host(policies=roles)
    host.functions.code["f"] = lambda _: Invoked(b"1")
    assert isinstance(host.run(FUNCTION, {}, role=OTHER), TaskSucceeded) is assumed


def test_a_cancelled_question_starts_nothing() -> None:
    host = guarded(machine="*")
    host.start(FUNCTION, {}).cancel()
    assert host.run(FUNCTION, {}) == TaskSucceeded(2, 1)
    host.idle()
    assert host.told == []


def test_policies_are_read_from_iam(endpoint: str) -> None:
    clients = Clients(Destinations(endpoint=endpoint))
    iam = clients.client("iam", REGION)
    trust = {
        "Statement": {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    }
    arn = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=dumps(trust))["Role"]["Arn"]
    inline = {"Version": VERSION, "Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}}
    attached = {"Version": VERSION, "Statement": [{"Effect": "Deny", "Action": "sqs:PurgeQueue", "Resource": "*"}]}
    iam.put_role_policy(RoleName="reader", PolicyName="inline", PolicyDocument=dumps(inline))
    policy = iam.create_policy(PolicyName="attached", PolicyDocument=dumps(attached))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="reader", PolicyArn=policy)

    policies = RolePolicies(clients, REGION)

    assert policies.of(arn) == RolePolicy([inline, attached], None, trust)
    iam.put_role_permissions_boundary(RoleName="reader", PermissionsBoundary=policy)
    assert policies.of(arn).boundary == attached
    with pytest.raises(LookupError):
        policies.of(arn + "-not")
