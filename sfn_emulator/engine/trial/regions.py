"""Map and Parallel on trial: the state's own fields are evaluated, then a mock answers for the states inside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sfn_emulator.asl.model import Distribution, MachineType, Map, Parallel
from sfn_emulator.engine.events import Entered
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.ports import BatcherSpec, MapRunSpec
from sfn_emulator.engine.states.dataflow import (
    Leaving,
    effective_input,
    is_jsonata,
    leave,
    leaving,
    parameters,
)
from sfn_emulator.engine.states.distributed import map_run_spec, too_many
from sfn_emulator.engine.states.items import items_of
from sfn_emulator.engine.states.recovery import recovering
from sfn_emulator.engine.strand import Block, Step, Strand, Waiting
from sfn_emulator.errors import EXCEEDED, EXCEEDED_CAUSE, StateError
from sfn_emulator.values import UNSET, Unset, Value, size

_INSIDE: Final = Block("", {})
_INLINE: Final = Distribution(MachineType.STANDARD)


class ImpossibleTrialError(Exception):
    """The mock has more failed iterations than there are items."""


@dataclass(frozen=True, slots=True)
class Mock:
    """The answer instead of the work: ``result``, or ``error`` if that is UNSET."""

    result: Value | Unset = UNSET
    error: str = ""
    cause: str | None = None

    def outcome(self) -> Value:
        """The result; raises ``StateError`` for an error."""
        if isinstance(self.result, Unset):
            raise StateError(self.error, self.cause)
        return self.result


def _answered(state: Map | Parallel, answer: Callable[[Strand], Value], after: Leaving | None) -> Step:
    """The step that enters, is answered and leaves."""
    kind = type(state).__name__
    target = state.next

    def enter(strand: Strand) -> None:
        strand.enter(f"{kind}StateEntered", Entered(strand.state, strand.input))

    def attempt(strand: Strand) -> Waiting:
        yield from ()  # it never has to wait
        result = answer(strand)
        strand.run.aside(strand.tip, f"{kind}StateSucceeded")
        output, assigned = (result, None) if after is None else after(strand, result)
        leave(strand, f"{kind}StateExited", output, assigned)
        return target

    exited, failed = f"{kind}StateExited", f"{kind}StateFailed"
    wait = recovering(enter, attempt, (), (), exited=exited, failed=failed, jsonata=is_jsonata(state.flow))
    return Step(kind, wait=wait)


def mocked_parallel(state: Parallel, mock: Mock, instrument: Instrument) -> Step:
    """Parallel whose branches are not run: the mock answers for all of them."""
    before = parameters(state.flow, instrument)

    def answer(strand: Strand) -> Value:
        if before is not None:
            before(strand, strand.input)
        return mock.outcome()

    return _answered(state, answer, leaving(state.flow, instrument))


def mocked_map(state: Map, mock: Mock, failures: int, read: Value | Unset, instrument: Instrument) -> Step:
    """``failures`` is the number of iterations that failed in the mock, ``read`` the data that its ItemReader read.

    Without ``read``, a Map with an ItemReader finds its items in its input, as the guide has it.
    """
    make = map_run_spec(state, state.distribution or _INLINE, _INSIDE, instrument)
    narrowed = effective_input(state.flow)
    find = items_of(state)

    def answer(strand: Strand) -> Value:
        spec = make(strand)
        items = spec.items
        if isinstance(items, Unset):
            value = strand.input if narrowed is None else narrowed(strand, strand.input)
            items = find(strand, value) if isinstance(read, Unset) else read
        if failures and failures > len(items):
            raise ImpossibleTrialError
        _tell_items(state, strand, spec, items, instrument)
        result = mock.outcome()
        if failures and _exceeds(spec, failures, len(items)):
            raise StateError(EXCEEDED, EXCEEDED_CAUSE)
        return result

    return _answered(state, answer, leaving(state.flow, instrument))


def _exceeds(spec: MapRunSpec, failures: int, items: int) -> bool:
    """Whether the failures exceed one of the thresholds. Without thresholds they never do (recorded 2025-12)."""
    count, percentage = spec.tolerated_count, spec.tolerated_percentage
    return not (count is None and percentage is None) and too_many(failures, items, count, percentage)


# -- reported stages


def _tell_items(state: Map, strand: Strand, spec: MapRunSpec, items: Value, instrument: Instrument) -> None:
    pairs: list[tuple[str | Unset, Value]] = list(items.items()) if isinstance(items, dict) else []
    pairs = pairs or [(UNSET, item) for item in items]
    if not is_jsonata(state.flow):
        instrument.stage(strand, "afterItemsPath", items)
    source = _source(spec)
    selected = [spec.select(index, value, key, source) for index, (key, value) in enumerate(pairs)]
    if state.selector is not None:
        instrument.stage(strand, "afterItemSelector", selected)
    if spec.batcher is not None:
        instrument.stage(strand, "afterItemBatcher", batches(spec.batcher, selected))


def _source(spec: MapRunSpec) -> str:
    arguments: Any = spec.reader.arguments if spec.reader is not None else None
    if not isinstance(arguments, dict) or "Bucket" not in arguments:
        return "STATE_DATA"
    return f"s3://{arguments['Bucket']}/{arguments.get('Key', arguments.get('Prefix', ''))}"


def batches(batcher: BatcherSpec, items: list[Value]) -> list[Value]:
    """The items in groups, each with its BatchInput, none over MaxItemsPerBatch or MaxInputBytesPerBatch."""
    shared = {} if isinstance(batcher.batch_input, Unset) else {"BatchInput": batcher.batch_input}
    most, room = batcher.max_items or len(items), batcher.max_bytes or float("inf")
    empty = size({**shared, "Items": []})
    made: list[list[Value]] = []
    used = room
    for item in items:
        needed = size(item) + 1  # 1 for the comma
        if not made or len(made[-1]) >= most or used + needed > room + 1:
            made.append([])
            used = empty
        made[-1].append(item)
        used += needed
    return [{**shared, "Items": group} for group in made]
