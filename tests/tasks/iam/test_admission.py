"""What a state machine's role must allow when the machine is created."""

from collections.abc import Mapping
from typing import Any

import pytest

from sfn_emulator.engine.clock import VirtualClock
from sfn_emulator.tasks.iam.admission import NO_LOGS, NO_TRUST, Admission
from sfn_emulator.tasks.iam.policies import RolePolicy
from tests.service.world import PASS, ROLE, Refused, World, task

GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:g:*"
LOGGED = {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}]}
NESTED = task("arn:aws:states:::states:startExecution.sync:2", Parameters={"StateMachineArn": "arn:m"})
RULE = "arn:aws:events:us-east-1:000000000000:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"


def trust(principal: Any = "states.amazonaws.com", **more: Any) -> Mapping[str, Any]:
    return {
        "Statement": {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole", **more},
    }


class Roles:
    """One role."""

    def __init__(self, trusted: Mapping[str, Any], *allowed: tuple[str, str]) -> None:
        statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in allowed]
        self.role = RolePolicy([{"Statement": statements}], None, trusted)

    def of(self, role_arn: str) -> RolePolicy:
        return {ROLE: self.role}[role_arn]


def created(roles: Roles, definition: Mapping[str, Any] = PASS, **told: Any) -> str:
    """How CreateStateMachine refuses it, or nothing."""
    world = World()
    world.service.admissions = [Admission(roles, world.service.definitions, VirtualClock())]
    try:
        return world.machine(definition, **told) and ""
    except Refused as refused:
        return str(refused)
    finally:
        world.close()


@pytest.mark.parametrize(
    ("trusted", "admitted"),
    [
        (trust(), True),
        (trust("states.us-east-1.amazonaws.com"), True),
        (trust(["lambda.amazonaws.com", "states.amazonaws.com"]), True),
        (trust("states.eu-west-1.amazonaws.com"), False),
        (trust("lambda.amazonaws.com"), False),
        (trust(Effect="Deny"), False),
        (trust(Condition={"StringEquals": {"aws:SourceAccount": "000000000000"}}), True),
        (trust(Condition={"StringEquals": {"aws:SourceAccount": "111111111111"}}), False),
        (trust(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:states:us-east-1:000000000000:stateMachine:*"}}), True),
        ({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}, True),
        ({}, False),
    ],
)  # fmt: skip
def test_step_functions_must_be_able_to_assume_the_role(trusted: Mapping[str, Any], admitted: bool) -> None:
    assert created(Roles(trusted)) == ("" if admitted else f"AccessDeniedException: {NO_TRUST}")


def test_an_update_is_asked_about_too_and_a_role_that_is_not_there_trusts_no_one() -> None:
    world = World()
    machine = world.machine()
    world.service.admissions = [Admission(Roles(trust()), world.service.definitions, VirtualClock())]
    world.call("UpdateStateMachine", stateMachineArn=machine, roleArn=ROLE)
    with pytest.raises(Refused, match="Neither the global service principal"):
        world.call("UpdateStateMachine", stateMachineArn=machine, roleArn=ROLE + "-not")
    with pytest.raises(Refused, match="StateMachineDoesNotExist"):
        world.call("UpdateStateMachine", stateMachineArn=machine + "x", roleArn=ROLE)
    world.close()


def test_a_machine_that_is_logged_needs_leave_to_deliver() -> None:
    refused = f"AccessDeniedException: {NO_LOGS}"
    assert created(Roles(trust()), loggingConfiguration=LOGGED) == refused
    assert created(Roles(trust(), ("logs:*", GROUP)), loggingConfiguration=LOGGED) == refused
    assert created(Roles(trust(), ("logs:*", "*")), loggingConfiguration=LOGGED) == ""


def test_a_job_that_is_waited_for_needs_a_rule() -> None:
    refused = f"AccessDeniedException: '{ROLE}' is not authorized to create managed-rule."
    branches = {"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": [NESTED], "End": True}}}
    assert created(Roles(trust()), NESTED) == refused
    assert created(Roles(trust()), branches) == refused
    assert created(Roles(trust(), ("events:Put*", RULE)), NESTED) == refused
    assert created(Roles(trust(), ("events:*", RULE)), NESTED) == ""
