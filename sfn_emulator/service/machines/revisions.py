"""Stored state machines and their revisions: finds them, and removes them with everything that depends on them."""

from sfn_emulator.service import arns
from sfn_emulator.service.errors import refuse
from sfn_emulator.service.store.database import DamagedRowError
from sfn_emulator.service.store.records import Alias, Revision, StateMachine, Version
from sfn_emulator.service.surroundings import Surroundings


def machine_at(around: Surroundings, arn: str) -> StateMachine:
    """The machine with this unqualified ARN; raises ``StateMachineDoesNotExist``, for a qualified one too."""
    found = around.store.get(StateMachine, arns.parse_unlabelled(arn).text)
    if found is None:
        raise refuse("StateMachineDoesNotExist", arn)
    return found


def revision_of(around: Surroundings, revision: str) -> Revision:
    """The stored revision. Raises ``DamagedRowError`` if it is gone while something refers to it."""
    found = around.store.get(Revision, revision)
    if found is None:
        raise DamagedRowError(f"the revision {revision} is referred to and not there")
    return found


def remove(around: Surroundings, machine: StateMachine) -> None:
    """Removes the machine with its versions and aliases. Revisions stay as long as executions refer to them."""
    for kind in (Alias, Version):
        for record in around.store.documents(kind, machine.arn):
            around.store.delete(record)
    around.store.delete(machine)
