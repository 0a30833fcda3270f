"""Each error of the model that can be provoked: the request, and AWS's message."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.clients.journey import FAIL, PASS, ROLE, work
from tests.clients.speakers import Speaker

ACCOUNT = "123456789012"


class Scene(NamedTuple):
    """The things that requests are about; ``busy`` is a machine that is being deleted while its execution runs."""

    here: str
    activity: str
    machine: str
    express: str
    busy: str
    running: str
    succeeded: str
    token: str


def scene(call: Speaker, region: str, name: str = "refused") -> Scene:
    activity = call("CreateActivity", name=name)["activityArn"]

    def machine(suffix: str, definition: str, **told: Any) -> str:
        made = call("CreateStateMachine", name=name + suffix, definition=definition, roleArn=ROLE, **told)
        return str(made["stateMachineArn"])

    whole, busy = machine("", PASS, publish=True), machine("-busy", work(activity), publish=True)
    ended = call("StartExecution", stateMachineArn=whole, name="succeeded")["executionArn"]
    while call("DescribeExecution", executionArn=ended)["status"] == "RUNNING":
        pass
    running = call("StartExecution", stateMachineArn=busy, name="running")["executionArn"]
    token = call("GetActivityTask", activityArn=activity)["taskToken"]
    routes = [{"stateMachineVersionArn": f"{whole}:1", "weight": 100}]
    for number in range(100):
        call("CreateStateMachineAlias", name=f"alias-{number}", routingConfiguration=routes)
    call("DeleteStateMachine", stateMachineArn=busy)
    here = f"arn:aws:states:{region}:{ACCOUNT}"
    return Scene(here, activity, whole, machine("-express", PASS, type="EXPRESS"), busy, running, ended, token)


class Refusal(NamedTuple):
    operation: str
    told: dict[str, Any]
    message: str


def _create(**told: Any) -> dict[str, Any]:
    return {"name": "another", "definition": PASS, "roleArn": ROLE, **told}


_KEY = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "alias/k"}
_OLD_TOKEN = "AQ" + "x" * 60

REFUSALS: dict[str, Callable[[Scene], Refusal]] = {
    "ActivityAlreadyExists": lambda s: Refusal(
        "CreateActivity",
        {"name": "refused", "encryptionConfiguration": _KEY},
        f"Activity Already Exists: '{s.activity}'",
    ),
    "ActivityDoesNotExist": lambda s: Refusal(
        "DescribeActivity", {"activityArn": f"{s.activity}-not"}, f"Activity Does Not Exist: '{s.activity}-not'"
    ),
    "ConflictException": lambda s: Refusal(
        "PublishStateMachineVersion",
        {"stateMachineArn": s.machine, "revisionId": "other"},
        "Failed to publish the State Machine version for revision other. "
        "The current State Machine revision is INITIAL.",
    ),
    "ExecutionAlreadyExists": lambda s: Refusal(
        "StartExecution",
        {"stateMachineArn": s.machine, "name": "succeeded"},
        f"Execution Already Exists: '{s.succeeded}'",
    ),
    "ExecutionDoesNotExist": lambda s: Refusal(
        "StopExecution", {"executionArn": f"{s.succeeded}-not"}, f"Execution Does Not Exist: '{s.succeeded}-not'"
    ),
    "ExecutionNotRedrivable": lambda s: Refusal(
        "RedriveExecution", {"executionArn": s.succeeded}, "Execution is SUCCEEDED and cannot be redriven"
    ),
    "InvalidArn": lambda s: Refusal(
        "DescribeStateMachine", {"stateMachineArn": "nonsense"}, "Invalid Arn: 'Invalid ARN prefix: nonsense'"
    ),
    "InvalidDefinition": lambda s: Refusal(
        "CreateStateMachine",
        _create(definition=json.dumps({"StartAt": "A"})),
        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /'",
    ),
    "InvalidEncryptionConfiguration": lambda s: Refusal(
        "CreateActivity",
        {"name": "another", "encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY"}},
        "Invalid Encryption Configuration: kmsKeyId must be set for CUSTOMER_MANAGED_KMS_KEY",
    ),
    "InvalidExecutionInput": lambda s: Refusal(
        "StartExecution",
        {"stateMachineArn": s.machine, "input": "not JSON"},
        "Invalid State Machine Execution Input: 'Unrecognized token 'not': was expecting "
        "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')'",
    ),
    "InvalidLoggingConfiguration": lambda s: Refusal(
        "UpdateStateMachine",
        {"stateMachineArn": s.machine, "loggingConfiguration": {"level": "ALL"}},
        "Invalid Logging Configuration: Must specify exactly one Log Destination.",
    ),
    "InvalidName": lambda s: Refusal("CreateActivity", {"name": "a b"}, "Invalid Name: 'a b'"),
    "InvalidOutput": lambda s: Refusal("SendTaskSuccess", {"taskToken": s.token, "output": "{"}, "Invalid Output: '"),
    "InvalidToken": lambda s: Refusal("ListActivities", {"nextToken": "forged"}, "Invalid Token: 'Invalid token'"),
    "InvalidTracingConfiguration": lambda s: Refusal(
        "CreateStateMachine",
        _create(tracingConfiguration={}),
        "Invalid Tracing Configuration: 'enabled' must be set to true or false.",
    ),
    "MissingRequiredParameter": lambda s: Refusal(
        "UpdateStateMachine",
        {"stateMachineArn": s.machine},
        "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified",
    ),
    "ResourceNotFound": lambda s: Refusal(
        "ListTagsForResource", {"resourceArn": f"{s.machine}:1"}, f"Resource not found: '{s.machine}:1'"
    ),
    "ServiceQuotaExceededException": lambda s: Refusal(
        "CreateStateMachineAlias",
        {"name": "more", "routingConfiguration": [{"stateMachineVersionArn": f"{s.machine}:1", "weight": 100}]},
        "A state machine may have 100 aliases",
    ),
    "StateMachineAlreadyExists": lambda s: Refusal(
        "CreateStateMachine",
        _create(name="refused", definition=FAIL),
        f"State Machine Already Exists: '{s.machine}'",
    ),
    "StateMachineDeleting": lambda s: Refusal(
        "StartExecution", {"stateMachineArn": s.busy}, f"State Machine is deleting: '{s.busy}'"
    ),
    "StateMachineDoesNotExist": lambda s: Refusal(
        "StartExecution", {"stateMachineArn": f"{s.machine}:7"}, f"State Machine Does Not Exist: '{s.machine}:7'"
    ),
    "StateMachineTypeNotSupported": lambda s: Refusal(
        "ListExecutions",
        {"stateMachineArn": s.express},
        "This operation is not supported by this type of state machine",
    ),
    "TaskTimedOut": lambda s: Refusal(
        "SendTaskHeartbeat", {"taskToken": _OLD_TOKEN}, "Task Timed Out: 'Provided task does not exist anymore'"
    ),
    "TooManyTags": lambda s: Refusal(
        "TagResource",
        {"resourceArn": s.machine, "tags": [{"key": str(n), "value": ""} for n in range(51)]},
        "A resource may have 50 tags, not 51",
    ),
    "ValidationException": lambda s: Refusal(
        "ListExecutions",
        {"stateMachineArn": s.machine, "maxResults": 1001, "nextToken": "x" * 3097},
        "2 validation errors detected: Value '1001' at 'maxResults' failed to satisfy constraint: "
        f"Member must have value less than or equal to 1000; Value '{'x' * 3097}' at 'nextToken' failed to satisfy "
        "constraint: Member must have length less than or equal to 3096",
    ),
}

NEVER = {
    "ActivityLimitExceeded": "10,000 activities",
    "ActivityWorkerLimitExceeded": "1,000 workers that wait at once",
    "ExecutionLimitExceeded": "1,000,000 open executions",
    "StateMachineLimitExceeded": "100,000 machines",
    "KmsAccessDeniedException": "nothing is encrypted",
    "KmsInvalidStateException": "nothing is encrypted",
    "KmsThrottlingException": "nothing is encrypted",
    "TaskDoesNotExist": "AWS answers TaskTimedOut or InvalidToken",
}
"""The errors that no request of a test provokes, and what would."""
