"""Kills servers at random moments, and looks whether what they acknowledged is there and done."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final, NamedTuple

from tests.crash import clocks
from tests.crash.features import Partner, subject
from tests.crash.halfway import HALFWAY
from tests.crash.life import Life
from tests.crash.neighbours import NeighbourTrial, Subject
from tests.crash.placements import PLACES, breaches
from tests.crash.power import CAN_BE_LOST, PowerLife
from tests.crash.saga import SagaTrial
from tests.crash.trial import Trial


def main() -> int:
    told = _parser().parse_args()
    found: list[str] = []
    for name, part in _PARTS.items():
        count = getattr(told, name)
        if count:
            with tempfile.TemporaryDirectory() as scratch:
                found += _told(part.run(Path(scratch), count, told.seed))
    return len([*found, *_told(_mixed(told))]) and 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        epilog="The exit status is 1 if anything was lost, or done twice that may not be. 0 leaves a trial out.",
    )
    parser.add_argument("--kills", type=int, default=200, help="kills amid executions of every kind")
    parser.add_argument("--most", type=int, default=4_000, help="executions that --kills starts at most")
    for name, part in _PARTS.items():
        parser.add_argument(f"--{name}", type=int, default=part.count, help=part.about)
    parser.add_argument("--seed", type=int, default=1, help="what the moments of the kills are drawn from")
    parser.add_argument("--directory", type=Path, help="where --kills works, made if it is missing; else a scratch one")
    return parser


def _saga(scratch: Path, kills: int, seed: int) -> list[str]:
    orders, found = SagaTrial(scratch, seed).run(kills)
    print(f"saga           {orders} orders, {kills} kills, {len(found)} breaches")
    return found


def _placements(scratch: Path, count: int, seed: int) -> list[str]:
    found = list(breaches(scratch))
    print(f"placements     {len(PLACES)} kills where a proof plays one, {len(found)} breaches")
    return found


def _clocks(scratch: Path, count: int, seed: int) -> list[str]:
    found: list[str] = []
    for n in range(count):
        (scratch / str(n)).mkdir()
        executions, kills, more = clocks.trial(scratch / str(n))
        print(f"clocks         {executions} executions, {kills} kills, {len(more)} breaches")
        found += more
    return found


def _features(scratch: Path, kills: int, seed: int) -> list[str]:
    with closing(Partner()) as partner:
        return _acknowledged("features", scratch, kills, seed, of=subject(partner), options=("--time", "20"))


def _power(scratch: Path, kills: int, seed: int) -> list[str]:
    if not CAN_BE_LOST:
        print("power          left out: no gcc on this machine to build the shim that drops writes")
        return []
    found = _acknowledged("power", scratch / "neighbours", kills, seed, kind=PowerLife)
    return found + _acknowledged("power, halfway", scratch / "halfway", kills, seed, of=HALFWAY, kind=PowerLife)


def _acknowledged(
    name: str,
    scratch: Path,
    kills: int,
    seed: int,
    *,
    of: Subject | None = None,
    options: tuple[str, ...] = (),
    kind: type[Life] = Life,
) -> list[str]:
    trial = NeighbourTrial(scratch, seed, most=3 * kills, of=of, options=options, kind=kind)
    counts, found = trial.run(kills)
    print(f"{name:14} {kills} kills, {len(found)} breaches; acknowledged {counts}")
    return found


class _Part(NamedTuple):
    count: int
    about: str
    run: Callable[[Path, int, int], list[str]]


_PARTS: Final = {
    "saga": _Part(50, "kills amid orders of the saga", _saga),
    "neighbours": _Part(
        100,
        "kills amid rows, objects, messages, stacks, schedules, callbacks",
        lambda *told: _acknowledged("neighbours", *told),
    ),
    "features": _Part(60, "kills amid destinations, events, aliases, redrives, OAuth, traffic that shifts", _features),
    "halfway": _Part(
        40,
        "kills amid connections, change sets, streams, snapshots, pages of Distributed Maps",
        lambda *told: _acknowledged("halfway", *told, of=HALFWAY),
    ),
    "power": _Part(30, "losses of power with --fsync, in each of two trials", _power),
    "clocks": _Part(1, "trials in which the machine's clock is set back", _clocks),
    "placements": _Part(1, "1: kills where a proof plays one", _placements),
}


def _mixed(told: argparse.Namespace) -> list[str]:
    if not told.kills:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        report = Trial(told.directory or Path(scratch), told.seed, most=told.most).run(told.kills)
    for name, value in asdict(report).items():
        print(f"{name:14} {value if name != 'breaches' else len(report.breaches)}")
    return report.breaches


def _told(breaches: list[str]) -> list[str]:
    for breach in breaches[:50]:
        print(f"BREACH {breach}")
    return breaches


if __name__ == "__main__":
    sys.exit(main())
