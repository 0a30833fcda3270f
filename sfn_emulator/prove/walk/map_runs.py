"""A Distributed Map in a walk: its children one after the other, and failures of its reader and its writer."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from sfn_emulator.engine.ports import MapRunEnded, MapRunSpec, StartMapRun
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.engine.states.distributed import too_many
from sfn_emulator.errors import EXCEEDED, EXCEEDED_CAUSE, StateError
from sfn_emulator.prove.walk.choices import Choices
from sfn_emulator.prove.walk.outcomes import ANSWERED, Outcome
from sfn_emulator.prove.walk.unknown.values import is_unknown, unknown
from sfn_emulator.values import UNSET, Unset, Value

ITEMS: Final = 2
"""The greatest number of iterations with which a Map over unknown items is walked."""
READER_FAILED: Final = (ANSWERED, Outcome("States.ItemReaderFailed", happened=False, lasting=True))
WRITER_FAILED: Final = (ANSWERED, Outcome("States.ResultWriterFailed", happened=False, lasting=True))

Child = Callable[[int, Value], Run]
"""Runs a child to its end."""
Failing = Callable[[str, tuple[Outcome, ...]], str | None]
"""The error with which the Map's part of that name fails, if it does."""


def carried_out(effect: StartMapRun, choices: Choices, child: Child, failing: Failing) -> MapRunEnded:
    """The end of the Map Run: its children are carried to their ends, one after the other."""
    spec = effect.spec
    if spec.reader is not None and (error := failing(" (ItemReader)", READER_FAILED)):
        return MapRunEnded(effect.id, error=error, cause="as prove has it")
    try:
        inputs = list(_inputs(spec, choices))
    except StateError as wrong:
        return MapRunEnded(effect.id, error=wrong.error, cause=wrong.cause)
    results: list[Value] = []
    for index, given in enumerate(inputs):
        run = child(index, given)
        if run.status is Status.SUCCEEDED:
            results.append(None if isinstance(run.output, Unset) else run.output)
        elif too_many(index + 1 - len(results), len(inputs), spec.tolerated_count, spec.tolerated_percentage):
            return MapRunEnded(effect.id, error=EXCEEDED, cause=EXCEEDED_CAUSE)
    if spec.writer is None or spec.writer.resource is None:
        return MapRunEnded(effect.id, results)
    if error := failing(" (ResultWriter)", WRITER_FAILED):
        return MapRunEnded(effect.id, error=error, cause="as prove has it")
    return MapRunEnded(effect.id, unknown(f"{spec.state} results"))


def _inputs(spec: MapRunSpec, choices: Choices) -> Iterator[Value]:
    """Each child's input. With batches, each unknown item is a batch of its own."""
    items: Any = spec.items
    if isinstance(items, Unset):
        items = [unknown(f"{spec.state} items[{index}]") for index in range(choices.pick((ITEMS, 0)))]
    pairs = items.items() if isinstance(items, dict) else ((UNSET, item) for item in items)
    chosen = [spec.select(index, item, key, "STATE_DATA") for index, (key, item) in enumerate(pairs)]
    if spec.batcher is None:
        yield from chosen
        return
    size = 1 if all(map(is_unknown, items)) else spec.batcher.max_items or max(len(chosen), 1)
    told = {} if isinstance(spec.batcher.batch_input, Unset) else {"BatchInput": spec.batcher.batch_input}
    for first in range(0, len(chosen), size):
        yield {**told, "Items": chosen[first : first + size]}
