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
import resource, sys, threading
from pathlib import Path
import pytest

from sfn_emulator.tasks.workers import Workers

workers, told, begun, release = Workers(lambda tell: tell()), [], threading.Event(), threading.Event()

def first():
    begun.set()
    release.wait()

def full():
    size = int(Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0]) << 10
    resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 20), resource.RLIM_INFINITY))

if sys.argv[1] == "one":
    workers.run(first, told.append)
    begun.wait()
full()
second = threading.Event()
workers.run(lambda: "done", lambda outcome: (told.append(outcome), second.set()))
release.set()
second.wait()
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
last = threading.Event()
workers.run(lambda: "last", lambda outcome: (told.append(outcome), last.set()))
last.wait()
print(told)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of the process is read from Linux's /proc")
@pytest.mark.parametrize(
    ("threads", "told"),
    [("one", "[None, 'done', 'last']"), ("none", "[StateError('States.TaskFailed: No thread could be started")],
)
def test_without_a_further_thread_the_others_work_and_nothing_is_lost(threads: str, told: str) -> None:
    run = [sys.executable, "-c", FULL, threads]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout.startswith(told), done.stderr
    assert "'last'" in done.stdout
