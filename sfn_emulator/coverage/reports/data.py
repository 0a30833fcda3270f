"""Coverage as JSON."""

import json
from collections.abc import Iterable
from typing import Any

from sfn_emulator.coverage.covered import Covered
from sfn_emulator.coverage.points import Point
from sfn_emulator.coverage.reports.text import title


def data(found: Iterable[Covered]) -> str:
    """A list with an object for each machine; ends in a line break."""
    return json.dumps([_machine(machine) for machine in found], indent=2, ensure_ascii=False) + "\n"


def _machine(machine: Covered) -> dict[str, Any]:
    return {
        "definition": title(machine),
        "name": machine.name,
        "percent": round(machine.percent, 2),
        "counts": {kind: {"taken": taken, "of": every} for kind, (taken, every) in machine.counts().items()},
        "missing": [_point(point, machine.lines[point]) for point in machine.missing],
    }


def _point(point: Point, line: int) -> dict[str, Any]:
    told: dict[str, Any] = {"line": line, "state": point.state, "kind": point.kind}
    if point.kind in ("rule", "retry", "catch"):
        told["index"] = point.number
    return {**told, "error": point.error} if point.error else told
