"""``python -m benchmarks [--markdown] [NAME...]``: all suites, or those named. Exit status 1 if a bar was missed.

``speed`` stands for those that make docs/speed.md; they take some five minutes.
"""

import os
import sys

from benchmarks import (
    attribution,
    clients,
    console,
    distributed_map,
    engine,
    functions,
    prove,
    saga,
    starting,
    wire,
    writes,
)
from benchmarks.table import show, write

SPEED = {
    "saga": saga.figures,
    "writes": writes.figures,
    "clients": clients.figures,
    "starting": starting.figures,
    "wire": wire.figures,
    "engine": engine.figures,
}
SUITES = {
    **SPEED,
    "attribution": attribution.figures,
    "console": console.figures,
    "distributed_map": distributed_map.figures,
    "functions": functions.figures,
    "prove": prove.figures,
}


def main() -> int:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode, and so has what is measured
    given = [name for name in sys.argv[1:] if name != "--markdown"] or list(SUITES)
    names = [suite for name in given for suite in (SPEED if name == "speed" else (name,))]
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        print(f"no such suite: {', '.join(unknown)}; there are speed, {', '.join(SUITES)}", file=sys.stderr)
        return 2
    figures = (figure for name in names for figure in SUITES[name]())
    return 0 if (write if "--markdown" in sys.argv else show)(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
