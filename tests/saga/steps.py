"""The saga's steps, read from where they are told: the definition, its claims and the configuration."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEFINITION = json.loads((ROOT / "statemachine" / "definition.asl.json").read_text())
STATES: dict[str, Any] = DEFINITION["States"]
CONFIG = yaml.safe_load((ROOT / "deploy" / "config.yaml").read_text())
UNDO: dict[str, str] = yaml.safe_load((ROOT / "statemachine" / "saga.yaml").read_text())["undo"]


def _way() -> list[str]:
    """The Tasks of an order that goes through."""
    name, found = DEFINITION["StartAt"], []
    while STATES[name]["Type"] != "Succeed":
        state = STATES[name]
        if state["Type"] == "Task":
            found.append(name)
        name = state["Choices"][0]["Next"] if state["Type"] == "Choice" else state["Next"]
    return found


def stage(state: str) -> str:
    """``Make Payment`` → ``MakePayment``"""
    return state.replace(" ", "")


WAY = _way()
STEPS = [state for state in WAY if state in UNDO]
"""The states that have a compensation, first to last."""
COMPENSATIONS = [UNDO[state] for state in reversed(STEPS)]
"""In the order in which they undo."""
FUNCTIONS = {name: told for name, told in CONFIG["functions"].items() if not told.get("starts")}
STAGES = [name.removesuffix("Lambda") for name in FUNCTIONS]


def table_of(state: str) -> str:
    """The table a step writes its row to: the one it may put one into."""
    told = FUNCTIONS[f"{stage(state)}Lambda"]["tables"]
    return next(table for table, actions in told.items() if "PutItem" in actions)


TABLES = [table_of(state) for state in STEPS]


def handler(state: str) -> Any:
    module, _, name = FUNCTIONS[f"{stage(state)}Lambda"]["handler"].rpartition(".")
    return getattr(import_module(module), name)
