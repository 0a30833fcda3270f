"""One measured figure, and the table they are printed in."""

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import NamedTuple


class Figure(NamedTuple):
    """``value`` in ``unit``; ``bar`` is what it must not exceed, ``None`` where there is none."""

    name: str
    value: float
    unit: str
    bar: float | None = None


def best(work: Callable[[], object], runs: int = 5) -> float:
    """Seconds of the fastest run."""
    fastest = float("inf")
    for _ in range(runs):
        began = perf_counter()
        work()
        fastest = min(fastest, perf_counter() - began)
    return fastest


def show(figures: Iterable[Figure]) -> bool:
    """Prints the figures as they come; true if every bar was kept."""
    kept = True
    print(f"{'workload':<52}{'measured':>14}{'bar':>10}")
    for figure in figures:
        over = figure.bar is not None and figure.value > figure.bar
        kept = kept and not over
        bar = "" if figure.bar is None else f"{figure.bar:g}"
        print(f"{figure.name:<52}{figure.value:>10.2f} {figure.unit:<3}{bar:>10}{'  OVER' if over else ''}", flush=True)
    return kept
