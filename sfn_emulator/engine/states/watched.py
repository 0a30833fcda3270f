"""Wraps steps and regions so that they call an instrument; only when a definition is compiled for one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.strand import Region, Step, Strand, Waiting
from sfn_emulator.errors import EvaluationError, StateError

R = TypeVar("R", bound=Region)

RECOVERING: Final = frozenset({"Task", "Parallel", "Map"})
"""Kinds of states that report each failed attempt themselves."""


def watched(step: Step, instrument: Instrument) -> Step:
    """The step, reporting entry and exit, and for a state without Retry and Catch its failure."""

    def enter(strand: Strand) -> None:
        if not strand.resumed or step.kind == "Fail":
            instrument.entered(strand)

    def fail(strand: Strand, error: EvaluationError | StateError) -> None:
        if step.kind not in RECOVERING:
            instrument.failed(strand, error)

    def apply(strand: Strand) -> str | None:
        assert step.apply is not None
        enter(strand)
        try:
            target = step.apply(strand)
        except (EvaluationError, StateError) as error:
            fail(strand, error)
            raise
        instrument.left(strand, target)
        return target

    def wait(strand: Strand) -> Waiting:
        assert step.wait is not None
        enter(strand)
        try:
            target = yield from step.wait(strand)
        except (EvaluationError, StateError) as error:
            fail(strand, error)
            raise
        instrument.left(strand, target)
        return target

    return replace(step, apply=apply) if step.apply is not None else replace(step, wait=wait)


def watched_attempt(attempt: Callable[[Strand], Waiting], instrument: Instrument) -> Callable[[Strand], Waiting]:
    """The attempt, with its failure told to the instrument before anybody handles it."""

    def watching(strand: Strand) -> Waiting:
        try:
            return (yield from attempt(strand))
        except (EvaluationError, StateError) as error:
            instrument.failed(strand, error)
            raise

    return watching


def watched_region(region: type[R], instrument: Instrument) -> type[R]:
    """A kind of region that reports its children."""

    class Watched(region):  # type: ignore[valid-type, misc]  # a mixin would need a slot for it
        __slots__ = ()

        def begin(self, child: Strand) -> None:
            instrument.begun(child)
            super().begin(child)

        def ended(self, child: Strand) -> None:
            instrument.ended(child, "Succeeded")
            super().ended(child)

        def failed(self, child: Strand, error: StateError) -> None:
            instrument.ended(child, "Failed")
            super().failed(child, error)

        def stop(self, child: Strand) -> None:
            if child.generator is not None:
                instrument.ended(child, "Aborted")
            super().stop(child)

    return Watched
