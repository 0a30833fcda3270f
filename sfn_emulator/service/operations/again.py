"""Starts an execution at a state of an earlier one, with that state's data as it was, or changed.

AWS has no such operation. The new one is an execution of its own: name, ARN, time and seed are new, and its Origin says
which state it began at and of which execution (docs/decisions/0036). What ran before that state does not run again.
"""

from collections.abc import Mapping
from typing import Any

from sfn_emulator.asl.model import MachineType
from sfn_emulator.service import arns
from sfn_emulator.service.errors import refuse
from sfn_emulator.service.inputs import read_input
from sfn_emulator.service.machines.definitions import Definitions
from sfn_emulator.service.machines.revisions import revision_of
from sfn_emulator.service.names import check_name
from sfn_emulator.service.operations.executions import Executions
from sfn_emulator.service.store.records import Execution, Origin, StateMachine
from sfn_emulator.service.surroundings import Surroundings


def start_again(
    around: Surroundings, executions: Executions, definitions: Definitions, of: Execution, told: Mapping[str, Any]
) -> Execution:
    """``told`` holds ``state`` and ``event`` (by which ``of`` entered it); ``data``, ``variables`` and ``input`` (of
    the whole execution) as JSON texts; ``name``; and ``current``: by the present definition, not by the one that ``of``
    ran by.

    Raises ``ApiError`` like StartExecution, and for a state that is not on the definition's top level.
    """
    machine = around.store.get(StateMachine, of.machine_arn)
    if of.map_run_arn is not None:
        raise refuse("ValidationException", "A child of a Map Run can't be started again by itself: start its parent.")
    if machine is None or machine.deleting:
        raise refuse("StateMachineDoesNotExist", of.machine_arn)
    wanted = _wanted(around, machine, of, told)
    origin = wanted.origin
    assert origin is not None
    if origin.state not in definitions.model(revision_of(around, wanted.revision)).body.states:
        which = "as it is now" if told.get("current") else "it ran by"
        text = f"There is no state '{origin.state}' on the top level of the definition {which}."
        raise refuse("ValidationException", text)
    read_input(origin.data)
    if not isinstance(read_input(origin.variables), dict):
        raise refuse("ValidationException", "Variables are an object: their names with their values.")
    standard = wanted.type is MachineType.STANDARD
    if standard and executions.found(around, wanted.arn) is not None:
        raise refuse("ExecutionAlreadyExists", wanted.arn)
    return executions.begin(around, wanted).execution


def _wanted(around: Surroundings, machine: StateMachine, of: Execution, told: Mapping[str, Any]) -> Execution:
    name, current = told.get("name") or around.new_id(), bool(told.get("current"))
    check_name(name)
    express = around.new_id() if machine.type is MachineType.EXPRESS else None
    event, variables = int(told.get("event") or 0), told.get("variables") or "{}"
    return Execution(
        arn=around.place.execution_of(arns.parse(machine.arn, "stateMachine").text, name, express),
        name=name,
        machine_arn=machine.arn,
        revision=machine.revision if current else of.revision,
        type=machine.type,
        started_at=around.now(),
        input=told.get("input") or of.input,
        seed=around.new_id(),
        version_arn=None if current else of.version_arn,
        alias_arn=None if current else of.alias_arn,
        test_case=of.test_case,
        origin=Origin(of.arn, event, str(told.get("state", "")), told.get("data", "{}"), variables),
    )
