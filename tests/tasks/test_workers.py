"""Calls under way wait for their answers side by side."""

import threading
from collections.abc import Callable

from sfn_emulator.tasks.workers import Workers


def test_two_hundred_slow_calls_make_no_other_wait() -> None:
    told, release = threading.Event(), threading.Event()

    def post(tell: Callable[[], None]) -> None:
        tell()

    workers = Workers(post)
    for _ in range(200):
        workers.run(lambda: release.wait(30), lambda outcome: None)
    workers.run(lambda: "quick", lambda outcome: told.set())
    try:
        assert told.wait(10)
    finally:
        release.set()
