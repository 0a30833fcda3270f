"""Map in INLINE mode: one strand per iteration, at most 40 at a time, all stopped when one fails."""

from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.asl.model import Map
from sfn_emulator.engine.context import Item
from sfn_emulator.engine.events import Entered, Iteration, MapStarted
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.states.dataflow import (
    check_size,
    effective_input,
    is_jsonata,
    leave,
    leaving,
    subject,
)
from sfn_emulator.engine.states.distributed import distributed_attempt
from sfn_emulator.engine.states.items import concurrency, items_of
from sfn_emulator.engine.states.recovery import recovering
from sfn_emulator.engine.states.watched import watched_region
from sfn_emulator.engine.strand import WAIT, Block, Region, Step, Strand, Waiting, abort
from sfn_emulator.errors import StateError
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.values import Value

INLINE_CONCURRENCY: Final = 40
"""Iterations an inline Map runs at a time, whatever MaxConcurrency says (Service quotas)."""


def map_step(state: Map, block: Block, instrument: Instrument | None) -> Step:
    """Map: inline, or distributed if the state says so."""

    def enter(strand: Strand) -> None:
        strand.enter("MapStateEntered", Entered(strand.state, strand.input))

    attempt = _attempt(state, block, instrument)
    if state.distribution is not None:
        attempt = distributed_attempt(state, state.distribution, block, instrument)
    wait = recovering(
        enter,
        attempt,
        state.retry,
        state.catch,
        exited="MapStateExited",
        failed="MapStateFailed",
        jsonata=is_jsonata(state.flow),
        instrument=instrument,
    )
    return Step("Map", wait=wait)


def _attempt(state: Map, block: Block, instrument: Instrument | None) -> Callable[[Strand], Waiting]:
    after = leaving(state.flow, instrument)
    target = state.next
    open_region = _region(state, block, instrument)

    def attempt(strand: Strand) -> Waiting:
        region = strand.region
        if region is not None and region.left:
            region.reopen()
        else:
            region = open_region(strand)
        if region.left:
            failure = yield WAIT
            if failure is not None:
                raise failure
        strand.run.aside(strand.tip, "MapStateSucceeded")
        result = region.results
        output, assigned = (result, None) if after is None else after(strand, result)
        leave(strand, "MapStateExited", output, assigned)
        return target

    return attempt


def _region(state: Map, block: Block, instrument: Instrument | None) -> Callable[[Strand], "MapRegion"]:
    before = effective_input(state.flow, instrument)
    wrap = subject(state.flow)
    items = items_of(state)
    limit = concurrency(state)
    selector = state.selector
    region_of = MapRegion if instrument is None else watched_region(MapRegion, instrument)

    def open_region(strand: Strand) -> MapRegion:
        given = strand.input
        value = given if before is None else before(strand, given)
        told = wrap(value)
        at_once = min(limit(strand, told) or INLINE_CONCURRENCY, INLINE_CONCURRENCY)
        found = items(strand, value)
        strand.run.emit(strand, "MapStateStarted", MapStarted(len(found)))
        region = region_of(strand, block, found, selector, told)
        strand.region = region
        for _ in range(min(at_once, len(found))):
            region.spawn(strand.tip)
        return region

    return open_region


class MapRegion(Region):
    """The iterations. One starts as another ends, so that no more than MaxConcurrency are open."""

    __slots__ = ("block", "items", "selector", "started", "told")

    def __init__(self, owner: Strand, block: Block, items: list[Value], selector: Compiled | None, told: Any) -> None:
        super().__init__(owner, len(items))
        self.block = block
        self.items = items
        self.selector = selector
        self.told = told
        self.started = 0

    def spawn(self, tip: int) -> None:
        """Makes the next iteration ready; its first event follows ``tip``."""
        index = self.started
        self.started += 1
        value = self.items[index]
        child = Strand(self.owner.run, self.block, value, self.owner, index)
        child.tip = tip
        child.item = Item(index, value)
        self.open[index] = child
        self.owner.run.ready.append(child)

    def begin(self, child: Strand) -> None:
        """Begins an iteration. ItemSelector is evaluated now, when its turn has come, as on AWS."""
        child.run.emit(child, "MapIterationStarted", Iteration(self.owner.state, child.index))
        if self.selector is not None and not child.begun:
            child.input = self.selector.apply(self.told, child)
            check_size(child.input, self.owner.state)
        child.begun = True

    def ended(self, child: Strand) -> None:
        run = child.run
        done = run.aside(child.tip, "MapIterationSucceeded", Iteration(self.owner.state, child.index))
        if self.started < len(self.items):
            self.spawn(child.tip)
        super().ended(child)
        self.owner.tip = done

    def failed(self, child: Strand, error: StateError) -> None:
        child.run.aside(child.tip, "MapIterationFailed", Iteration(self.owner.state, child.index))
        super().failed(child, error)

    def stop(self, child: Strand) -> None:
        began = child.generator is not None
        abort(child)
        if began:
            child.run.aside(child.tip, "MapIterationAborted", Iteration(self.owner.state, child.index))
