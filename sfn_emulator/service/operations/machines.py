"""State machines: create, describe, update, delete, list."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sfn_emulator.asl.model import MachineType
from sfn_emulator.engine.run import Status
from sfn_emulator.service import arns
from sfn_emulator.service.errors import refuse
from sfn_emulator.service.machines import labels
from sfn_emulator.service.machines.configurations import OWNED_KEY, check_role, encryption_of, logging_of, tracing_of
from sfn_emulator.service.machines.definitions import Definitions
from sfn_emulator.service.machines.revisions import machine_at, remove, revision_of
from sfn_emulator.service.names import check_name
from sfn_emulator.service.operations import versions
from sfn_emulator.service.operations.tags import merged
from sfn_emulator.service.paging import page, page_size, resume
from sfn_emulator.service.store.records import Revision, StateMachine, Version
from sfn_emulator.service.surroundings import Surroundings

MOST_MACHINES: Final = 100_000
_NOTHING_TO_UPDATE: Final = (
    "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"
)


class Machines:
    """The operations on state machines, over the definitions they are made of."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self.condemn: Callable[[str], None] = lambda machine_arn: None
        """Makes a machine's executions end at their next transition."""

    # -- create

    def create(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Idempotent for the same request, regardless of role and tags (API_CreateStateMachine). The definition is
        compared as text.
        """
        check_name(told["name"])
        check_role(told["roleArn"])
        _check_description(told)
        wanted = _revision(around, told, around.place.arn("stateMachine", told["name"]))
        kind = MachineType(told.get("type", MachineType.STANDARD))
        self._definitions.check(wanted.definition, kind)
        existing = around.store.get(StateMachine, wanted.machine_arn)
        if existing is not None:
            return self._created_before(around, existing, wanted, kind, told)
        if around.store.count(StateMachine, around.place.region) >= MOST_MACHINES:
            raise refuse("StateMachineLimitExceeded", f"there may be {MOST_MACHINES}")
        machine = StateMachine(
            arn=wanted.machine_arn,
            region=around.place.region,
            name=told["name"],
            type=kind,
            created_at=wanted.created_at,
            updated_at=wanted.created_at,
            revision=wanted.id,
            published=told.get("publish", False),
            version_description=told.get("versionDescription"),
            tags=merged({}, told.get("tags", ()), wanted.machine_arn),
        )
        around.store.put(wanted)
        around.store.put(machine)
        return _created(around, machine, told)

    def _created_before(
        self,
        around: Surroundings,
        existing: StateMachine,
        wanted: Revision,
        kind: MachineType,
        told: Mapping[str, Any],
    ) -> dict[str, Any]:
        if existing.deleting:
            raise refuse("StateMachineDeleting", existing.arn)
        now = revision_of(around, existing.revision)
        same = (
            (now.definition, now.logging, now.tracing, now.encryption)
            == (wanted.definition, wanted.logging, wanted.tracing, wanted.encryption)
            and existing.type == kind
            and existing.published == told.get("publish", False)
            and existing.version_description == told.get("versionDescription")
        )
        if not same:
            raise refuse("StateMachineAlreadyExists", existing.arn)
        return _created(around, existing, told)

    # -- describe

    def describe(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Describes a machine, one of its versions, or a Distributed Map state in it."""
        arn = arns.parse(told["stateMachineArn"], "stateMachine")
        if arn.label:
            return self._describe_part(around, arn, told.get("includedData"))
        version = around.store.get(Version, arn.text) if arn.qualifier else None
        machine = around.store.get(StateMachine, arn.base)
        if machine is None or (arn.qualifier and version is None):
            raise refuse("StateMachineDoesNotExist", arn.text)
        revision = revision_of(around, version.revision if version else machine.revision)
        answer = {
            "stateMachineArn": arn.text,
            "name": machine.name,
            "status": "DELETING" if machine.deleting else "ACTIVE",
            "type": machine.type,
            "creationDate": (version or machine).created_at,
            **self.configuration(revision, told.get("includedData")),
        }
        return answer | ({"description": version.description} if version and version.description else {})

    def _describe_part(self, around: Surroundings, arn: arns.Arn, included: str | None) -> dict[str, Any]:
        machine = around.store.get(StateMachine, arn.base.removesuffix(f"/{arn.label}"))
        if machine is None or arn.qualifier:
            raise refuse("StateMachineDoesNotExist", arn.text)
        revision = revision_of(around, machine.revision)
        part = labels.part(self._definitions.model(revision), revision.definition, arn.label or "", machine.arn)
        if part is None:
            raise refuse("StateMachineDoesNotExist", arn.text)
        return {
            "stateMachineArn": arn.text,
            "name": machine.name,
            "status": "DELETING" if machine.deleting else "ACTIVE",
            "type": part.type,
            "creationDate": machine.created_at,
            **self.configuration(revision, included, arn.label),
        }

    def configuration(self, revision: Revision, included: str | None, label: str | None = None) -> dict[str, Any]:
        """The members of a revision that DescribeStateMachine and DescribeStateMachineForExecution share; or those of
        its Distributed Map state ``label``.
        """
        metadata_only = included == "METADATA_ONLY"
        model = self._definitions.model(revision)
        told: dict[str, Any] = {
            "definition": "{}" if metadata_only else revision.definition,
            "roleArn": revision.role_arn,
            "loggingConfiguration": revision.logging,
            "tracingConfiguration": revision.tracing,
        }
        part = labels.part(model, revision.definition, label, revision.machine_arn) if label else None
        if part is not None:
            told |= {"label": label} if metadata_only else {"label": label, "definition": part.definition}
        if revision.public_id:
            told["revisionId"] = revision.public_id
        told["encryptionConfiguration"] = revision.encryption or OWNED_KEY
        if model.variable_references and not metadata_only:
            told["variableReferences"] = {name: list(read) for name, read in model.variable_references.items()}
        return told

    # -- update

    def update(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Makes a new revision if anything differs. Running executions keep the one they began with."""
        machine = machine_at(around, told["stateMachineArn"])
        if machine.deleting:
            raise refuse("StateMachineDeleting", machine.arn)
        if not _UPDATABLE & told.keys():
            raise refuse("MissingRequiredParameter", _NOTHING_TO_UPDATE)
        _check_description(told)
        if "roleArn" in told:
            check_role(told["roleArn"])
        if "definition" in told:
            self._definitions.check(told["definition"], machine.type)
        before = revision_of(around, machine.revision)
        after = _updated(around, before, told)
        machine = replace(machine, updated_at=around.now(), revision=after.id)
        if after is not before:
            around.store.put(after)
        around.store.put(machine)
        answer: dict[str, Any] = {"updateDate": machine.updated_at}
        if after.public_id:
            answer["revisionId"] = after.public_id
        if told.get("publish"):
            version = versions.publish(around, machine, told.get("versionDescription"))
            answer["stateMachineVersionArn"] = version.arn
        return answer

    # -- delete

    def delete(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """Idempotent. While executions run the machine is DELETING; each ends at its next state transition, and the
        last one's end deletes the machine (API_DeleteStateMachine)."""
        arn = arns.parse_unlabelled(told["stateMachineArn"])
        machine = around.store.get(StateMachine, arn.text)
        if machine is None:
            return {}
        if not around.store.any_execution(machine.arn, Status.RUNNING):
            remove(around, machine)
        elif not machine.deleting:
            around.store.put(replace(machine, deleting=True))
            self.condemn(machine.arn)
        return {}

    # -- list

    def list(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        """The machines, sorted by name (as users saw it on AWS)."""
        scope, size = f"machines {around.place.region}", page_size(told.get("maxResults"))
        after = resume(scope, told.get("nextToken"), around.now())
        found = around.store.named(StateMachine, around.place.region, after=after, limit=size + 1)
        shown, more = page(found, size, scope, lambda machine: machine.key, around.now())
        return {"stateMachines": [_brief(machine) for machine in shown], **more}


_UPDATABLE: Final = frozenset(
    {"definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration"}
)


def _updated(around: Surroundings, before: Revision, told: Mapping[str, Any]) -> Revision:
    """``before`` with the given changes; the same object if nothing differs."""
    after = replace(
        before,
        definition=told.get("definition", before.definition),
        role_arn=told.get("roleArn", before.role_arn),
        logging=logging_of(told["loggingConfiguration"]) if "loggingConfiguration" in told else before.logging,
        tracing=tracing_of(told["tracingConfiguration"]) if "tracingConfiguration" in told else before.tracing,
        encryption=(
            encryption_of(told["encryptionConfiguration"]) if "encryptionConfiguration" in told else before.encryption
        ),
    )
    if after == before:
        return before
    revision = around.new_id()
    return replace(after, id=revision, public_id=revision, created_at=around.now())


def _revision(around: Surroundings, told: Mapping[str, Any], machine_arn: str) -> Revision:
    return Revision(
        id=around.new_id(),
        machine_arn=machine_arn,
        created_at=around.now(),
        definition=told["definition"],
        role_arn=told["roleArn"],
        logging=logging_of(told.get("loggingConfiguration")),
        tracing=tracing_of(told.get("tracingConfiguration")),
        encryption=encryption_of(told.get("encryptionConfiguration")),
    )


def _check_description(told: Mapping[str, Any]) -> None:
    if told.get("versionDescription") is not None and not told.get("publish"):
        raise refuse("ValidationException", "Version description can only be set when publish is true")


def _created(around: Surroundings, machine: StateMachine, told: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"stateMachineArn": machine.arn, "creationDate": machine.created_at}
    if told.get("publish"):
        version = versions.publish(around, machine, told.get("versionDescription"))
        answer["stateMachineVersionArn"] = version.arn
    return answer


def _brief(machine: StateMachine) -> dict[str, Any]:
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": machine.type,
        "creationDate": machine.created_at,
    }
