"""One step of a walk: the ledger as it grows, the broken rules and the picks, and the instruments that note them."""

from dataclasses import dataclass, field
from typing import Final

from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.strand import Strand
from sfn_emulator.errors import EvaluationError, StateError
from sfn_emulator.prove.claims import Claims
from sfn_emulator.prove.walk import rules
from sfn_emulator.prove.walk.ledger import Ledger
from sfn_emulator.prove.walk.outcomes import Outcome
from sfn_emulator.prove.walk.rules import Hit
from sfn_emulator.prove.walk.unknown.values import readable

MOST_VISITS: Final = 12
"""Entries of one state inside a Parallel or Map after which the walk gives that way up."""


class EndlessError(Exception):
    """A branch loops without end."""


@dataclass
class Moment(Instrument):
    """The events of one run of the driver. ``deeds`` are the picked outcomes, each with its Task, for the story."""

    ledger: Ledger
    faults: int
    began: float = 0.0
    hits: list[Hit] = field(default_factory=list)
    deeds: list[tuple[str, Outcome]] = field(default_factory=list)
    visits: dict[tuple[str, int, int], int] = field(default_factory=dict)
    there: dict[str, str] = field(default_factory=dict)
    """By key of a visit, the Task that did something in it."""
    lagged: bool = False
    """Whether some branch of the present state has lagged behind already."""
    outlasted: bool = False
    """Whether the execution's own time-out ended it."""
    runs: int = 0
    """Nested runs so far, and ``inside``: the number of the one that is carried now, 0 for none."""
    inside: int = 0
    broken: tuple[str, str] | None = None
    """The state whose expression could not be evaluated, and the message."""


class Watch(Instrument):
    """The instrument of the walked program. It passes everything on to the present moment."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self.moment = Moment(Ledger(), 0)
        self.entered_states: set[str] = set()

    def entered(self, strand: Strand) -> None:
        self.visited(strand, strand.state)

    def visited(self, strand: Strand, name: str) -> None:
        """Notes the state. Raises ``EndlessError`` when a loop inside a Parallel, a Map or a nested machine goes round
        too often.
        """
        self.entered_states.add(name)
        visits, inside = self.moment.visits, self.moment.inside
        if strand.parent is None and not inside:
            self.moment.lagged = False
            return
        key = (name, strand.index, inside)
        visits[key] = visits.get(key, 0) + 1
        if visits[key] > MOST_VISITS:
            raise EndlessError

    def failed(self, strand: Strand, error: StateError | EvaluationError) -> None:
        self.broke(strand.state, error)

    def broke(self, name: str, error: StateError | EvaluationError) -> None:
        if isinstance(error, EvaluationError):
            message = readable(error.message)
            self.moment.broken = (name, message)
            self.moment.hits += rules.never_written(self._claims, name, message)


class NestedWatch(Instrument):
    """The instrument of a nested machine: its states have the name of the Task that starts it before their own."""

    def __init__(self, watch: Watch, prefix: str) -> None:
        self._watch, self._prefix = watch, prefix

    def entered(self, strand: Strand) -> None:
        self._watch.visited(strand, self._prefix + strand.state)

    def failed(self, strand: Strand, error: StateError | EvaluationError) -> None:
        self._watch.broke(self._prefix + strand.state, error)
