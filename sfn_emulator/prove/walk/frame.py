"""Where a run of a walk stands: the machine itself, a machine that it started, or one child of a Distributed Map."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sfn_emulator.engine.strand import Program
from sfn_emulator.prove.walk.outcomes import Outcome


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
