"""Reads the stored outcomes of EXPRESS children: which are missing, which failed, pages of results."""

from collections.abc import Iterator
from typing import NamedTuple

from sfn_emulator.engine.run import Status
from sfn_emulator.service.map_runs.feed import Gap
from sfn_emulator.service.map_runs.store import MapStore, Outcome, OutcomeChunk, pack_outcomes, unpack_outcomes


class Stretch(NamedTuple):
    """Children from ``number`` to before ``number_end``, over the items from ``first`` to before ``end``."""

    number: int
    number_end: int
    first: int
    end: int


def gaps(chunks: list[OutcomeChunk], begun: int, taken: int, *, batched: bool) -> list[Gap]:
    """Children that were begun, up to number ``begun`` and item ``taken``, and have no outcome."""
    found: list[Gap] = []
    number = first = 0
    for stretch in sorted(_stretches(chunks, batched)):
        if stretch.number > number:
            found.append(Gap(number, first, stretch.first))
        number, first = stretch.number_end, stretch.end
    if begun > number:
        found.append(Gap(number, first, taken))
    return found


def _stretches(chunks: list[OutcomeChunk], batched: bool) -> Iterator[Stretch]:
    for chunk in chunks:
        if chunk.is_solid and not batched:
            yield Stretch(chunk.least, chunk.most + 1, chunk.least, chunk.most + 1)
        else:
            for outcome in unpack_outcomes(chunk.body):
                yield Stretch(outcome.number, outcome.number + 1, outcome.first, outcome.first + outcome.items)


class Tally(NamedTuple):
    """Children and their items, by status, and the bytes of all results."""

    executions: dict[Status, int]
    items: dict[Status, int]
    bytes: int


def tally(chunks: list[OutcomeChunk]) -> Tally:
    """The outcomes of all chunks, counted. Only chunks with failures have to be unpacked."""
    executions = dict.fromkeys(Status, 0)
    items = dict.fromkeys(Status, 0)
    for chunk in chunks:
        if not chunk.failures:
            executions[Status.SUCCEEDED] += chunk.children
            items[Status.SUCCEEDED] += chunk.items
            continue
        for outcome in unpack_outcomes(chunk.body):
            executions[outcome.status] += 1
            items[outcome.status] += outcome.items
    return Tally(executions, items, sum(chunk.size for chunk in chunks))


Rewritten = tuple[int, OutcomeChunk | None]
"""A chunk's number, and its new content; ``None`` if nothing is left of it."""


def without_failures(chunks: list[OutcomeChunk]) -> list[Rewritten]:
    """The chunks that have failures, without these: children that did not succeed are to be run again (redrive)."""
    return [(chunk.n, _successes(chunk)) for chunk in chunks if chunk.failures]


def _successes(chunk: OutcomeChunk) -> OutcomeChunk | None:
    kept = [outcome for outcome in unpack_outcomes(chunk.body) if outcome.status is Status.SUCCEEDED]
    return pack_outcomes(chunk.n, kept) if kept else None


class Position(NamedTuple):
    """The beginning of a page, going backwards: the chunk, and the number of its outcomes that were seen."""

    n: int
    seen: int


def newest(
    store: MapStore, run: str, status: Status | None, after: Position | None
) -> Iterator[tuple[Position, Outcome]]:
    """Outcomes, the latest first, each with its position."""
    before, seen = (2**62, 0) if after is None else (after.n + 1, after.seen)
    while chunks := store.outcomes(run, before, 1, backwards=True):
        chunk = chunks[0]
        skip = seen if after is not None and chunk.n == after.n else 0
        for at, outcome in enumerate(reversed(unpack_outcomes(chunk.body)[: chunk.children - skip]), skip + 1):
            if status is None or outcome.status is status:
                yield Position(chunk.n, at), outcome
        before = chunk.n
