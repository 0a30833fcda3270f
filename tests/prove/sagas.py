"""Small sagas, right until a test breaks something of them."""

import json
from copy import deepcopy
from typing import Any

from sfn_emulator.asl.model import Machine
from sfn_emulator.asl.parse import load

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
ALWAYS = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3}]
BUSY = [{"ErrorEquals": ["Busy"], "MaxAttempts": 2}]


def task(name: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": FUNCTION + name, **fields}


def catch(target: str) -> list[dict[str, Any]]:
    return [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": target}]


SAGA: dict[str, Any] = {
    "StartAt": "Reserve",
    "States": {
        "Reserve": task("reserve", ResultPath="$.reserved", Retry=BUSY, Catch=catch("Release"), Next="Pay"),
        "Pay": task("pay", ResultPath="$.paid", Retry=BUSY, Catch=catch("Refund"), Next="Done"),
        "Refund": task("refund", ResultPath="$.refunded", Retry=ALWAYS, Catch=catch("Note"), Next="Release"),
        "Release": task("release", ResultPath="$.released", Retry=ALWAYS, Catch=catch("Note"), Next="Undone"),
        "Note": task("note", Next="Repair"),
        "Done": {"Type": "Succeed"},
        "Undone": {"Type": "Fail"},
        "Repair": {"Type": "Fail"},
    },
}
CLAIMS: dict[str, Any] = {
    "undo": {"Reserve": "Release", "Pay": "Refund"},
    "repeatable": ["Reserve", "Pay", "Refund", "Release"],
    "undone": ["Undone"],
}


def machine(changes: dict[str, Any] | None = None, base: dict[str, Any] = SAGA) -> Machine:
    """``changes``: by state, fields to set, ``None`` to drop one; a state that is ``None`` goes."""
    made = deepcopy(base)
    for name, fields in (changes or {}).items():
        if fields is None:
            del made["States"][name]
            continue
        state = made["States"].setdefault(name, {})
        for field, value in fields.items():
            state.pop(field, None)
            if value is not None:
                state[field] = value
    return load(json.dumps(made))
