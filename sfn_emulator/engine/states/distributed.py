"""Map in DISTRIBUTED mode: the parent's half. It evaluates the fields that AWS evaluates in the parent, has the host
run the Map Run, and records its events. The host reads items, runs children and writes results.
"""

from collections.abc import Callable, Generator
from typing import Any, Final

from sfn_emulator.asl.model import Distribution, ItemBatcher, ItemReader, MachineType, Map, Number, ResultWriter
from sfn_emulator.engine.context import Item
from sfn_emulator.engine.draws import SeededDraws
from sfn_emulator.engine.events import Failure, MapRun, MapStarted
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.ports import (
    BatcherSpec,
    MapRunEnded,
    MapRunSpec,
    MapRunStarted,
    ReaderSpec,
    StartMapRun,
    WriterSpec,
)
from sfn_emulator.engine.states.dataflow import effective_input, is_jsonata, leave, leaving, subject
from sfn_emulator.engine.states.items import concurrency, items_of
from sfn_emulator.engine.states.numbers import is_number, number
from sfn_emulator.engine.strand import WAIT, Block, Program, Strand, Waiting
from sfn_emulator.errors import QUERY_EVALUATION, RUNTIME, EvaluationError, StateError
from sfn_emulator.query.compiled import Compiled, Draws
from sfn_emulator.values import UNSET, Unset, Value

Evaluated = Callable[[Strand, Any], Any]


def too_many(failed: int, items: int | None, count: int | None, percentage: float | None) -> bool:
    """Whether more items have failed than one of the thresholds tolerates; without thresholds none may fail.

    ``items`` is the number of all items; while it is ``None``, the percentage can't be judged.
    """
    if count is None and percentage is None:
        return failed > 0
    over_count = count is not None and failed > count
    return over_count or (percentage is not None and items is not None and failed * 100 > percentage * items)


def distributed_attempt(
    state: Map, distribution: Distribution, block: Block, instrument: Instrument | None
) -> Callable[[Strand], Waiting]:
    """One attempt of a Distributed Map: it starts the Map Run and waits for its end."""
    make = map_run_spec(state, distribution, block, instrument)
    after = leaving(state.flow, instrument)
    target = state.next

    def attempt(strand: Strand) -> Waiting:
        spec = make(strand)
        outcome, started = yield from _carried_out(strand, spec)
        if outcome.error is not None:
            raise StateError(outcome.error, outcome.cause)
        result = None if isinstance(outcome.output, Unset) else outcome.output
        strand.tip = started or strand.tip  # MapStateExited follows MapRunStarted (recorded since late 2024)
        output, assigned = (result, None) if after is None else after(strand, result)
        leave(strand, "MapStateExited", output, assigned)
        return target

    return attempt


def _carried_out(strand: Strand, spec: MapRunSpec) -> Generator[bool, Any, tuple[MapRunEnded, int]]:
    """Runs the Map Run. Returns its end and the id of MapRunStarted (0 if it never started)."""
    run = strand.run
    redriven, strand.map_run = strand.map_run, None
    run.issue(strand, StartMapRun(run.next_effect(), spec, redriven))
    started = 0
    while True:
        signal = yield WAIT
        if isinstance(signal, MapRunStarted):
            strand.map_run = signal.arn
            if signal.arn == redriven:
                run.emit(strand, "MapRunRedriven", MapRun(signal.arn, run.redrives))
            else:
                run.emit(strand, "MapRunStarted", MapRun(signal.arn))
            started = strand.tip
        elif isinstance(signal, MapRunEnded):
            _record_end(strand, signal, started)
            return signal, started


def _record_end(strand: Strand, ended: MapRunEnded, started: int) -> None:
    run = strand.run
    if ended.error is None:
        run.emit(strand, "MapRunSucceeded")
        run.emit(strand, "MapStateSucceeded")
    elif started:
        run.emit(strand, "MapRunFailed", Failure(ended.error, ended.cause))


# -- evaluated in the parent


def map_run_spec(
    state: Map, distribution: Distribution, block: Block, instrument: Instrument | None
) -> Callable[[Strand], MapRunSpec]:
    """Evaluates everything that is evaluated in the parent, and records MapStateStarted."""
    jsonata = is_jsonata(state.flow)
    before = effective_input(state.flow, instrument)
    wrap = subject(state.flow)
    items = None if distribution.reader is not None else items_of(state)
    limit, tolerated = concurrency(state), _tolerated(distribution, jsonata)
    reader = _reader(distribution.reader, jsonata)
    batcher = _batcher(distribution.batcher, jsonata)
    writer = _writer(distribution.writer, jsonata)
    program = Program(block)
    express = distribution.execution_type is MachineType.EXPRESS

    def make(strand: Strand) -> MapRunSpec:
        run, given = strand.run, strand.input
        value = given if before is None else before(strand, given)
        told = wrap(value)
        at_once = limit(strand, told)
        found = UNSET if items is None else items(strand, value)
        if strand.map_run is None:
            run.emit(strand, "MapStateStarted", MapStarted(0 if isinstance(found, Unset) else len(found)))
        count, percentage = tolerated(strand, told)
        _observe(instrument, strand, (at_once, count, percentage))
        return MapRunSpec(
            state.name,
            distribution.label,
            program,
            express,
            found,
            reader(strand, told),
            _select(strand, state.selector, told),
            batcher(strand, told),
            writer(strand, told),
            at_once,
            count,
            percentage,
            run.identity,
        )

    return make


_COUNTS: Final = ("MaxItems",)
_OBSERVED: Final = ("maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage")


def _observe(instrument: Instrument | None, strand: Strand, numbers: tuple[float | None, ...]) -> None:
    if instrument is not None:
        for name, value in zip(_OBSERVED, numbers, strict=True):
            if value is not None:
                instrument.stage(strand, name, value)


class ItemScope(Strand):
    """The scope of ItemSelector. Each item has draws of its own: items are selected at any time, some of them again
    after a restart, and the parent's draws must not depend on that.
    """

    __slots__ = ("_draws",)

    def choose(self, item: Item, seed: str) -> None:
        self.item = item
        self._draws = SeededDraws(seed, lambda: self.run.at)

    @property
    def draws(self) -> Draws:
        return self._draws


def _select(strand: Strand, selector: Compiled | None, told: Any) -> Callable[[int, Value, str | Unset, str], Value]:
    """The input of one item, by ItemSelector in the parent's scope. Without an ItemSelector it is the item of an array,
    or the pair of an object's member (`input-output-itemspath`).
    """
    if selector is None:
        return lambda index, value, key, source: value if isinstance(key, Unset) else {"Key": key, "Value": value}
    apply = selector.apply
    scope = ItemScope(strand.run, strand.block, strand.input, strand)
    seed = f"{strand.run.identity.seed}/map:{strand.run.last_effect}"

    def select(index: int, value: Value, key: str | Unset, source: str) -> Value:
        scope.choose(Item(index, value, key, source), f"{seed}/{index}")
        try:
            return apply(told, scope)
        except EvaluationError as error:
            raise StateError(error.error, strand.place(error.message), final=error.error == RUNTIME) from None

    return select


def _nothing(strand: Strand, told: Any) -> None:
    return None


def _applied(compiled: Compiled | None) -> Evaluated:
    if compiled is None:
        return lambda strand, told: {}
    apply = compiled.apply
    return lambda strand, told: apply(told, strand)


def _config(config: dict[str, Value | Compiled], jsonata: bool) -> Evaluated:
    fixed = {name: value for name, value in config.items() if not isinstance(value, Compiled)}
    moving = {
        name: number(value, name, jsonata=jsonata) if name in _COUNTS else _applied(value)
        for name, value in config.items()
        if isinstance(value, Compiled)
    }
    return lambda strand, told: fixed | {name: take(strand, told) for name, take in moving.items()}


def _reader(reader: ItemReader | None, jsonata: bool) -> Evaluated:
    if reader is None:
        return _nothing
    resource, arguments, config = reader.resource, _applied(reader.arguments), _config(dict(reader.config), jsonata)
    return lambda strand, told: ReaderSpec(resource, arguments(strand, told), config(strand, told))


def _writer(writer: ResultWriter | None, jsonata: bool) -> Evaluated:
    if writer is None:
        return _nothing
    resource, arguments, config = writer.resource, _applied(writer.arguments), _config(dict(writer.config), jsonata)
    return lambda strand, told: WriterSpec(resource, arguments(strand, told), config(strand, told))


def _batcher(batcher: ItemBatcher | None, jsonata: bool) -> Evaluated:
    if batcher is None:
        return _nothing
    items = _positive(batcher.max_items, "MaxItemsPerBatch", jsonata)
    bytes_ = _positive(batcher.max_bytes, "MaxInputBytesPerBatch", jsonata)
    given = batcher.batch_input

    def made(strand: Strand, told: Any) -> BatcherSpec:
        batch_input = UNSET if given is None else given.apply(told, strand)
        return BatcherSpec(items(strand, told), bytes_(strand, told), batch_input)

    return made


def _positive(spec: Number | None, field: str, jsonata: bool) -> Evaluated:
    """Refuses a size of 0, since empty batches would never end (`ItemBatcher`: "a positive integer"; the message is
    ours).
    """
    take = _optional(spec, field, jsonata)

    def made(strand: Strand, told: Any) -> int | None:
        value = take(strand, told)
        if value is not None and value <= 0:
            raise _out_of_range(field, "must be positive", jsonata)
        return None if value is None else int(value)

    return made


def _optional(spec: Number | None, field: str, jsonata: bool, *, whole: bool = True) -> Evaluated:
    return _nothing if spec is None else number(spec, field, jsonata=jsonata, whole=whole)


def _tolerated(distribution: Distribution, jsonata: bool) -> Callable[[Strand, Any], tuple[int | None, float | None]]:
    """ToleratedFailureCount and ToleratedFailurePercentage."""
    count = _tolerated_count(distribution.tolerated_count, jsonata)
    percentage = _tolerated_percentage(distribution.tolerated_percentage, jsonata)
    return lambda strand, told: (count(strand, told), percentage(strand, told))


def _tolerated_count(spec: Number | None, jsonata: bool) -> Evaluated:
    take = _optional(spec, "ToleratedFailureCount", jsonata)

    def made(strand: Strand, told: Any) -> int | None:
        value = take(strand, told)
        if value is not None and value < 0:
            raise _out_of_range("ToleratedFailureCount", "cannot be negative", jsonata)
        return None if value is None else int(value)

    return made


def _tolerated_percentage(spec: Number | None, jsonata: bool) -> Evaluated:
    take = _optional(spec, "ToleratedFailurePercentage", jsonata, whole=False)

    def made(strand: Strand, told: Any) -> float | None:
        value = take(strand, told)
        if is_number(value) and not 0 <= value <= 100:
            raise _out_of_range("ToleratedFailurePercentage", "must be between 0 and 100", jsonata)
        return None if value is None else float(value)

    return made


def _out_of_range(field: str, rule: str, jsonata: bool) -> EvaluationError:
    return EvaluationError(QUERY_EVALUATION if jsonata else RUNTIME, f"{field} {rule}.", field if jsonata else "")
