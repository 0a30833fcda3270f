"""Machines that a machine starts and waits for. They are found beside it, or named, so that a walk can go into them.

A nested machine's Tasks are named after the Task that starts it: ``Book Hotel/Reserve Room``, in the claims too.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sfn_emulator.asl.model import Branch, Machine, Task, states_of
from sfn_emulator.asl.resource import Pattern, Resource
from sfn_emulator.prove.machine import UnprovableError, read_source

DEPTH: Final = 3
"""Levels of nested machines that a walk goes into."""
_ENDINGS: Final = (".asl.json", ".asl.yaml", ".asl.yml", ".asl", ".json", ".yaml", ".yml")
_NOISE: Final = re.compile(r"(state)?(machine)?(arn)?$")

Found = dict[str, Machine | None]
"""Each machine by the Task that starts it, those in nested machines, too; ``None`` if no definition was found."""


def nested_machines(machine: Machine, here: Path, named: Mapping[str, str], values: Mapping[str, str]) -> Found:
    """``named`` are files by Task. Raises ``UnprovableError`` for a file that can't be used."""
    found: Found = {}
    _gather(found, machine.body, "", here, named, values)
    for task in named:
        if task not in found:
            starts = ", ".join(f"'{name}'" for name in found) or "none"
            raise UnprovableError(
                f"nested: no Task '{task}' starts a state machine and waits for it; there are {starts}"
            )
    return found


def _gather(
    found: Found, body: Branch, prefix: str, here: Path, named: Mapping[str, str], values: Mapping[str, str]
) -> None:
    for task in _waiting(body):
        name = f"{prefix}{task.name}"
        path = Path(named[name]) if name in named else _beside(here, _machine_name(task))
        deep = prefix.count("/") >= DEPTH
        found[name] = inner = None if path is None or deep else read_source(path, values).machine
        if inner is not None and path is not None:
            _gather(found, inner.body, f"{name}/", path.parent, named, values)


def _waiting(body: Branch) -> Iterator[Task]:
    """The Tasks that start an execution and wait for its end."""
    for state in states_of(body):
        if isinstance(state, Task) and waits_for_execution(state.resource):
            yield state


def waits_for_execution(resource: Resource) -> bool:
    """Whether a Task starts a state machine and waits for its end."""
    if (resource.resource_type, resource.action) == ("states", "startExecution"):
        return resource.pattern in (Pattern.SYNC, Pattern.SYNC_2)
    return is_synchronous(resource)


def is_synchronous(resource: Resource) -> bool:
    """Whether it is the SDK's StartSyncExecution, which answers with the status, whatever that is."""
    return (resource.resource_type, resource.action) == ("aws-sdk:sfn", "startSyncExecution")


def _machine_name(task: Task) -> str:
    """The name in a literal StateMachineArn, or its placeholder; empty if the ARN is computed at run time."""
    flow: Any = task.flow
    asked = getattr(flow, "parameters", None) or getattr(flow, "arguments", None)
    arn = asked.source.get("StateMachineArn") if asked is not None and isinstance(asked.source, dict) else None
    return str(arn).rpartition(":")[2] if isinstance(arn, str) and not arn.startswith("{%") else ""


def _beside(here: Path, name: str) -> Path | None:
    """The definition in the folder whose file has the machine's name, regardless of dashes and case."""
    wanted = _plain(name)
    files = sorted(path for path in here.glob("*") if path.name.endswith(_ENDINGS)) if wanted else []
    return next((path for path in files if _plain(path.name.partition(".")[0]) == wanted), None)


def _plain(name: str) -> str:
    return _NOISE.sub("", re.sub(r"[\W_]+", "", name.lower()))
