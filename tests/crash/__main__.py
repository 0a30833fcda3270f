"""``python -m tests.crash [--kills N] [--saga N] [--neighbours N] [--features N] [--placements 0]``: long trials."""

import argparse
import sys
import tempfile
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from tests.crash.features import Partner, subject
from tests.crash.neighbours import NeighbourTrial
from tests.crash.placements import PLACES, breaches
from tests.crash.saga import SagaTrial
from tests.crash.trial import Trial


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=4_000, help="executions at most")
    parser.add_argument("--saga", type=int, default=50, help="kills of the saga's trial")
    parser.add_argument("--neighbours", type=int, default=100, help="kills of the neighbours' trial")
    parser.add_argument("--features", type=int, default=60, help="kills of the trial of what came later")
    parser.add_argument("--placements", type=int, default=1, help="0: servers are not killed where a proof plays it")
    parser.add_argument("--directory", type=Path)
    told = parser.parse_args()
    found = _saga(told.saga, told.seed) if told.saga else []
    found += _neighbours(told.neighbours, told.seed) if told.neighbours else []
    found += _features(told.features, told.seed) if told.features else []
    found += _placements() if told.placements else []
    return len([*found, *_mixed(told)]) and 1


def _placements() -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        found = list(breaches(Path(scratch)))
    print(f"placements     {len(PLACES)} kills where a proof plays one, {len(found)} breaches")
    return _told(found)


def _saga(kills: int, seed: int) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        orders, found = SagaTrial(Path(scratch), seed).run(kills)
    print(f"saga           {orders} orders, {kills} kills, {len(found)} breaches")
    return _told(found)


def _neighbours(kills: int, seed: int) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        counts, found = NeighbourTrial(Path(scratch), seed, most=4 * kills).run(kills)
    print(f"neighbours     {kills} kills, {len(found)} breaches; acknowledged {counts}")
    return _told(found)


def _features(kills: int, seed: int) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch, closing(Partner()) as partner:
        trial = NeighbourTrial(Path(scratch), seed, most=2 * kills, of=subject(partner), options=("--time", "20"))
        counts, found = trial.run(kills)
    print(f"features       {kills} kills, {len(found)} breaches; acknowledged {counts}")
    return _told(found)


def _mixed(told: argparse.Namespace) -> list[str]:
    if not told.kills:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        report = Trial(told.directory or Path(scratch), told.seed, most=told.most).run(told.kills)
    for name, value in asdict(report).items():
        print(f"{name:14} {value if name != 'breaches' else len(report.breaches)}")
    return _told(report.breaches)


def _told(breaches: list[str]) -> list[str]:
    for breach in breaches[:50]:
        print(f"BREACH {breach}")
    return breaches


if __name__ == "__main__":
    sys.exit(main())
