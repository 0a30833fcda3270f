"""``python -m benchmarks [--markdown] [NAME...]``: all suites, or those named. Exit status 1 if a bar was missed.

``speed`` stands for those that make docs/speed.md; they take some five minutes.
"""

import argparse
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
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("suite", nargs="*", help=f"speed, {', '.join(SUITES)}")
    parser.add_argument("--markdown", action="store_true", help="a table for the documentation")
    told = parser.parse_args()
    names = [suite for name in told.suite or SUITES for suite in (SPEED if name == "speed" else (name,))]
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        parser.error(f"no such suite: {', '.join(unknown)}; there are speed, {', '.join(SUITES)}")
    figures = (figure for name in names for figure in SUITES[name]())
    return 0 if (write if told.markdown else show)(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
