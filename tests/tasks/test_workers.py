"""Calls under way wait for their answers side by side."""

import threading
from collections.abc import Callable

from sfn_emulator.tasks.workers import Workers
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
