"""Measures whether a load holds up others: each kind of load beside a probe, a second client's DescribeExecution.

The rule: while anything runs, the probe is answered within 100 ms (p99) and 250 ms at worst, SIGTERM is obeyed within
5 s, and what one execution holds is bounded. Each load has a server of its own, is given ``SFN_BENCH_PATIENCE`` seconds
(8 by default), and is still under way when the server is told to stop, if it is not done by then.

On a busy machine the probe waits for a core, too. So the longest turn of the loop is told beside it, in CPU time.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.loads import LOADS, PATIENCE, Load
from benchmarks.wire import ROOT, chain, create, megabytes, server

P99, WORST, STOPPED = 100.0, 250.0, 5.0
GIVEN_UP: Final = 20.0


class Seen(NamedTuple):
    """The effect of a load on others: milliseconds, seconds to stop, peak megabytes, and how the load ended.

    ``turn`` is the CPU time of the loop's longest turn in milliseconds, ``callback`` what took most of it.
    """

    p50: float
    p99: float
    worst: float
    turn: float
    callback: str
    stopped: float
    megabytes: float
    told: str

    @property
    def kept(self) -> bool:
        """Whether the rule was kept."""
        return self.p99 <= P99 and self.worst <= WORST and self.stopped <= STOPPED


def measure(load: Load, patience: float = PATIENCE) -> Seen:
    """Runs ``load`` against a server of its own, with the probe beside it."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        seen = scratch / "turns"
        process, client = stack.enter_context(server(scratch, program=("benchmarks.turns", str(seen))))
        url = client.meta.endpoint_url
        arn = client.start_execution(stateMachineArn=create(client, chain(1)))["executionArn"]
        command = [sys.executable, "-m", "benchmarks.probe", url, arn]
        probe = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told: list[object] = []
        thread = threading.Thread(target=lambda: told.append(_tolerant(load, url)), daemon=True)
        time.sleep(1)  # noqa: TID251 - until the probe asks
        _longest(process, seen)
        thread.start()
        thread.join(patience)
        time.sleep(0.5)  # noqa: TID251 - what the load leaves behind
        turn, callback = _longest(process, seen)
        took = _answers(probe, patience)
        peak = megabytes(process.pid, "VmHWM")
        began = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GIVEN_UP)
        stopped = time.perf_counter() - began
        process.kill()
        end = str(told[0]) if told else f"under way after {patience:g} s"
        p99 = took[len(took) * 99 // 100]
        return Seen(statistics.median(took), p99, took[-1], turn, callback, stopped, peak, end)


def _longest(process: "subprocess.Popen[str]", file: Path) -> tuple[float, str]:
    """The longest turn since this was last asked, in milliseconds, and what took most of it."""
    process.send_signal(signal.SIGUSR2)
    for _ in range(int(GIVEN_UP / 0.05)):
        if file.exists():
            told = json.loads(file.read_text())
            file.unlink()
            return told["longest"], told["at"]
        time.sleep(0.05)  # noqa: TID251 - a signal is handled between two bytecodes
    return float("inf"), "a call that did not end"


def _answers(probe: "subprocess.Popen[str]", patience: float) -> list[float]:
    """How long they took, sorted; one that did not come is as long as was waited for it."""
    try:
        return sorted(json.loads(probe.communicate(timeout=GIVEN_UP)[0]))
    except subprocess.TimeoutExpired:
        probe.kill()
        probe.communicate()
        return [(patience + GIVEN_UP) * 1e3]


def _tolerant(load: Load, url: str) -> object:
    try:
        return load(url)
    except (BotoCoreError, ClientError) as error:
        return f"{type(error).__name__}: {error}"[:80]


def figures(names: list[str] | None = None) -> Iterator[tuple[str, Seen]]:
    for name in names or LOADS:
        yield name, measure(LOADS[name])


BEFORE: Final[dict[str, tuple[str, str, str]]] = {
    "nothing": ("85, 85", "0.3", "44"),
    "$distinct of 20,000 objects": ("30,000, 30,000", "20.0", "49"),
    "$contains($string(…)) 3,000 times": ("21,637, 21,637", "0.3", "46"),
    "$hash of 250 KB 20,000 times": ("11,795, 11,795", "0.3", "50"),
    "$base64encode of 250 KB 12,000 times": ("18,189, 18,189", "0.3", "5,292"),
    "$split of 250 KB 3,000 times": ("13,856, 13,856", "0.3", "5,768"),
    "regular expressions": ("10,304, 10,304", "0.3", "45"),
    "$sort of 30,000 by a function": ("1,964, 1,964", "0.3", "48"),
    "$merge of 20,000 big objects": ("19,906, 19,906", "0.3", "49"),
    "filter with IN, 8,000 × 8,000": ("30,000, 30,000", "13.6", "46"),
    "States.ArrayUnique of 12,000 objects": ("44, 44", "0.3", "53"),
    "1,000 intrinsics in a state": ("3,212, 3,212", "0.3", "45"),
    "six nested Maps of 12 items": ("45,000, –", "over 25", "803"),
    "an execution that carries 255 KB": ("2,068, 2,068", "0.3", "1,133"),
    "ten events of its history": ("9,057, 9,057", "–", "1,875"),
    "1,000 events without data": ("7,138, 7,138", "–", "1,885"),
    "1,000 events with data": ("7,379, 7,379", "–", "1,866"),
    "an EventBridge wildcard": ("over 12,000", "–", "–"),
}
"""Measured before all this: p99 and worst, SIGTERM, MB. What is not here was not measured then."""


def main() -> int:
    """Prints the table of docs/liveness.md; status 1 if the rule was broken. What was long stands on standard error."""
    parser = argparse.ArgumentParser("python -m benchmarks.liveness", description=main.__doc__)
    parser.add_argument("word", nargs="*", help="only the loads whose name has one of the words; all take minutes")
    words = parser.parse_args().word
    kept = True
    print(f"Load of the machine at the start: {os.getloadavg()[0]:.1f}.\n")
    print("| load | before: p99, worst | SIGTERM | MB | p50, p99, worst | turn, CPU | SIGTERM | MB |")
    print("|---|---|---|---|---|---|---|---|")
    for name, seen in figures([name for name in LOADS if any(word in name for word in words)] or None):
        kept = kept and seen.kept
        before = " | ".join(BEFORE.get(name, ("–", "–", "–")))
        took = f"{seen.p50:,.0f}, {seen.p99:,.0f}, {seen.worst:,.0f}"
        print(
            f"| {name} | {before} | {took} | {seen.turn:,.0f} | {seen.stopped:.1f} | {seen.megabytes:,.0f} |",
            flush=True,
        )
        print(f"{'' if seen.kept else 'BROKEN '}{name}: {seen.told}; {seen.callback}", file=sys.stderr, flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
