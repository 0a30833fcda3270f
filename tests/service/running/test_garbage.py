"""What a heavy turn holds is hidden from the collector, and shown again when it has gone."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from sfn_emulator.service.running.turns import _FEW, _LOOKS, _Garbage


class Later:
    """A loop whose time the test lets pass."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def call_later(self, _: float, then: Callable[[], None]) -> None:
        self.due.append(then)

    def pass_(self) -> None:
        self.due.pop(0)()


class Ring:
    """Garbage that only a collection takes away."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture
def later() -> Iterator[Later]:
    gc.collect()
    yield Later()
    gc.unfreeze()


def garbage(later: Later) -> _Garbage:
    return _Garbage(cast(asyncio.AbstractEventLoop, later))


def test_what_is_held_is_not_walked_through(later: Later) -> None:
    held = [[n] for n in range(1_000)]
    garbage(later).hide()
    assert not any(one is held for one in gc.get_objects())


def test_what_went_in_circles_is_taken_away_in_the_end(later: Later) -> None:
    ring = Ring()
    gone = weakref.ref(ring)
    garbage(later).hide()
    del ring
    gc.collect()
    assert gone() is not None
    later.pass_()
    assert gone() is None
    assert later.due == []


def test_what_is_still_held_stays_hidden_for_a_minute(later: Later) -> None:
    held: list[Any] = [[n] for n in range(2 * _FEW)]
    garbage(later).hide()
    for _ in range(_LOOKS - 1):
        later.pass_()
    assert len(later.due) == 1
    held.clear()
    later.pass_()
    assert later.due == []
