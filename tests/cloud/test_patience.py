"""moto's work for one request is bounded, so that others get their turn."""

import threading
import time

import pytest

from sfn_emulator.cloud.corrections.patience import Patience, TooLongError


def work(seconds: float) -> int:
    """Seconds of a processor."""
    turns, until = 0, time.thread_time() + seconds
    while time.thread_time() < until:
        turns += 1
    return turns


def test_work_that_takes_too_long_is_broken_off() -> None:
    patience, began = Patience(0.2), time.thread_time()
    with pytest.raises(TooLongError), patience.bounded():
        work(30)
    assert time.thread_time() - began < 10


def test_waiting_is_not_broken_off_and_later_work_has_its_full_time() -> None:
    patience = Patience(0.2)
    for _ in range(3):
        with patience.bounded():
            threading.Event().wait(0.6)
            assert work(0.01)


def test_only_the_one_that_works_is_broken_off() -> None:
    patience, ended = Patience(0.3), []

    def wait() -> None:
        with patience.bounded():
            threading.Event().wait(1.5)
        ended.append("waited")

    waiting = threading.Thread(target=wait)
    waiting.start()
    with pytest.raises(TooLongError), patience.bounded():
        work(30)
    waiting.join()
    assert ended == ["waited"]
