"""Aliases: names that route executions to one or two versions by weight."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sfn_emulator.service import arns
from sfn_emulator.service.errors import ApiError, Reason, invalid, refuse
from sfn_emulator.service.paging import page, page_size, resume
from sfn_emulator.service.store.records import Alias, StateMachine, Version
from sfn_emulator.service.surroundings import Surroundings

MOST: Final = 100
_NO_ALIAS: Final = "Request references a resource that does not exist."
_SAME_NAME: Final = (
    "Failed to create alias because an alias with the same name and a different routing configuration already exists."
)


def _routes(around: Surroundings, given: Sequence[Mapping[str, Any]]) -> tuple[str, tuple[tuple[str, int], ...]]:
    """The machine's ARN and its routes. Versions must exist, differ, and belong to one machine; the weights must total
    100.
    """
    versions = [arns.parse(route["stateMachineVersionArn"], "stateMachine") for route in given]
    received = f"Received: [{', '.join(version.text for version in versions)}]"
    if not all((version.qualifier or "").isdigit() for version in versions):
        raise invalid(Reason.ROUTING, f"Routing configuration must contain state machine version ARNs. {received}")
    if len({version.text for version in versions}) != len(versions):
        text = "Routing configuration must contain distinct state machine version ARNs."
        raise invalid(Reason.ROUTING, f"{text} {received}")
    if len({version.base for version in versions}) != 1:
        raise invalid(Reason.ROUTING, "Routing configuration must contain versions of one state machine only.")
    weights = [route["weight"] for route in given]
    if sum(weights) != 100:
        raise invalid(Reason.ROUTING, f"Sum of routing configuration weights must equal 100. Received: {weights}")
    for version in versions:
        if around.store.get(Version, version.text) is None:
            raise refuse("ResourceNotFound", version.text, resourceName=version.text)
    return versions[0].base, tuple((version.text, weight) for version, weight in zip(versions, weights, strict=True))


def create_state_machine_alias(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    """Idempotent for the same name, description and routing; the same name with anything else is a conflict
    (recorded).
    """
    machine_arn, routes = _routes(around, told["routingConfiguration"])
    _check_not_deleting(around, machine_arn)
    wanted = Alias(
        arn=f"{machine_arn}:{told['name']}",
        machine_arn=machine_arn,
        name=told["name"],
        routes=routes,
        created_at=around.now(),
        updated_at=around.now(),
        description=told.get("description"),
    )
    existing = around.store.get(Alias, wanted.arn)
    if existing is None:
        if around.store.count(Alias, machine_arn) >= MOST:
            raise refuse("ServiceQuotaExceededException", f"A state machine may have {MOST} aliases")
        around.store.put(wanted)
    elif (existing.description, existing.routes) != (wanted.description, wanted.routes):
        raise refuse("ConflictException", _SAME_NAME)
    return {"stateMachineAliasArn": wanted.arn, "creationDate": (existing or wanted).created_at}


def _check_not_deleting(around: Surroundings, machine_arn: str) -> None:
    machine = around.store.get(StateMachine, machine_arn)
    if machine is not None and machine.deleting:
        raise refuse("StateMachineDeleting", machine_arn)


def _alias(around: Surroundings, arn: str) -> Alias | None:
    return around.store.get(Alias, arns.parse(arn, "stateMachine").text)


def _existing(around: Surroundings, arn: str) -> Alias:
    found = _alias(around, arn)
    if found is None:
        raise ApiError("ResourceNotFound", _NO_ALIAS, extra={"resourceName": arn})
    return found


def describe_state_machine_alias(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    alias = _existing(around, told["stateMachineAliasArn"])
    answer = {
        "stateMachineAliasArn": alias.arn,
        "name": alias.name,
        "routingConfiguration": [
            {"stateMachineVersionArn": version, "weight": weight} for version, weight in alias.routes
        ],
        "creationDate": alias.created_at,
        "updateDate": alias.updated_at,
    }
    return answer if alias.description is None else answer | {"description": alias.description}


def update_state_machine_alias(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    alias = _existing(around, told["stateMachineAliasArn"])
    _check_not_deleting(around, alias.machine_arn)
    if not {"description", "routingConfiguration"} & told.keys():
        raise invalid(Reason.MISSING_PARAMETER, "Either the description or the routingConfiguration must be specified")
    routes = alias.routes
    if "routingConfiguration" in told:
        machine_arn, routes = _routes(around, told["routingConfiguration"])
        if machine_arn != alias.machine_arn:
            raise invalid(Reason.ROUTING, "Routing configuration must contain versions of the alias's machine.")
    updated = replace(
        alias, routes=routes, description=told.get("description", alias.description), updated_at=around.now()
    )
    around.store.put(updated)
    return {"updateDate": updated.updated_at}


def delete_state_machine_alias(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    """Idempotent (recorded)."""
    found = _alias(around, told["stateMachineAliasArn"])
    if found is not None:
        around.store.delete(found)
    return {}


def list_state_machine_aliases(around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
    """The aliases of a machine, or those that route to one of its versions."""
    arn = arns.parse(told["stateMachineArn"], "stateMachine")
    if around.store.get(StateMachine, arn.base) is None:
        raise refuse("StateMachineDoesNotExist", arn.text)
    _check_not_deleting(around, arn.base)
    scope, size = f"aliases {arn.text}", page_size(told.get("maxResults"))
    after = resume(scope, told.get("nextToken"), around.now())
    found = around.store.documents(Alias, arn.base, after=after)
    wanted = [alias for alias in found if arn.qualifier is None or arn.text in dict(alias.routes)]
    shown, more = page(wanted, size, scope, lambda alias: (alias.created_at, alias.key), around.now())
    brief = [{"stateMachineAliasArn": alias.arn, "creationDate": alias.created_at} for alias in shown]
    return {"stateMachineAliases": brief, **more}


def route(alias: Alias, chance: float) -> str:
    """The version ARN an execution goes to; ``chance`` is in [0, 1)."""
    version, weight = alias.routes[0]
    return version if chance * 100 < weight or len(alias.routes) == 1 else alias.routes[1][0]
