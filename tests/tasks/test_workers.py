"""Calls under way wait for their answers side by side."""

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from sfn_emulator.tasks.workers import Workers
from tests.processes import ROOT
from tests.waiting import PATIENCE


def test_two_hundred_slow_calls_make_no_other_wait() -> None:
    told, release = threading.Event(), threading.Event()

    def post(tell: Callable[[], None]) -> None:
        tell()

    workers = Workers(post)
    for _ in range(200):
        workers.run(lambda: release.wait(PATIENCE), lambda outcome: None)
    workers.run(lambda: "quick", lambda outcome: told.set())
    try:
        assert told.wait(PATIENCE / 2)
    finally:
        release.set()


def test_a_call_never_waits_for_one_that_came_before_it() -> None:
    workers, stuck = Workers(lambda tell: tell()), []
    for _ in range(1_000):
        second, told = threading.Event(), threading.Event()

        def first(second: threading.Event = second) -> bool:
            return second.wait(PATIENCE)

        def end(outcome: object, told: threading.Event = told) -> None:
            stuck.append(outcome is not True)
            told.set()

        workers.run(first, end)
        workers.run(second.set, lambda outcome: None)
        assert told.wait(2 * PATIENCE)
    assert not any(stuck)


def test_a_failure_is_not_told_once_the_server_stops_but_a_success_is() -> None:
    stopping, told = threading.Event(), []
    over = threading.Event()

    def broken() -> str:
        raise ConnectionRefusedError

    workers = Workers(lambda tell: tell(), threads=1, is_closing=stopping.is_set)
    workers.run(broken, lambda outcome: told.append(type(outcome).__name__))
    workers.run(lambda: stopping.set(), lambda outcome: None)
    workers.run(broken, lambda outcome: told.append("taken"))
    workers.run(lambda: "paid", told.append)
    workers.run(lambda: None, lambda outcome: over.set())
    assert over.wait(PATIENCE)
    assert told == ["ConnectionRefusedError", "paid"]


FULL = """
import resource, threading
from pathlib import Path
from sfn_emulator.tasks.workers import Workers

def limit(more):
    size = int(Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0]) << 10
    resource.setrlimit(resource.RLIMIT_AS, (size + more, resource.RLIM_INFINITY))

def told(workers, value):
    heard, outcomes = threading.Event(), []
    workers.run(lambda: value, lambda outcome: (outcomes.append(outcome), heard.set()))
    release.set()
    heard.wait()
    print(*outcomes)

for there_is_one in (False, True):
    workers, begun, release = Workers(lambda tell: tell()), threading.Event(), threading.Event()
    if there_is_one:
        workers.run(lambda: (begun.set(), release.wait()), lambda outcome: None)
        begun.wait()
    limit(1 << 20)
    told(workers, "while there is no further thread")
    limit(1 << 32)
    told(workers, "later")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of the process is read from Linux's /proc")
def test_without_a_further_thread_the_others_work_and_nothing_is_lost() -> None:
    done = subprocess.run([sys.executable, "-c", FULL], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    refused, *worked = done.stdout.splitlines()
    assert refused.startswith("States.TaskFailed: No thread could be started")
    assert worked == ["later", "while there is no further thread", "later"]
