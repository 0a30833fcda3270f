"""Where a run of a walk stands: the machine itself, a machine that it started, or one child of a Distributed Map."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import orjson

from sfn_emulator.asl.model import Branch, Machine, State, Task
from sfn_emulator.asl.parse import branches
from sfn_emulator.engine.strand import Program
from sfn_emulator.prove.claims import Claims, states_of
from sfn_emulator.prove.walk.outcomes import Outcome, execution_failed, outcomes_of


class Frame(NamedTuple):
    """``prefix`` stands before the names of Tasks (a nested machine's), ``place`` after them (a child's index).

    ``region`` is the Map whose child it is; ``zero`` the moment at which the whole walk's present step began.
    """

    prefix: str = ""
    place: str = ""
    region: str = ""
    zero: float | None = None


@dataclass(frozen=True)
class Ways:
    """``outcomes`` of every Task by its whole name, ``nested`` the programs of machines that Tasks start.

    ``failing`` are how such a Task comes out when the execution it started fails.
    """

    outcomes: dict[str, tuple[Outcome, ...]] = field(default_factory=dict)
    nested: Mapping[str, Program] = field(default_factory=dict)
    failing: dict[str, Outcome] = field(default_factory=dict)


def gather_outcomes(ways: Ways, machine: Machine, claims: Claims, prefix: str, nested: frozenset[str]) -> None:
    """By Task, those inside Parallels and Maps too."""
    by_name = _looks_at_error_names(machine)

    def gather(body: Branch, around: tuple[State, ...]) -> None:
        for state in body.states.values():
            if isinstance(state, Task):
                task = replace(state, name=f"{prefix}{state.name}")
                ways.outcomes[task.name] = outcomes_of(task, around, claims, by_name=by_name)
                if task.name in nested:
                    ways.failing[task.name] = execution_failed(task, around)
            for inner in branches(state):
                gather(inner, (state, *around))

    gather(machine.body, ())


def _looks_at_error_names(machine: Machine) -> bool:
    """Whether some Choice asks about a member ``Error``, as Catchers write it."""
    sources = (rule.condition.source for s in states_of(machine.body) for rule in getattr(s, "rules", ()))
    return any(".Error" in orjson.dumps(source).decode() for source in sources)
