"""One measured figure, and the tables they are printed in."""

import os
import platform
from collections.abc import Callable, Iterable
from importlib.metadata import version
from time import perf_counter
from typing import NamedTuple


class Figure(NamedTuple):
    """``value`` in ``unit``; ``bar`` is what it must not exceed, ``least`` what it must reach, where there are such."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    least: float | None = None

    @property
    def kept(self) -> bool:
        return not (
            (self.bar is not None and self.value > self.bar) or (self.least is not None and self.value < self.least)
        )

    @property
    def wanted(self) -> str:
        if self.bar is not None:
            return f"≤ {self.bar:g}"
        return "" if self.least is None else f"≥ {self.least:g}"


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
    print(f"{'workload':<60}{'measured':>14}{'bar':>10}")
    for figure in figures:
        kept = kept and figure.kept
        over = "" if figure.kept else "  MISSED"
        print(f"{figure.name:<60}{figure.value:>10.2f} {figure.unit:<3}{figure.wanted:>10}{over}", flush=True)
    return kept


def write(figures: Iterable[Figure]) -> bool:
    """The same as Markdown, with what it was measured on."""
    kept, before = True, os.getloadavg()[0]
    print("| workload | measured | bar | |\n|---|---|---|---|")
    for figure in figures:
        kept = kept and figure.kept
        said = "" if not figure.wanted else "yes" if figure.kept else "**no**"
        print(f"| {figure.name} | {figure.value:.2f} {figure.unit} | {figure.wanted} | {said} |", flush=True)
    after = os.getloadavg()[0]
    names = ", ".join(f"{name} {version(name)}" for name in ("moto", "botocore"))
    print(
        f"\n{os.cpu_count()} processors, load {before:.1f} before and {after:.1f} after; "
        f"Python {platform.python_version()}, {names}."
    )
    return kept
