"""Parallel: one strand per branch, joined when all have ended, stopped when one fails."""

from collections.abc import Callable

from sfn_emulator.asl.model import Parallel
from sfn_emulator.engine.events import Entered
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.states.dataflow import check_size, is_jsonata, leave, leaving, parameters
from sfn_emulator.engine.states.recovery import recovering
from sfn_emulator.engine.states.watched import watched_region
from sfn_emulator.engine.strand import WAIT, Block, Region, Step, Strand, Waiting
from sfn_emulator.values import Value


def parallel_step(state: Parallel, blocks: tuple[Block, ...], instrument: Instrument | None) -> Step:
    """Parallel: every branch gets the state's input; the outputs are joined in the order of the branches."""

    def enter(strand: Strand) -> None:
        strand.enter("ParallelStateEntered", Entered(strand.state, strand.input))

    wait = recovering(
        enter,
        _attempt(state, blocks, instrument),
        state.retry,
        state.catch,
        exited="ParallelStateExited",
        failed="ParallelStateFailed",
        jsonata=is_jsonata(state.flow),
        instrument=instrument,
    )
    return Step("Parallel", wait=wait)


def _attempt(state: Parallel, blocks: tuple[Block, ...], instrument: Instrument | None) -> Callable[[Strand], Waiting]:
    before = parameters(state.flow, instrument)
    after = leaving(state.flow, instrument)
    target = state.next
    region_of = Region if instrument is None else watched_region(Region, instrument)

    def attempt(strand: Strand) -> Waiting:
        region = strand.region
        if region is not None and region.left:
            region.reopen()
        else:
            given = strand.input
            handed = given if before is None else before(strand, given)
            if handed is not given:
                check_size(handed, strand.state)
            region = _fork(strand, region_of, blocks, handed)
        failure = yield WAIT
        if failure is not None:
            raise failure
        strand.run.aside(strand.tip, "ParallelStateSucceeded")
        result = region.results
        output, assigned = (result, None) if after is None else after(strand, result)
        leave(strand, "ParallelStateExited", output, assigned)
        return target

    return attempt


def _fork(strand: Strand, region_of: type[Region], blocks: tuple[Block, ...], given: Value) -> Region:
    run = strand.run
    run.emit(strand, "ParallelStateStarted")
    region = strand.region = region_of(strand, len(blocks))
    for index, block in enumerate(blocks):
        child = region.open[index] = Strand(run, block, given, strand, index)
        run.ready.append(child)
    return region
