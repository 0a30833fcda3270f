"""The scope of an expression of a past visit: its variables, its context, and draws that differ from the original
ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfn_emulator.engine.context import Item, StateInfo, context_object
from sfn_emulator.engine.ports import Identity
from sfn_emulator.picture.history.visit import Happened, Line, Visit
from sfn_emulator.query.timestamps import format_timestamp
from sfn_emulator.values import Value, loads


@dataclass(slots=True)
class Unlike:
    """Draws that note their use, because values made from them differ from those of the execution."""

    at: float
    used: bool = False

    def uuid(self) -> str:
        self.used = True
        return "00000000-0000-4000-8000-000000000000"

    def random(self) -> float:
        self.used = True
        return 0.5

    def now(self) -> float:
        return self.at


@dataclass(slots=True)
class PastScope:
    """A ``query.compiled.Scope``. ``retries`` and ``token`` are those of the attempt in question."""

    told: Happened
    visit: Visit
    identity: Identity
    draws: Unlike
    retries: int | None = None
    token: str | None = None
    item: Item | None = None

    @property
    def variables(self) -> Mapping[str, Value]:
        return {name: loads(text) for name, text in self.visit.before.items()}

    def context(self) -> dict[str, Value]:
        """The context object (``$$``) as it was during the visit."""
        told, identity = self.told, self.identity
        members = {
            "Id": identity.execution_arn,
            "Input": value_of(told.input),
            "StartTime": format_timestamp(told.started),
            "Name": identity.execution_name,
            "RoleArn": told.role,
            "RedriveCount": told.redrives,
        }
        state = StateInfo(self.visit.state, self.visit.entered, self.retries)
        return context_object(members, identity, state, self.token, self.item)


def scope_of(told: Happened, visit: Visit, identity: Identity) -> PastScope:
    """The scope of the visit's last attempt."""
    retries = len(visit.attempts) - 1 if visit.attempts else (0 if visit.type in ("Parallel", "Map") else None)
    return PastScope(told, visit, identity, Unlike(visit.left or visit.entered), retries, item=_item(told, visit))


def _item(told: Happened, visit: Visit) -> Item | None:
    """The Map item around a visit, if the Map iterates over its input, or if its first state got the item."""
    line: Line = told.lines[visit.line]
    while line.owner is not None:
        owner = told.visits[line.owner]
        if owner.type == "Map" and line.visits:
            return Item(line.index, value_of(told.visits[line.visits[0]].input))
        line = told.lines[owner.line]
    return None


def value_of(text: str | None) -> Any:
    """The value of a JSON text; the text itself if it is no JSON; ``None`` for ``None``."""
    try:
        return None if text is None else loads(str(text))  # our own is a subclass, which orjson refuses
    except ValueError:
        return text


def started_execution(visit: Visit) -> str | None:
    """The ARN of the execution that a Task started (``states:startExecution``, or the SDK's)."""
    if not visit.attempts or "startExecution" not in visit.attempts[-1].resource:
        return None
    answer = value_of(visit.result or visit.attempts[-1].output)
    arn = answer.get("ExecutionArn") if isinstance(answer, dict) else None
    return arn if isinstance(arn, str) else None
