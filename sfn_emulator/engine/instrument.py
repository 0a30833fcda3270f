"""The one port by which runs are watched: TestState's inspection, coverage, proofs.

An instrument is given when a definition is compiled (``program.compile``). Unwatched runs pay nothing, because their
programs hold no calls of it. An instrument only looks. It is called within the run's turn, so it must not wait, and it
must not change the values it is shown.

Hooks come in the order in which things happen, each with the strand they happen to. A strand knows its ``state``, its
``input`` (after ``left``: the state's output), its ``variables``, its ``run`` with time and events, and, in a branch or
an iteration, its ``parent`` and its ``index`` there.

    entered ─▶ stage* ─▶ chosen? ─────────────────────────▶ left
       │          ▲  └─▶ failed ─▶ retried ─▶ (again) │
       │          └────────────────────┘  └─▶ caught ─┘
       └─▶ for each branch or iteration: begun ─▶ … ─▶ ended
"""

from typing import Protocol

from sfn_emulator.engine.strand import Strand
from sfn_emulator.errors import EvaluationError, StateError
from sfn_emulator.values import Value


class Instrument(Protocol):
    """A watcher overrides the hooks it wants; each does nothing by default."""

    def entered(self, strand: Strand) -> None:
        """The strand is about to enter its state; a state that a redrive runs again is not entered again."""
        return

    def stage(self, strand: Strand, stage: str, value: Value) -> None:
        """A value on its way through the state, by TestState's names: ``afterInputPath``, ``afterArguments``, …"""
        return

    def chosen(self, strand: Strand, rule: int | None) -> None:
        """A Choice has been made: the rule's index, ``None`` for Default."""
        return

    def failed(self, strand: Strand, error: StateError | EvaluationError) -> None:
        """An attempt has failed, before any Retrier or Catcher looks at it.

        An ``EvaluationError`` means an expression that could not be evaluated, perhaps a Catcher's own.
        """
        return

    def retried(self, strand: Strand, retrier: int, attempt: int, delay: float) -> None:
        """The Retrier of that index makes its ``attempt``-th retry (from 1), after ``delay`` seconds."""
        return

    def caught(self, strand: Strand, catcher: int, error: StateError) -> None:
        """The Catcher of that index takes the error."""
        return

    def left(self, strand: Strand, target: str | None) -> None:
        """The strand has left its state for ``target``; ``None`` where the branch or the execution ends."""
        return

    def begun(self, strand: Strand) -> None:
        """A branch or an iteration is about to begin."""
        return

    def ended(self, strand: Strand, outcome: str) -> None:
        """It has ended: ``Succeeded``, ``Failed``, or ``Aborted`` because a sibling failed."""
        return
