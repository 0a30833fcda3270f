"""The time of a start: from the command to its line ``ready``, and from there to a neighbour's first answer."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.processor import used
from benchmarks.table import Figure
from benchmarks.wire import client_of, launched

ROUNDS: Final = 5


def figures() -> Iterator[Figure]:
    rounds = [_round() for _ in range(ROUNDS + 1)][1:]  # the first one writes bytecode
    ready, ready_cpu, answer, answer_cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
    yield Figure("from the command to ready", ready, "s", 0.4)
    yield Figure("of a processor", ready_cpu, "s")
    yield Figure("from ready to a neighbour's first answer", answer, "s", 0.5)
    yield Figure("of a processor", answer_cpu, "s")


def _round() -> tuple[float, float, float, float]:
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        with launched(Path(scratch)) as (process, url):
            ready, ready_used = time.perf_counter() - began, used(process.pid).server
            tables = client_of("dynamodb", url)
            began = time.perf_counter()
            tables.list_tables()
            return ready, ready_used, time.perf_counter() - began, used(process.pid).server - ready_used
