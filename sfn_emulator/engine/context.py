"""The context object (``$$``, ``$states.context``), built when an expression asks for it.

Members and their order: AWS, Accessing execution data from the Context object; recorded orders differ between
Standard and Express executions.
"""

from dataclasses import dataclass
from typing import NamedTuple

from sfn_emulator.engine.ports import Identity
from sfn_emulator.query.timestamps import format_timestamp
from sfn_emulator.values import UNSET, Unset, Value


@dataclass(frozen=True, slots=True)
class Item:
    """``$$.Map.Item``: ``key`` only where the items are an object's members, ``source`` only of a Distributed Map
    (recorded 2026-04)."""

    index: int
    value: Value
    key: str | Unset = UNSET
    source: str | Unset = UNSET


class StateInfo(NamedTuple):
    """``retries`` is ``None`` in states that know no Retry."""

    name: str
    entered_at: float
    retries: int | None


def execution(identity: Identity, given: Value, redrives: int, redriven_at: float) -> dict[str, Value]:
    """``$$.Execution``. EXPRESS executions have no RedriveCount, and the order of members is AWS's own (recorded)."""
    if identity.express:
        return {
            "Id": identity.execution_arn,
            "Input": given,
            "Name": identity.execution_name,
            "RoleArn": identity.role_arn,
            "StartTime": format_timestamp(identity.started_at),
        }
    members = {
        "Id": identity.execution_arn,
        "Input": given,
        "StartTime": format_timestamp(identity.started_at),
        "Name": identity.execution_name,
        "RoleArn": identity.role_arn,
        "RedriveCount": redrives,
    }
    return members | ({"RedriveTime": format_timestamp(redriven_at)} if redrives else {})


def context_object(
    members: dict[str, Value],
    identity: Identity,
    state: StateInfo,
    token: str | None,
    item: Item | None,
) -> dict[str, Value]:
    """The context object. ``members`` are those of Execution; ``token`` and ``item`` are left out where there is
    none.
    """
    place: dict[str, Value] = {"Name": state.name, "EnteredTime": format_timestamp(state.entered_at)}
    if state.retries is not None:
        place["RetryCount"] = state.retries
    made: dict[str, Value] = {
        "Execution": members,
        "StateMachine": {"Id": identity.machine_arn, "Name": identity.machine_name},
        "State": place,
    }
    if token is not None:
        made["Task"] = {"Token": token}
    if item is not None:
        made["Map"] = {"Item": _item(item)}
    return made


def _item(item: Item) -> dict[str, Value]:
    made = {"Index": item.index, "Value": item.value, "Key": item.key, "Source": item.source}
    return {name: member for name, member in made.items() if member is not UNSET}
