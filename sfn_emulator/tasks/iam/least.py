"""The least policy a definition needs of its role: each Task's actions on the resources it names, and no more.

A resource that is computed at run time (a Path, an expression) is not known. Then the action is allowed on any
resource, and ``Least.wide`` names it. Sources: `IAM policies for integrated services`, `cw-logs`, `Using Map state in
Distributed mode`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sfn_emulator.asl.resource import Pattern, Resource, parse_resource
from sfn_emulator.engine.ports import Identity, TaskRequest
from sfn_emulator.tasks.iam.admission import LOG_DELIVERY, RULE_ACTIONS, RULES
from sfn_emulator.tasks.iam.needs import needs
from sfn_emulator.tasks.iam.policies import ANY

_TRACING: Final = (
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"),
)
_MEANWHILE: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("athena", "startQueryExecution"): ("athena:GetQueryExecution", "athena:StopQueryExecution"),
    ("batch", "submitJob"): ("batch:DescribeJobs", "batch:TerminateJob"),
    ("codebuild", "startBuild"): ("codebuild:BatchGetBuilds", "codebuild:StopBuild"),
    ("ecs", "runTask"): ("ecs:DescribeTasks", "ecs:StopTask"),
    ("elasticmapreduce", "addStep"): ("elasticmapreduce:DescribeStep", "elasticmapreduce:CancelSteps"),
    ("elasticmapreduce", "createCluster"): (
        *("elasticmapreduce:DescribeCluster", "elasticmapreduce:TerminateJobFlows"),
    ),
    ("glue", "startJobRun"): ("glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"),
    ("sagemaker", "createProcessingJob"): ("sagemaker:DescribeProcessingJob", "sagemaker:StopProcessingJob"),
    ("sagemaker", "createTrainingJob"): ("sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"),
    ("sagemaker", "createTransformJob"): ("sagemaker:DescribeTransformJob", "sagemaker:StopTransformJob"),
    ("states", "startExecution"): ("states:DescribeExecution", "states:StopExecution"),
}
"""Step Functions' further actions while it waits for a ``.sync`` job: it polls the job, and stops it."""


@dataclass(frozen=True, slots=True)
class Around:
    """The machine's partition, region, account and name; ``*`` if not known."""

    name: str = "*"
    region: str = "*"
    account: str = "*"
    logged: bool = False
    traced: bool = False

    def arn(self, kind: str, rest: str = "") -> str:
        return f"arn:aws:states:{self.region}:{self.account}:{kind}:{self.name}{rest}"


@dataclass(slots=True)
class Least:
    """``allowed`` is action → resources; ``wide`` are the states whose resource is not known, with the action."""

    allowed: dict[str, set[str]] = field(default_factory=dict)
    wide: list[tuple[str, str]] = field(default_factory=list)

    def allow(self, actions: Iterable[str], resource: str) -> None:
        for action in actions:
            self.allowed.setdefault(action, set()).add(resource)

    def document(self) -> dict[str, Any]:
        """An IAM policy: actions with the same resources in one statement, sorted."""
        together: dict[tuple[str, ...], list[str]] = {}
        for action, resources in self.allowed.items():
            kept = ("*",) if "*" in resources else tuple(sorted(resources))
            together.setdefault(kept, []).append(action)
        statements = [
            {"Effect": "Allow", "Action": sorted(actions), "Resource": list(kept) if len(kept) > 1 else kept[0]}
            for kept, actions in together.items()
        ]
        return {"Version": "2012-10-17", "Statement": sorted(statements, key=lambda s: str(s["Action"]))}


def least(definition: Mapping[str, Any], around: Around) -> Least:
    """The least policy for a definition's object. A Resource that is filled in later (``${Arn}``) counts as an invoked
    function.
    """
    found = Least()
    for name, state in _states(definition):
        if state.get("Type") == "Task":
            _task(found, name, state, around)
        if state.get("Type") == "Map":
            _map(found, name, state, around)
    if around.logged:
        found.allow((f"logs:{action}" for action in LOG_DELIVERY), "*")
    if around.traced:
        found.allow(_TRACING, "*")
    return found


def _states(branch: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    states = branch.get("States") if isinstance(branch, Mapping) else None
    for name, state in (states if isinstance(states, Mapping) else {}).items():
        if not isinstance(state, Mapping):
            continue
        yield name, state
        for inner in (*(state.get("Branches") or ()), state.get("ItemProcessor") or state.get("Iterator") or {}):
            yield from _states(inner)


def _task(found: Least, name: str, state: Mapping[str, Any], around: Around) -> None:
    text = str(state.get("Resource", ""))
    credentials = (state.get("Credentials") or {}).get("RoleArn")
    if credentials is not None:
        found.allow(["sts:AssumeRole"], credentials if _is_literal(credentials) else "*")
        return
    resource = parse_resource(text)
    if resource is None:
        found.allow(["lambda:InvokeFunction"], text)
        return
    for need in needs(_request(resource, _literal(state), around, name)):
        _needed(found, name, need.action, need.resource)
    if resource.pattern in (Pattern.SYNC, Pattern.SYNC_2):
        _job(found, resource, _literal(state), around)


def _needed(found: Least, state: str, action: str, resource: str) -> None:
    if resource == ANY and not action.startswith(("secretsmanager:", "states:Invoke")):
        found.wide.append((state, action))
    found.allow([action], resource)


def _job(found: Least, resource: Resource, given: Mapping[str, Any], around: Around) -> None:
    key = (resource.resource_type, resource.action)
    machine = given.get("StateMachineArn")
    place = "*"
    if key == ("states", "startExecution") and isinstance(machine, str):
        place = f"{machine.replace(':stateMachine:', ':execution:')}:*"
    found.allow(_MEANWHILE.get(key, ()), place)
    if key in RULES:
        found.allow(RULE_ACTIONS, f"arn:aws:events:{around.region}:{around.account}:rule/{RULES[key]}")


def _map(found: Least, name: str, state: Mapping[str, Any], around: Around) -> None:
    config = (state.get("ItemProcessor") or {}).get("ProcessorConfig") or {}
    if config.get("Mode") != "DISTRIBUTED":
        return
    found.allow(["states:StartExecution"], around.arn("stateMachine"))
    children = around.arn("execution", "/*") if around.name != "*" else around.arn("execution")
    found.allow(["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"], children)
    for field_, actions in (
        ("ItemReader", ("s3:GetObject",)),
        ("ResultWriter", ("s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")),
    ):
        spec = state.get(field_) or {}
        if spec.get("Resource"):
            given = _literal(spec)
            listed = str(spec["Resource"]).endswith(":listObjectsV2")
            bucket = given.get("Bucket")
            place = f"arn:aws:s3:::{bucket}" if bucket else "*"
            key = given.get("Key") or (f"{given['Prefix']}*" if given.get("Prefix") else "*")
            for action in ("s3:ListBucket",) if listed else actions:
                _needed(found, name, action, place if listed or place == "*" else f"{place}/{key}")


def _literal(state: Mapping[str, Any]) -> dict[str, Any]:
    """The literal parameters; computed ones are left out."""
    given = state.get("Arguments", state.get("Parameters"))
    return {key: value for key, value in given.items() if _is_told(key, value)} if isinstance(given, dict) else {}


def _is_told(key: str, value: Any) -> bool:
    return not key.endswith(".$") and (not isinstance(value, str) or _is_literal(value))


def _is_literal(value: Any) -> bool:
    return isinstance(value, str) and not value.startswith("{%")


def _request(resource: Resource, given: Mapping[str, Any], around: Around, state: str) -> TaskRequest:
    identity = Identity(
        execution_arn=around.arn("execution", ":*"),
        execution_name="*",
        machine_arn=around.arn("stateMachine"),
        machine_name=around.name,
        role_arn="",
        started_at=0.0,
        region=around.region,
    )
    return TaskRequest(resource, dict(given), "", identity, state, 0)
