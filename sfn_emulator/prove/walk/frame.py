"""The place of a run in a walk: the machine itself, a machine that it started, or one child of a Distributed Map."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sfn_emulator.asl.model import Branch, Machine, Map, State, Task, branches
from sfn_emulator.engine.strand import Program, Strand
from sfn_emulator.prove.claims import Claims
from sfn_emulator.prove.walk.outcomes import Outcome, execution_failed, may_outlast, outcomes_of, outlasting
from sfn_emulator.prove.walk.unknown.literals import error_names


class Frame(NamedTuple):
    """``prefix`` stands before the names of Tasks (a nested machine's), ``place`` after them (a child's index).

    ``items`` are the indexes of Maps' items alone. ``region`` is the Map whose child it is; ``zero`` the moment at
    which the whole walk's present step began. ``again``: a state that it stands in is being retried.
    """

    prefix: str = ""
    place: str = ""
    region: str = ""
    zero: float | None = None
    items: str = ""
    again: bool = False


class Where(NamedTuple):
    """The place of an attempt: its visit's key, the Parallel or Map around it, its items, and whether that is
    retried.
    """

    key: str
    region: str
    items: str
    again: bool


@dataclass(frozen=True)
class Ways:
    """``outcomes`` of every Task by its whole name, ``nested`` the programs of machines that Tasks start.

    ``failing`` are how such a Task comes out when the execution it started fails. ``maps`` are the names of Maps,
    ``in_maps`` how many are around each Task, ``circling`` the Tasks that the machine may come to again by itself.
    """

    outcomes: dict[str, tuple[Outcome, ...]] = field(default_factory=dict)
    nested: Mapping[str, Program] = field(default_factory=dict)
    failing: dict[str, Outcome] = field(default_factory=dict)
    maps: set[str] = field(default_factory=set)
    in_maps: dict[str, int] = field(default_factory=dict)
    circling: frozenset[str] = frozenset()


def gather_outcomes(ways: Ways, machine: Machine, claims: Claims, prefix: str, nested: frozenset[str]) -> None:
    """By Task, those inside Parallels and Maps too. The machine may time out in Tasks that can outlast it."""
    errors = error_names(machine)

    def gather(body: Branch, around: tuple[State, ...]) -> None:
        for state in body.states.values():
            if isinstance(state, Map):
                ways.maps.add(f"{prefix}{state.name}")
            if isinstance(state, Task):
                task = replace(state, name=f"{prefix}{state.name}")
                ways.in_maps[task.name] = len([outer for outer in around if isinstance(outer, Map)])
                ways.outcomes[task.name] = outcomes_of(task, around, claims, errors=errors)
                if may_outlast(task, machine.timeout):
                    ways.outcomes[task.name] += (outlasting(task, claims),)
                if task.name in nested:
                    ways.failing[task.name] = execution_failed(task, around)
            for inner in branches(state):
                gather(inner, (state, *around))

    gather(machine.body, ())


def within(strand: Strand | None) -> Iterator[Strand]:
    """The strand and those around it, without the top level."""
    while strand is not None and strand.parent is not None:
        yield strand
        strand = strand.parent


def places_of(strand: Strand | None) -> str:
    """The indexes of the branches and items around the strand: ``[1][0]``."""
    return "".join(reversed([f"[{one.index}]" for one in within(strand)]))


def region_of(strand: Strand | None) -> str:
    """The outermost Parallel or Map around the strand; empty at the top level."""
    outermost = next((one for one in within(strand) if one.parent and one.parent.parent is None), None)
    return outermost.parent.state if outermost is not None and outermost.parent is not None else ""
