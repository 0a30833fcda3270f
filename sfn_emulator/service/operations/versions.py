"""Versions: numbered, immutable pointers to a machine's revisions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sfn_emulator.service import arns
from sfn_emulator.service.errors import refuse
from sfn_emulator.service.paging import page, page_size, resume
from sfn_emulator.service.store.records import INITIAL_REVISION, Alias, Revision, StateMachine, Version
from sfn_emulator.service.surroundings import Surroundings

MOST: Final = 1_000


def publish(around: Surroundings, machine: StateMachine, description: str | None) -> Version:
    """The version of the machine's present revision: the existing one, or one with the next number."""
    present = around.store.documents(Version, machine.arn)
    for version in present:
        if version.revision == machine.revision:
            return version
    if len(present) >= MOST:
        raise refuse("ServiceQuotaExceededException", f"A state machine may have {MOST} versions")
    number = machine.versions + 1
    version = Version(
        arn=f"{machine.arn}:{number}",
        machine_arn=machine.arn,
        number=number,
        revision=machine.revision,
        created_at=around.now(),
        description=description,
    )
    around.store.put(version)
    around.store.put(replace(machine, versions=number))
    return version


def publish_state_machine_version(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    arn = arns.parse_unlabelled(told["stateMachineArn"]).text
    machine = around.store.get(StateMachine, arn)
    if machine is None:
        raise refuse("StateMachineDoesNotExist", arn)
    if machine.deleting:
        raise refuse("StateMachineDeleting", arn)
    _check_revision(around, machine, told.get("revisionId"))
    version = publish(around, machine, told.get("description"))
    return {"creationDate": version.created_at, "stateMachineVersionArn": version.arn}


def _check_revision(around: Surroundings, machine: StateMachine, wanted: str | None) -> None:
    revision = around.store.get(Revision, machine.revision)
    present = (revision and revision.public_id) or INITIAL_REVISION
    if wanted is not None and wanted != present:
        raise refuse(
            "ConflictException",
            f"Failed to publish the State Machine version for revision {wanted}. "
            f"The current State Machine revision is {present}.",
        )


def list_state_machine_versions(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    """The versions of a machine, newest first; none if the machine does not exist."""
    machine_arn = arns.parse_unlabelled(told["stateMachineArn"]).text
    scope, size = f"versions {machine_arn}", page_size(told.get("maxResults"))
    below = resume(scope, told.get("nextToken"), around.now())
    found = sorted(around.store.documents(Version, machine_arn), key=lambda version: -version.number)
    left = [version for version in found if below is None or version.number < below]
    shown, more = page(left, size, scope, lambda version: version.number, around.now())
    brief = [{"stateMachineVersionArn": version.arn, "creationDate": version.created_at} for version in shown]
    return {"stateMachineVersions": brief, **more}


def delete_state_machine_version(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    """Idempotent (recorded). Refused if an alias routes to the version. Executions of the version go on."""
    arn = arns.parse(told["stateMachineVersionArn"], "stateMachine")
    if arn.qualifier is None or not arn.qualifier.isdigit():
        raise refuse("InvalidArn", f"Resource type not valid in this context: {arn.kind}")
    version = around.store.get(Version, arn.text)
    if version is None:
        return {}
    using = [alias.name for alias in around.store.documents(Alias, arn.base) if arn.text in dict(alias.routes)]
    if using:
        raise refuse(
            "ConflictException",
            "Version to be deleted must not be referenced by an alias. "
            f"Current list of aliases referencing this version: [{', '.join(using)}]",
        )
    around.store.delete(version)
    return {}
