"""The jobs behind ``.sync``: how each service's job is polled, recognised as ended, and stopped.

Sources: the pages of each service under `Integrating optimized services`, and botocore's models. The result of a job is
the service's description of it, in AWS's casing. A failed job is States.TaskFailed with that description as cause.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.engine.ports import TaskRequest
from sfn_emulator.errors import TASK_FAILED, StateError
from sfn_emulator.tasks.clients import Clients, method_name, operation_model
from sfn_emulator.tasks.integrations import optimised
from sfn_emulator.tasks.patterns import Job
from sfn_emulator.tasks.sdk.failures import no_answer, refusal, unreachable
from sfn_emulator.tasks.sdk.naming import member_v1
from sfn_emulator.tasks.sdk.shapes import millis, result
from sfn_emulator.tasks.sdk.wire import request_id
from sfn_emulator.values import UNSET, Unset, Value, dumps

Arguments = Callable[[Value, Value], dict[str, Any]]
"""(task input, what was submitted) → keyword arguments of a call."""


class Row(NamedTuple):
    """``look`` and ``stop`` are operations; ``job`` picks the job out of the answer of ``look``, ``state`` its state.

    ``good`` and ``bad`` are the states a job ends in; ``ended`` picks the result out of the description.
    """

    service: str
    look: str
    looking: Arguments
    job: Callable[[Value], Value]
    state: Callable[[Value], str]
    good: frozenset[str]
    bad: frozenset[str]
    ended: Callable[[Value], Value]
    stop: str | None = None
    stopping: Arguments | None = None
    until_gone: bool = False
    """Whether the job is done when the service no longer knows the thing."""


def _whole(described: Value) -> Value:
    return described


def _first(name: str) -> Callable[[Value], Value]:
    return lambda described: (described.get(name) or [{}])[0]


def _member(name: str) -> Callable[[Value], Value]:
    return lambda described: described.get(name, {})


def _ecs_state(task: Value) -> str:
    if task.get("LastStatus") != "STOPPED":
        return "RUNNING"
    codes = [container.get("ExitCode") for container in task.get("Containers") or []]
    return "SUCCEEDED" if task.get("StopCode") != "TaskFailedToStart" and not any(codes) else "FAILED"


_SAGEMAKER_GOOD: Final = frozenset({"Completed"})
_SAGEMAKER_BAD: Final = frozenset({"Failed", "Stopped"})


def _sagemaker(kind: str, name: str, status: str) -> Row:
    key = f"{name}Name"
    return Row(
        "sagemaker",
        f"describe{kind}",
        lambda given, _: {key: given[key]},
        _whole,
        lambda job: str(job.get(status)),
        _SAGEMAKER_GOOD,
        _SAGEMAKER_BAD,
        _whole,
        f"stop{kind}",
        lambda given, _: {key: given[key]},
    )


def _build(look: str, listed: str, submitted: str, stop: str) -> Row:
    return Row(
        "codebuild",
        look,
        lambda _, told: {"ids": [told[submitted]["Id"]]},
        _first(listed),
        lambda job: str(job.get("BuildStatus") or job.get("BuildBatchStatus")),
        frozenset({"SUCCEEDED"}),
        frozenset({"FAILED", "FAULT", "TIMED_OUT", "STOPPED"}),
        lambda described: {submitted: (described.get(listed) or [{}])[0]},
        stop,
        lambda _, told: {"id": told[submitted]["Id"]},
    )


def _cluster(good: frozenset[str], bad: frozenset[str], cluster: Arguments) -> Row:
    return Row(
        "emr",
        "describeCluster",
        cluster,
        _member("Cluster"),
        lambda job: str(job.get("Status", {}).get("State")),
        good,
        bad,
        _whole,
        "terminateJobFlows",
        lambda given, told: {"JobFlowIds": [cluster(given, told)["ClusterId"]]},
    )


_CODEBUILD: Final = {
    "startBuild": _build("batchGetBuilds", "Builds", "Build", "stopBuild"),
    "startBuildBatch": _build("batchGetBuildBatches", "BuildBatches", "BuildBatch", "stopBuildBatch"),
    "retryBuildBatch": _build("batchGetBuildBatches", "BuildBatches", "BuildBatch", "stopBuildBatch"),
}


def _simple(
    service: str, look: str, looking: Arguments, job: str, state: str, good: str, bad: str, *, until_gone: bool = False
) -> Row:
    """A row for a thing that is described in one member, with its state in one member of that."""
    return Row(
        service,
        look,
        looking,
        _member(job) if job else _whole,
        lambda told: str(told.get(state)),
        frozenset(good.split()),
        frozenset(bad.split()),
        _whole,
        until_gone=until_gone,
    )


def _eks(kind: str, noun: str, parameter: str) -> dict[tuple[str, str], Row]:
    look = f"describe{kind}"

    def names(given: Value, _: Value) -> dict[str, Any]:
        if noun == "Cluster":
            return {"name": given["Name"]}
        return {"clusterName": given["ClusterName"], parameter: given[parameter[0].upper() + parameter[1:]]}

    failed = "FAILED CREATE_FAILED DELETE_FAILED DEGRADED"
    return {
        ("eks", f"create{kind}"): _simple("eks", look, names, noun, "Status", "ACTIVE", failed),
        ("eks", f"delete{kind}"): _simple("eks", look, names, noun, "Status", "", failed, until_gone=True),
    }


def _application(good: str) -> Row:
    def names(given: Value, told: Value) -> dict[str, Any]:
        return {"applicationId": told.get("ApplicationId") or given["ApplicationId"]}

    return _simple(
        "emr-serverless",
        "getApplication",
        names,
        "Application",
        "State",
        good,
        "TERMINATED" if good != "TERMINATED" else "",
    )


def _serverless_run(good: str, bad: str) -> Row:
    def names(given: Value, told: Value) -> dict[str, Any]:
        return {"applicationId": given["ApplicationId"], "jobRunId": told["JobRunId"]}

    row = _simple("emr-serverless", "getJobRun", names, "JobRun", "State", good, bad)
    return row._replace(stop="cancelJobRun", stopping=names)


ROWS: Final[dict[tuple[str, str], Row]] = {
    **_eks("Cluster", "Cluster", "name"),
    **_eks("Nodegroup", "Nodegroup", "nodegroupName"),
    **_eks("FargateProfile", "FargateProfile", "fargateProfileName"),
    ("bedrock", "createModelCustomizationJob"): _simple(
        "bedrock",
        "getModelCustomizationJob",
        lambda _, told: {"jobIdentifier": told["JobArn"]},
        "",
        "Status",
        "Completed",
        "Failed Stopped",
    ),
    ("emr-containers", "deleteVirtualCluster"): _simple(
        "emr-containers",
        "describeVirtualCluster",
        lambda given, _: {"id": given["Id"]},
        "VirtualCluster",
        "State",
        "TERMINATED",
        "ARRESTED",
    ),
    ("emr-containers", "startJobRun"): _simple(
        "emr-containers",
        "describeJobRun",
        lambda given, told: {"virtualClusterId": given["VirtualClusterId"], "id": told["Id"]},
        "JobRun",
        "State",
        "COMPLETED",
        "FAILED CANCELLED",
    )._replace(
        stop="cancelJobRun",
        stopping=lambda given, told: {"virtualClusterId": given["VirtualClusterId"], "id": told["Id"]},
    ),
    ("emr-serverless", "createApplication"): _application("CREATED STARTED STOPPED"),
    ("emr-serverless", "startApplication"): _application("STARTED"),
    ("emr-serverless", "stopApplication"): _application("STOPPED CREATED"),
    ("emr-serverless", "deleteApplication"): _application("TERMINATED"),
    ("emr-serverless", "startJobRun"): _serverless_run("SUCCESS", "FAILED CANCELLED"),
    ("emr-serverless", "cancelJobRun"): _serverless_run("CANCELLED", "FAILED SUCCESS"),
    ("mediaconvert", "createJob"): _simple(
        "mediaconvert",
        "getJob",
        lambda _, told: {"Id": told["Job"]["Id"]},
        "Job",
        "Status",
        "COMPLETE",
        "ERROR CANCELED",
    )._replace(stop="cancelJob", stopping=lambda _, told: {"Id": told["Job"]["Id"]}),
    **{("codebuild", name): row for name, row in _CODEBUILD.items()},
    ("athena", "startQueryExecution"): Row(
        "athena",
        "getQueryExecution",
        lambda _, told: {"QueryExecutionId": told["QueryExecutionId"]},
        _member("QueryExecution"),
        lambda job: str(job.get("Status", {}).get("State")),
        frozenset({"SUCCEEDED"}),
        frozenset({"FAILED", "CANCELLED"}),
        _whole,
        "stopQueryExecution",
        lambda _, told: {"QueryExecutionId": told["QueryExecutionId"]},
    ),
    ("batch", "submitJob"): Row(
        "batch",
        "describeJobs",
        lambda _, told: {"jobs": [told["JobId"]]},
        _first("Jobs"),
        lambda job: str(job.get("Status")),
        frozenset({"SUCCEEDED"}),
        frozenset({"FAILED"}),
        _first("Jobs"),
        "terminateJob",
        lambda _, told: {"jobId": told["JobId"], "reason": "Task was aborted by Step Functions."},
    ),
    ("databrew", "startJobRun"): Row(
        "databrew",
        "describeJobRun",
        lambda given, told: {"Name": given["Name"], "RunId": told["RunId"]},
        _whole,
        lambda job: str(job.get("State")),
        frozenset({"SUCCEEDED"}),
        frozenset({"FAILED", "STOPPED", "TIMEOUT"}),
        _whole,
        "stopJobRun",
        lambda given, told: {"Name": given["Name"], "RunId": told["RunId"]},
    ),
    ("ecs", "runTask"): Row(
        "ecs",
        "describeTasks",
        lambda _, told: {"cluster": told["Tasks"][0]["ClusterArn"], "tasks": [told["Tasks"][0]["TaskArn"]]},
        _first("Tasks"),
        _ecs_state,
        frozenset({"SUCCEEDED"}),
        frozenset({"FAILED"}),
        _first("Tasks"),
        "stopTask",
        lambda _, told: {"cluster": told["Tasks"][0]["ClusterArn"], "task": told["Tasks"][0]["TaskArn"]},
    ),
    ("elasticmapreduce", "createCluster"): _cluster(
        frozenset({"WAITING", "TERMINATED"}),
        frozenset({"TERMINATED_WITH_ERRORS"}),
        lambda _, told: {"ClusterId": told["JobFlowId"]},
    ),
    ("elasticmapreduce", "terminateCluster"): _cluster(
        frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"}),
        frozenset(),
        lambda given, _: {"ClusterId": given["ClusterId"]},
    ),
    ("elasticmapreduce", "addStep"): Row(
        "emr",
        "describeStep",
        lambda given, told: {"ClusterId": given["ClusterId"], "StepId": told["StepId"]},
        _member("Step"),
        lambda job: str(job.get("Status", {}).get("State")),
        frozenset({"COMPLETED"}),
        frozenset({"CANCELLED", "FAILED", "INTERRUPTED"}),
        _whole,
        "cancelSteps",
        lambda given, told: {"ClusterId": given["ClusterId"], "StepIds": [told["StepId"]]},
    ),
    ("glue", "startJobRun"): Row(
        "glue",
        "getJobRun",
        lambda given, told: {"JobName": given["JobName"], "RunId": told["JobRunId"]},
        _member("JobRun"),
        lambda job: str(job.get("JobRunState")),
        frozenset({"SUCCEEDED"}),
        frozenset({"FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}),
        _member("JobRun"),
        "batchStopJobRun",
        lambda given, told: {"JobName": given["JobName"], "JobRunIds": [told["JobRunId"]]},
    ),
    ("sagemaker", "createTrainingJob"): _sagemaker("TrainingJob", "TrainingJob", "TrainingJobStatus"),
    ("sagemaker", "createTransformJob"): _sagemaker("TransformJob", "TransformJob", "TransformJobStatus"),
    ("sagemaker", "createProcessingJob"): _sagemaker("ProcessingJob", "ProcessingJob", "ProcessingJobStatus"),
    ("sagemaker", "createLabelingJob"): _sagemaker("LabelingJob", "LabelingJob", "LabelingJobStatus"),
    ("sagemaker", "createHyperParameterTuningJob"): _sagemaker(
        "HyperParameterTuningJob", "HyperParameterTuningJob", "HyperParameterTuningJobStatus"
    ),
}


_ERRORS: Final = {row.botocore: row.errors for row in optimised.ROWS.values()}


def job(clients: Clients, row: Row) -> Job:
    """A row's job, polled and stopped by the service's own operations."""

    def look(request: TaskRequest, submitted: Value) -> Value | Unset:
        try:
            described = _ask(clients, request, row.service, row.look, row.looking(request.input, submitted))
        except StateError as error:
            if row.until_gone and ".ResourceNotFound" in error.error:
                return submitted
            raise
        state = row.state(row.job(described))
        if state in row.good:
            return row.ended(described)
        if state in row.bad:
            raise StateError(TASK_FAILED, dumps(row.ended(described)))
        return UNSET

    def stop(request: TaskRequest, submitted: Value) -> None:
        if row.stop is not None and row.stopping is not None:
            _ask(clients, request, row.service, row.stop, row.stopping(request.input, submitted))

    return Job(look, stop)


def _ask(clients: Clients, request: TaskRequest, service: str, name: str, arguments: Mapping[str, Any]) -> Value:
    from botocore.exceptions import ClientError

    operation = operation_model(service, name)
    client = clients.client(service, request.identity.region)
    try:
        answer = getattr(client, method_name(operation.name))(**arguments)
    except ClientError as error:
        said = refusal(error, operation.service_model, request_id(request.token, service))
        raise _ERRORS[service].error(said.code, said.message, said.status, said.request_id, said.shape) from None
    except no_answer() as error:
        raise unreachable(_ERRORS[service].prefix, error) from None
    answer.pop("ResponseMetadata", None)
    return result(operation.output_shape, answer, member_v1, millis)
