"""``python -m tests.crash [--kills 200] [--seed N] [--directory DIR]``: the long trial, with its report."""

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.crash.trial import Trial


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=4_000, help="executions at most")
    parser.add_argument("--directory", type=Path)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        report = Trial(told.directory or Path(scratch), told.seed, most=told.most).run(told.kills)
    for name, value in asdict(report).items():
        print(f"{name:14} {value if name != 'breaches' else len(report.breaches)}")
    for breach in report.breaches[:50]:
        print(f"BREACH {breach}")
    return 1 if report.breaches else 0


sys.exit(main())
