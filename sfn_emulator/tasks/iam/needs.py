"""The permissions that a Task needs of its role: IAM actions and their resources.

Source: `IAM policies for integrated services`, the Service Authorization Reference. A resource that can't be derived
from the parameters is ``policies.ANY``: only the action is checked.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.asl.resource import Family
from sfn_emulator.engine.ports import TaskRequest
from sfn_emulator.tasks.clients import operation_model, service_model
from sfn_emulator.tasks.iam.policies import ANY
from sfn_emulator.tasks.integrations.optimised import ROWS
from sfn_emulator.tasks.sdk.naming import botocore_service
from sfn_emulator.values import Value


class Need(NamedTuple):
    """``service`` is botocore's name, for the text of the refusal."""

    service: str
    action: str
    resource: str


def needs(request: TaskRequest) -> tuple[Need, ...]:
    """The permissions that the role must have; empty if Step Functions needs none (activities)."""
    resource = request.resource
    if resource.family is Family.ACTIVITY:
        return ()
    if resource.family is Family.LAMBDA:
        return (Need("lambda", "lambda:InvokeFunction", resource.arn),)
    special = _SPECIAL.get((resource.resource_type, resource.action))
    if special is not None:
        return special(request)
    service, operation = _called(request)
    given = request.input if isinstance(request.input, dict) else {}
    return (Need(service, _action(service, operation), _resource(service, operation, given, request)),)


def _called(request: TaskRequest) -> tuple[str, str]:
    resource = request.resource
    if resource.resource_type.startswith("aws-sdk:"):
        service = botocore_service(resource.resource_type.removeprefix("aws-sdk:")) or ""
        return service, str(operation_model(service, resource.action).name)
    row = ROWS[resource.resource_type, resource.action]
    return row.botocore, str(operation_model(row.botocore, row.operation).name)


def _account(request: TaskRequest) -> str:
    return request.identity.execution_arn.split(":")[4]


# -- actions


_PREFIXES: Final = {
    "apigateway": "apigateway",
    "apigatewayv2": "apigateway",
    "ce": "ce",
    "cloudwatch": "cloudwatch",
    "dms": "dms",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "events": "events",
    "ses": "ses",
    "sesv2": "ses",
    "stepfunctions": "states",
}

_ACTIONS: Final = {
    ("lambda", "Invoke"): "InvokeFunction",
    ("s3", "CopyObject"): "PutObject",
    ("s3", "CompleteMultipartUpload"): "PutObject",
    ("s3", "CreateMultipartUpload"): "PutObject",
    ("s3", "DeleteObjects"): "DeleteObject",
    ("s3", "HeadBucket"): "ListBucket",
    ("s3", "HeadObject"): "GetObject",
    ("s3", "ListBuckets"): "ListAllMyBuckets",
    ("s3", "ListObjectVersions"): "ListBucketVersions",
    ("s3", "ListObjects"): "ListBucket",
    ("s3", "ListObjectsV2"): "ListBucket",
    ("s3", "UploadPart"): "PutObject",
}
"""Operation → IAM's action, where their names differ."""


def _action(service: str, operation: str) -> str:
    prefix = _PREFIXES.get(service) or str(service_model(service).signing_name)
    return f"{prefix}:{_ACTIONS.get((service, operation), operation)}"


# -- resources


def _arn_of(service: str, prefix: str = "") -> Callable[[str, TaskRequest], str]:
    def arn(name: str, request: TaskRequest) -> str:
        if name.startswith("arn:"):
            return name
        return f"arn:aws:{service}:{request.identity.region}:{_account(request)}:{prefix}{name}"

    return arn


def _queue(url: str, request: TaskRequest) -> str:
    return f"arn:aws:sqs:{request.identity.region}:{_account(request)}:{url.rstrip('/').rpartition('/')[2]}"


_NAMED: Final[dict[tuple[str, str], Callable[[str, TaskRequest], str]]] = {
    ("athena", "WorkGroup"): _arn_of("athena", "workgroup/"),
    ("codebuild", "ProjectName"): _arn_of("codebuild", "project/"),
    ("dynamodb", "TableName"): _arn_of("dynamodb", "table/"),
    ("ecs", "TaskDefinition"): _arn_of("ecs", "task-definition/"),
    ("glue", "JobName"): _arn_of("glue", "job/"),
    ("kms", "KeyId"): _arn_of("kms", "key/"),
    ("lambda", "FunctionName"): _arn_of("lambda", "function:"),
    ("logs", "LogGroupName"): _arn_of("logs", "log-group:"),
    ("secretsmanager", "SecretId"): _arn_of("secretsmanager", "secret:"),
    ("sns", "TopicArn"): lambda arn, _: arn,
    ("sqs", "QueueUrl"): _queue,
    ("ssm", "Name"): lambda name, request: _arn_of("ssm", "parameter/")(name.lstrip("/"), request),
    ("stepfunctions", "StateMachineArn"): lambda arn, _: arn,
    ("stepfunctions", "ExecutionArn"): lambda arn, _: arn,
    ("stepfunctions", "ActivityArn"): lambda arn, _: arn,
}


def _resource(service: str, operation: str, given: Mapping[str, Value], request: TaskRequest) -> str:
    if service == "s3":
        return _s3(given)
    if service == "events" and operation == "PutEvents":
        return _bus(given, request)
    for (named, parameter), arn in _NAMED.items():
        value = given.get(parameter)
        if named == service and isinstance(value, str):
            return arn(value, request)
    return ANY


def _s3(given: Mapping[str, Value]) -> str:
    bucket, key = given.get("Bucket"), given.get("Key")
    if not isinstance(bucket, str):
        return ANY
    return f"arn:aws:s3:::{bucket}/{key}" if isinstance(key, str) else f"arn:aws:s3:::{bucket}"


def _bus(given: Mapping[str, Value], request: TaskRequest) -> str:
    entries = given.get("Entries")
    first: Any = entries[0] if isinstance(entries, list) and entries else {}
    name = first.get("EventBusName") or "default" if isinstance(first, dict) else "default"
    return _arn_of("events", "event-bus/")(str(name), request)


# -- integrations that are not one operation


def _invoke(request: TaskRequest) -> tuple[Need, ...]:
    name = request.input.get("FunctionName") if isinstance(request.input, dict) else None
    resource = _arn_of("lambda", "function:")(name, request) if isinstance(name, str) else ANY
    qualifier = request.input.get("Qualifier") if isinstance(request.input, dict) else None
    return (Need("lambda", "lambda:InvokeFunction", f"{resource}:{qualifier}" if qualifier else resource),)


def _start(request: TaskRequest) -> tuple[Need, ...]:
    machine = request.input.get("StateMachineArn") if isinstance(request.input, dict) else None
    return (Need("stepfunctions", "states:StartExecution", machine if isinstance(machine, str) else ANY),)


def _http(request: TaskRequest) -> tuple[Need, ...]:
    identity = request.identity
    given = request.input if isinstance(request.input, dict) else {}
    connection = (given.get("Authentication") or given.get("InvocationConfig") or {}).get("ConnectionArn") or ANY
    return (
        Need("http", "states:InvokeHTTPEndpoint", identity.machine_arn),
        Need("events", "events:RetrieveConnectionCredentials", connection),
        Need("secretsmanager", "secretsmanager:GetSecretValue", ANY),
        Need("secretsmanager", "secretsmanager:DescribeSecret", ANY),
    )


def _api(request: TaskRequest) -> tuple[Need, ...]:
    given = request.input if isinstance(request.input, dict) else {}
    if given.get("AuthType", "NO_AUTH") == "NO_AUTH":
        return ()
    api = str(given.get("ApiEndpoint", "")).split("://")[-1].split(".")[0]
    path = str(given.get("Path", "")).strip("/")
    name = f"{api}/{given.get('Stage', '')}/{given.get('Method', '')}/{path}"
    return (Need("apigateway", "execute-api:Invoke", _arn_of("execute-api")(name, request)),)


def _harness(request: TaskRequest) -> tuple[Need, ...]:
    given = request.input if isinstance(request.input, dict) else {}
    arn = str(given.get("HarnessArn") or ANY)
    actions = ("bedrock-agentcore:InvokeHarness", "bedrock-agentcore:InvokeAgentRuntime")
    return tuple(Need("bedrock-agentcore", action, arn) for action in actions)


_SPECIAL: Final[dict[tuple[str, str], Callable[[TaskRequest], tuple[Need, ...]]]] = {
    ("lambda", "invoke"): _invoke,
    ("states", "startExecution"): _start,
    ("http", "invoke"): _http,
    ("apigateway", "invoke"): _api,
    ("bedrockagentcore", "invokeHarness"): _harness,
}
