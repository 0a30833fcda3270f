"""What one JSONata expression costs: compiled, evaluated by the fast way or the library. Microseconds, best of runs."""

import timeit
from typing import Any

from sfn_emulator.query.compiled import States
from sfn_emulator.query.jsonata.expression import compile_expression

INPUT = {"a": {"b": {"c": 1}}, "name": "Ada", "lines": [{"sku": "x", "n": 2}, {"sku": "y", "n": 3}]}
EXPRESSIONS = (
    "$i + 1",
    "$i < 200",
    "$states.input.a.b.c",
    "'Hello ' & $states.input.name",
    "{'name': $states.input.name, 'total': $sum($states.input.lines.n)}",
    "$states.input.lines[sku = 'x'].n",
    "$map($states.input.lines, function($line) { $line.n * 2 })",
)


class _Draws:
    def uuid(self) -> str:
        return "00000000-0000-4000-8000-000000000000"

    def random(self) -> float:
        return 0.5

    def now(self) -> float:
        return 0.0


class _Scope:
    draws = _Draws()

    def __init__(self) -> None:
        self.variables = {"i": 7}

    def context(self) -> dict[str, Any]:
        return {}


def measure(runs: int = 5) -> dict[str, tuple[float, float]]:
    """Expression → microseconds to compile and to evaluate."""
    return {expression: _measured(f"{{% {expression} %}}", runs) for expression in EXPRESSIONS}


def _measured(source: str, runs: int) -> tuple[float, float]:
    compiled, subject, scope = compile_expression(source, "Output"), States(INPUT), _Scope()
    compiling = min(timeit.repeat(lambda: compile_expression(source, "Output"), number=20, repeat=runs)) / 20
    applying = min(timeit.repeat(lambda: compiled.apply(subject, scope), number=500, repeat=runs)) / 500
    return compiling * 1e6, applying * 1e6


if __name__ == "__main__":
    for expression, (compiling, applying) in measure().items():
        print(f"{expression:<70} compile {compiling:7.1f} µs   evaluate {applying:7.2f} µs")
