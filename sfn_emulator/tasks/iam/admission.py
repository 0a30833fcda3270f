"""``--iam enforce`` when a state machine is created or updated: the permissions that its role must have already then.

Sources: Step Functions guide, `Creating an IAM role for your state machine` (trust), `cw-logs` (log delivery), `IAM
policies for integrated services` (the rules that report the ends of .sync jobs). Each refusal is AWS's, as users have
reported it.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.resource import Pattern, Resource
from sfn_emulator.engine.ports import Clock
from sfn_emulator.service import arns
from sfn_emulator.service.errors import ApiError
from sfn_emulator.service.machines.definitions import Definitions, resources
from sfn_emulator.service.store.records import Revision, StateMachine
from sfn_emulator.service.surroundings import Surroundings
from sfn_emulator.tasks.iam.policies import NO_RESOURCE, Decision, Policies, RolePolicy, trusts
from sfn_emulator.tasks.sdk import wire

NO_TRUST: Final = (
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the "
    "provided role."
)
NO_LOGS: Final = "The state machine IAM Role is not authorized to access the Log Destination"
NO_RULE: Final = "'{role}' is not authorized to create managed-rule."

LOG_DELIVERY: Final = (
    *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
    *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
)
RULE_ACTIONS: Final = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
RULES: Final = {
    ("batch", "submitJob"): "StepFunctionsGetEventsForBatchJobsRule",
    ("codebuild", "startBuild"): "StepFunctionsGetEventForCodeBuildStartBuildRule",
    ("ecs", "runTask"): "StepFunctionsGetEventsForECSTaskRule",
    ("sagemaker", "createProcessingJob"): "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    ("sagemaker", "createTrainingJob"): "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    ("sagemaker", "createTransformJob"): "StepFunctionsGetEventsForSageMakerTransformJobsRule",
    ("states", "startExecution"): "StepFunctionsGetEventsForStepFunctionsExecutionRule",
}
"""The managed rule by which Step Functions learns of a .sync job's end. Other jobs are polled, or not known."""


class Wanted(NamedTuple):
    """The parts of a new machine that concern its role. ``jobs`` are the resources of its Tasks."""

    role_arn: str
    machine_arn: str
    region: str
    account: str
    logged: bool
    jobs: tuple[Resource, ...]


class Admission:
    """The check before CreateStateMachine and UpdateStateMachine. Raises ``ApiError``, as on AWS."""

    def __init__(self, policies: Policies, definitions: Definitions, clock: Clock) -> None:
        self._policies = policies
        self._definitions = definitions
        self._clock = clock

    async def __call__(self, around: Surroundings, told: Mapping[str, Any]) -> None:
        wanted = self._wanted(around, told)
        if wanted is not None:
            await asyncio.to_thread(self._check, wanted)

    def _wanted(self, around: Surroundings, told: Mapping[str, Any]) -> Wanted | None:
        """The machine to check; ``None`` for an update without changes, which is refused anyway."""
        if "stateMachineArn" in told:
            arn = arns.parse(told["stateMachineArn"], "stateMachine").base
            machine = around.store.get(StateMachine, arn)
            revision = None if machine is None else around.store.get(Revision, machine.revision)
            if machine is None or revision is None:
                return None
            role, kind = told.get("roleArn", revision.role_arn), machine.type
        else:
            arn, role = around.place.arn("stateMachine", told["name"]), told["roleArn"]
            kind = MachineType(told.get("type", MachineType.STANDARD))
        jobs = resources(self._definitions.check(told["definition"], kind)) if "definition" in told else ()
        logged = told.get("loggingConfiguration", {}).get("level", "OFF") != "OFF"
        return Wanted(role, arn, around.place.region, around.place.account, logged, tuple(jobs))

    def _check(self, wanted: Wanted) -> None:
        context = self._context(wanted)
        services = ("states.amazonaws.com", f"states.{wanted.region}.amazonaws.com")
        role = self._role(wanted.role_arn)
        if not trusts(role.trust, {"Service": services}, context):
            raise _denied(NO_TRUST)
        delivery = [f"logs:{action}" for action in LOG_DELIVERY] if wanted.logged else ()
        if not _allows(role, delivery, NO_RESOURCE, context):
            raise _denied(NO_LOGS)
        for rule in _rules(wanted):
            if not _allows(role, RULE_ACTIONS, rule, context):
                raise _denied(NO_RULE.format(role=wanted.role_arn))

    def _role(self, arn: str) -> RolePolicy:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._policies.of(arn)
        except LookupError:
            raise _denied(NO_TRUST) from None
        except (BotoCoreError, ClientError) as error:
            raise _denied(f"The policies of '{arn}' could not be read: {error}") from None

    def _context(self, wanted: Wanted) -> Mapping[str, str]:
        now = self._clock.now()
        return {
            "aws:currenttime": wire.iso_date(now),
            "aws:epochtime": str(int(now)),
            "aws:principalarn": wanted.role_arn,
            "aws:requestedregion": wanted.region,
            "aws:securetransport": "true",
            "aws:sourceaccount": wanted.account,
            "aws:sourcearn": wanted.machine_arn,
        }


def _allows(role: RolePolicy, actions: Iterable[str], resource: str, context: Mapping[str, str]) -> bool:
    return all(role.decide(action, resource, context) is Decision.ALLOWED for action in actions)


def _rules(wanted: Wanted) -> list[str]:
    names = {
        RULES[job.resource_type, job.action]
        for job in wanted.jobs
        if job.pattern in (Pattern.SYNC, Pattern.SYNC_2) and (job.resource_type, job.action) in RULES
    }
    return [f"arn:aws:events:{wanted.region}:{wanted.account}:rule/{name}" for name in sorted(names)]


def _denied(text: str) -> ApiError:
    return ApiError("AccessDeniedException", text)
