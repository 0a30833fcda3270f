"""The optimised integrations that are one operation of a service: their parameters, their results with the HTTP
metadata, their errors in the Java SDK 1's form, and the patterns of each.

Source: `Integrating optimized services with Step Functions` and the pages of each service; shapes and texts from
recordings. Jobs that ``.sync`` waits for are in ``jobs``.
"""

from typing import Any, Final, NamedTuple

from sfn_emulator.asl.resource import Pattern
from sfn_emulator.engine.ports import Clock, TaskRequest
from sfn_emulator.errors import StateError
from sfn_emulator.tasks.clients import Clients, method_name, operation_model
from sfn_emulator.tasks.sdk import wire
from sfn_emulator.tasks.sdk.failures import ServiceV1, no_answer, nulls, refusal, unreachable
from sfn_emulator.tasks.sdk.naming import member_v1
from sfn_emulator.tasks.sdk.shapes import Parameters, Rules, json_or_text, millis, result
from sfn_emulator.values import Value, dumps

_RR, _SYNC, _SYNC_2 = Pattern.REQUEST_RESPONSE, Pattern.SYNC, Pattern.SYNC_2
_TOKEN = Pattern.WAIT_FOR_TASK_TOKEN

PLAIN: Final = frozenset({_RR})
CALLBACK: Final = frozenset({_RR, _TOKEN})
JOB: Final = frozenset({_RR, _SYNC})
JOB_OR_CALLBACK: Final = frozenset({_RR, _SYNC, _TOKEN})

ATHENA = ServiceV1("Athena", "AmazonAthena", "AmazonAthenaException")
BATCH = ServiceV1("Batch", "AWSBatch", "AWSBatchException")
BEDROCK = ServiceV1("Bedrock", "AmazonBedrock", "AmazonBedrockException")
CODEBUILD = ServiceV1("CodeBuild", "AWSCodeBuild", "AWSCodeBuildException")
DYNAMODB = ServiceV1("DynamoDB", "AmazonDynamoDBv2", "AmazonDynamoDBException")
ECS = ServiceV1("ECS", "AmazonECS", "AmazonECSException")
EKS = ServiceV1("EKS", "AmazonEKS", "AmazonEKSException")
EMR_CONTAINERS = ServiceV1("EMRContainers", "AmazonEMRContainers", "AmazonEMRContainersException")
EMR_SERVERLESS = ServiceV1("EMRServerless", "EMRServerless", "EMRServerlessException")
EMR = ServiceV1("ElasticMapReduce", "AmazonElasticMapReduce", "AmazonElasticMapReduceException")
EVENTS = ServiceV1("EventBridge", "AmazonEventBridge", "AmazonEventBridgeException")
GLUE = ServiceV1("Glue", "AWSGlue", "AWSGlueException")
DATABREW = ServiceV1("DataBrew", "AWSGlueDataBrew", "AWSGlueDataBrewException")
MEDIACONVERT = ServiceV1("MediaConvert", "AWSMediaConvert", "AWSMediaConvertException")
SAGEMAKER = ServiceV1("SageMaker", "AmazonSageMaker", "AmazonSageMakerException")
SNS = ServiceV1("SNS", "AmazonSNS", "AmazonSNSException")
SQS = ServiceV1("SQS", "AmazonSQS", "AmazonSQSException")


class Row(NamedTuple):
    """``botocore`` and ``operation`` name the call; ``patterns`` are the possible ends of the Resource."""

    errors: ServiceV1
    botocore: str
    operation: str
    patterns: frozenset[Pattern] = PLAIN
    metadata: bool = True


def _rows(service: str, errors: ServiceV1, plain: str = "", jobs: str = "") -> dict[tuple[str, str], Row]:
    """Rows for actions whose service and operation have the same names in botocore."""
    return {
        **{(service, action): Row(errors, service, action) for action in plain.split()},
        **{(service, action): Row(errors, service, action, JOB) for action in jobs.split()},
    }


ROWS: Final[dict[tuple[str, str], Row]] = {
    **_rows("athena", ATHENA, "stopQueryExecution getQueryExecution getQueryResults", "startQueryExecution"),
    **_rows("batch", BATCH, jobs="submitJob"),
    **_rows("bedrock", BEDROCK, jobs="createModelCustomizationJob"),
    ("bedrock", "invokeModel"): Row(BEDROCK, "bedrock-runtime", "invokeModel", metadata=False),
    **_rows(
        "codebuild",
        CODEBUILD,
        "stopBuild batchDeleteBuilds batchGetReports stopBuildBatch deleteBuildBatch",
        "startBuild startBuildBatch retryBuildBatch",
    ),
    **_rows("databrew", DATABREW, jobs="startJobRun"),
    **_rows("dynamodb", DYNAMODB, "getItem putItem updateItem deleteItem"),
    ("ecs", "runTask"): Row(ECS, "ecs", "runTask", JOB_OR_CALLBACK),
    **_rows(
        "eks",
        EKS,
        jobs="createCluster deleteCluster createFargateProfile deleteFargateProfile createNodegroup deleteNodegroup",
    ),
    ("elasticmapreduce", "createCluster"): Row(EMR, "emr", "runJobFlow", JOB),
    ("elasticmapreduce", "addStep"): Row(EMR, "emr", "addJobFlowSteps", JOB),
    ("elasticmapreduce", "cancelStep"): Row(EMR, "emr", "cancelSteps"),
    ("elasticmapreduce", "setClusterTerminationProtection"): Row(EMR, "emr", "setTerminationProtection"),
    ("elasticmapreduce", "terminateCluster"): Row(EMR, "emr", "terminateJobFlows", JOB),
    **_rows("emr-containers", EMR_CONTAINERS, "createVirtualCluster", "deleteVirtualCluster startJobRun"),
    **_rows(
        "emr-serverless",
        EMR_SERVERLESS,
        jobs="createApplication startApplication stopApplication deleteApplication startJobRun cancelJobRun",
    ),
    ("events", "putEvents"): Row(EVENTS, "events", "putEvents", CALLBACK, metadata=False),
    **_rows("glue", GLUE, jobs="startJobRun"),
    **_rows("mediaconvert", MEDIACONVERT, jobs="createJob"),
    **_rows(
        "sagemaker",
        SAGEMAKER,
        "createEndpoint createEndpointConfig createModel updateEndpoint",
        "createHyperParameterTuningJob createLabelingJob createProcessingJob createTrainingJob createTransformJob",
    ),
    ("sns", "publish"): Row(SNS, "sns", "publish", CALLBACK),
    ("sqs", "sendMessage"): Row(SQS, "sqs", "sendMessage", CALLBACK),
}

DOCUMENTS: Final = frozenset({"Detail", "Input", "Message", "MessageBody"})
"""Strings that may be given as JSON, by the pages of EventBridge, Step Functions, SNS and SQS (recorded)."""

RULES: Final = {
    # Java's AttributeValue(String), in AWS's own samples
    "dynamodb": Rules(member_v1, texts={"AttributeValue": "S"}, documents=frozenset()),
    "batch": Rules(member_v1, documents=frozenset(), own_case=True),  # the guide writes RetryStrategy like this
}
_OTHERS: Final = Rules(member_v1, documents=DOCUMENTS)

_HEADERS: Final[dict[str, wire.HeadersOf]] = {"dynamodb": wire.dynamodb}


class OptimisedAction:
    """One row, ready to be called."""

    def __init__(self, clients: Clients, clock: Clock, row: Row) -> None:
        self._clients = clients
        self._clock = clock
        self.row = row
        self.operation = operation_model(row.botocore, row.operation)
        self._parameters = Parameters(self.operation.input_shape, RULES.get(row.botocore, _OTHERS))

    def problems(self, value: Value) -> list[str]:
        return self._parameters.problems(value)

    def __call__(self, request: TaskRequest) -> Value:
        answer, request_id = self.send(request, self._parameters(request.input))
        return self.shaped(answer, request_id)

    def shaped(self, answer: dict[str, Any], request_id: str) -> dict[str, Value]:
        """The result in AWS's casing, with the HTTP answer's metadata."""
        named: dict[str, Value] = result(self.operation.output_shape, answer, member_v1, millis)
        if not self.row.metadata:
            return named
        headers = _HEADERS.get(self.row.botocore, wire.common)
        model = self.operation.service_model
        sent = headers(model, answer, self.operation, request_id, self._clock.now())
        return dict(sorted({**named, **wire.metadata(sent, request_id)}.items()))

    def send(self, request: TaskRequest, arguments: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The answer and its request id. Raises ``StateError`` in the SDK's form."""
        from botocore.exceptions import ClientError

        seed = wire.request_id(f"{request.token}{request.attempt}", self.row.botocore)
        missing = nulls(self.operation, arguments) if self._clients.is_ours(self.row.botocore) else None
        if missing is not None:
            raise self.row.errors.error(missing.code, missing.message, missing.status, seed, missing.shape)
        client = self._clients.client(self.row.botocore, request.identity.region)
        try:
            answer: dict[str, Any] = getattr(client, method_name(self.operation.name))(**arguments)
        except ClientError as error:
            said = refusal(error, self.operation.service_model, seed)
            raise self.row.errors.error(said.code, said.message, said.status, said.request_id, said.shape) from None
        except no_answer() as error:
            raise unreachable(self.row.errors.prefix, error) from None
        answer.pop("ResponseMetadata", None)
        return answer, seed


class PutEvents(OptimisedAction):
    """``events:putEvents`` names the execution and its machine in every event, and fails if any entry failed."""

    def __call__(self, request: TaskRequest) -> Value:
        arguments = self._parameters(request.input)
        about = [request.identity.execution_arn, request.identity.machine_arn]
        entries = [{**e, "Resources": [*(e.get("Resources") or []), *about]} for e in arguments["Entries"]]
        answer, request_id = self.send(request, {**arguments, "Entries": entries})
        named = self.shaped(answer, request_id)
        if named.get("FailedEntryCount"):
            raise StateError(f"{self.row.errors.prefix}.FailedEntry", dumps(named))
        return named


class RunTask(OptimisedAction):
    """``ecs:runTask`` fails if ECS could place no task."""

    def __call__(self, request: TaskRequest) -> Value:
        named: dict[str, Value] = super().__call__(request)
        if named.get("Failures") and not named.get("Tasks"):
            raise StateError("ECS.AmazonECSException", dumps(named["Failures"]))
        return named


class InvokeModel(OptimisedAction):
    """``bedrock:invokeModel`` takes and gives its Body as JSON."""

    def __call__(self, request: TaskRequest) -> Value:
        named: dict[str, Value] = super().__call__(request)
        return {**named, "Body": json_or_text(named.get("Body") or "null")}


class AddStep(OptimisedAction):
    """EMR's integrations have clusters and single steps where its API has job flows and lists."""

    def problems(self, value: Value) -> list[str]:
        return _missing(value, _RENAMED[self.row.operation]) or self._parameters.problems(self._renamed(value))

    def _renamed(self, told: dict[str, Value]) -> dict[str, Value]:
        rename = _RENAMED[self.row.operation]
        given = {to: _wrapped(to, told[name]) for name, to in rename.items() if name in told}
        return {**{name: value for name, value in told.items() if name not in rename}, **given}

    def __call__(self, request: TaskRequest) -> Value:
        answer, request_id = self.send(request, self._parameters(self._renamed(request.input)))
        named = self.shaped(answer, request_id)
        steps = named.pop("StepIds", None)
        return {"StepId": steps[0], **named} if steps else named


_RENAMED: Final = {
    "addJobFlowSteps": {"ClusterId": "JobFlowId", "Step": "Steps"},
    "cancelSteps": {"ClusterId": "ClusterId", "StepId": "StepIds"},
    "setTerminationProtection": {"ClusterId": "JobFlowIds", "TerminationProtected": "TerminationProtected"},
    "terminateJobFlows": {"ClusterId": "JobFlowIds"},
}


def _wrapped(name: str, value: Value) -> Value:
    return [value] if name in ("Steps", "StepIds", "JobFlowIds") else value


def _missing(value: Value, required: dict[str, str]) -> list[str]:
    given = value if isinstance(value, dict) else {}
    return [f"The field '{name}' is required but was missing" for name in required if given.get(name) is None]


_SPECIAL: Final[dict[str, type[OptimisedAction]]] = {
    "invokeModel": InvokeModel,
    "putEvents": PutEvents,
    "runTask": RunTask,
    **dict.fromkeys(_RENAMED, AddStep),
}


def action(clients: Clients, clock: Clock, service: str, name: str) -> OptimisedAction | None:
    """The action behind ``states:::service:name``; None if there is no such row."""
    row = ROWS.get((service, name))
    if row is None:
        return None
    return _SPECIAL.get(row.operation, OptimisedAction)(clients, clock, row)
