"""Coverage for a terminal: how much of each machine was taken, and what is missing, by line."""

from collections.abc import Iterable, Iterator, Sequence

from sfn_emulator.coverage.covered import Covered
from sfn_emulator.coverage.points import KINDS, told


def text(found: Iterable[Covered]) -> str:
    """Lines of at most 80 columns, unless a name is longer; ends in a line break."""
    machines = list(found)
    if not machines:
        return "No state machine ran.\n"
    return "".join(f"{line}\n" for machine in machines for line in _machine(machine))


def _machine(machine: Covered) -> Iterator[str]:
    yield f"{title(machine)}  {percent(machine.percent)}"
    counts = [f"{KINDS[kind]} {taken}/{every}" for kind, (taken, every) in machine.counts().items()]
    line = " "
    for count in counts:
        if len(line) + len(count) > 78:
            yield line
            line = " "
        line += f" {count}" if line == " " else f" · {count}"
    yield line
    for point in machine.missing:
        yield f"  line {machine.lines[point]}: {point.state}: {told(point)}"


def total(found: Sequence[Covered]) -> float:
    """Percent of all points of all machines."""
    every = sum(len(machine.lines) for machine in found)
    missing = sum(len(machine.missing) for machine in found)
    return 100.0 * (every - missing) / every if every else 100.0


def title(machine: Covered) -> str:
    return machine.path or machine.name or "a definition"


def percent(value: float) -> str:
    """The percentage as text; never 100 % while a point is missing."""
    return f"{value:.0f} %" if value in (0.0, 100.0) or 1 <= value < 99.5 else f"{value:.1f} %"
