"""``python -m benchmarks [NAME...]``: all suites, or those named. Exit status 1 if a bar was missed."""

import sys

from benchmarks import attribution, console, distributed_map, engine, functions, saga, wire
from benchmarks.table import show

SUITES = {
    "attribution": attribution.figures,
    "console": console.figures,
    "engine": engine.figures,
    "distributed_map": distributed_map.figures,
    "saga": saga.figures,
    "wire": wire.figures,
    "functions": functions.figures,
}


def main() -> int:
    names = sys.argv[1:] or list(SUITES)
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        print(f"no such suite: {', '.join(unknown)}; there are {', '.join(SUITES)}", file=sys.stderr)
        return 2
    return 0 if show(figure for name in names for figure in SUITES[name]()) else 1


if __name__ == "__main__":
    sys.exit(main())
