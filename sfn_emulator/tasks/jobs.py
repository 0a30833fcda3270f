"""The jobs behind ``.sync``: how each service is asked how a job is, what its end looks like, and how it is stopped.

Sources: the pages of each service under `Integrating optimized services`, and botocore's models. The result of a job
is what the service describes, in AWS's casing; a job that failed is States.TaskFailed with that description as cause.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.engine.ports import TaskRequest
from sfn_emulator.errors import TASK_FAILED, StateError
from sfn_emulator.tasks.clients import Clients, method_name, operation_model
from sfn_emulator.tasks.naming import member_v1
from sfn_emulator.tasks.patterns import Job
from sfn_emulator.tasks.shapes import millis, result
from sfn_emulator.values import UNSET, Unset, Value, dumps

Arguments = Callable[[Value, Value], dict[str, Any]]
"""(task input, what was submitted) → keyword arguments of a call."""


class Row(NamedTuple):
    """``look`` and ``stop`` are operations; ``job`` picks the job out of what ``look`` described, ``state`` its state.

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

ROWS: Final[dict[tuple[str, str], Row]] = {
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


def job(clients: Clients, row: Row) -> Job:
    """How a row's job is watched and stopped, through the service's own operations."""

    def look(request: TaskRequest, submitted: Value) -> Value | Unset:
        described = _ask(clients, request, row.service, row.look, row.looking(request.input, submitted))
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
    operation = operation_model(service, name)
    client = clients.client(service, request.identity.region)
    answer = getattr(client, method_name(operation.name))(**arguments)
    answer.pop("ResponseMetadata", None)
    return result(operation.output_shape, answer, member_v1, millis)
