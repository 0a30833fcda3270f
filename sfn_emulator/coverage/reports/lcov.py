"""Coverage as an lcov tracefile: a state's lines are its points' lines, its branches rules, Retriers and Catchers."""

from collections.abc import Iterable, Iterator

from sfn_emulator.coverage.covered import Covered
from sfn_emulator.coverage.points import Point
from sfn_emulator.coverage.reports.text import title

BRANCHES = ("rule", "default", "retry", "catch")


def lcov(found: Iterable[Covered]) -> str:
    """The tracefile: a record for each machine."""
    return "".join(f"{line}\n" for machine in found for line in _machine(machine))


def _machine(machine: Covered) -> Iterator[str]:
    yield from ("TN:", f"SF:{title(machine)}")
    branches = branches_of(machine)
    for number, points in branches.items():
        for index, point in enumerate(points):
            yield f"BRDA:{number},0,{index},{int(point in machine.taken)}"
    every = [point for points in branches.values() for point in points]
    yield f"BRF:{len(every)}"
    yield f"BRH:{len([point for point in every if point in machine.taken])}"
    hits = hits_of(machine)
    yield from (f"DA:{number},{int(hit)}" for number, hit in hits.items())
    yield from (f"LF:{len(hits)}", f"LH:{sum(hits.values())}", "end_of_record")


def hits_of(machine: Covered) -> dict[int, bool]:
    """Per line with a point: whether any of its points was taken."""
    lines: dict[int, list[Point]] = {}
    for point, number in machine.lines.items():
        lines.setdefault(number, []).append(point)
    return {number: any(point in machine.taken for point in lines[number]) for number in sorted(lines)}


def branches_of(machine: Covered) -> dict[int, list[Point]]:
    """Per line, the points that are one way among several."""
    lines: dict[int, list[Point]] = {}
    for point, number in machine.lines.items():
        if point.kind in BRANCHES:
            lines.setdefault(number, []).append(point)
    return {number: lines[number] for number in sorted(lines)}
