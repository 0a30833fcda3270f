"""The objects of a heavy turn are hidden from the garbage collector, and not for ever if they are many."""

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
    gc.freeze()  # as a server does when it has started: what these tests are run in is not counted
    yield Later()
    gc.unfreeze()


def garbage(later: Later) -> _Garbage:
    return _Garbage(cast(asyncio.AbstractEventLoop, later), lambda: False)


def test_held_objects_are_not_walked_through(later: Later) -> None:
    held = [[n] for n in range(1_000)]
    garbage(later).hide()
    assert not any(one is held for one in gc.get_objects())


def test_objects_that_are_gone_are_not_searched(later: Later) -> None:
    held: list[Any] = [[n] for n in range(2 * _FEW)]
    garbage(later).hide()
    later.pass_()
    held.clear()
    later.pass_()
    assert later.due == []


def test_much_that_went_in_circles_is_taken_away_after_a_minute(later: Later) -> None:
    rings = [Ring() for _ in range(2 * _FEW)]  # of what these tests are run in, some goes meanwhile
    gone = weakref.ref(rings[0])
    garbage(later).hide()
    rings.clear()
    for _ in range(_LOOKS - 1):
        later.pass_()
    assert gone() is not None
    later.pass_()
    assert gone() is None
    assert later.due == []


def test_hidden_objects_are_not_counted_while_turns_hold_them(later: Later) -> None:
    held = [True]
    hidden = _Garbage(cast(asyncio.AbstractEventLoop, later), lambda: held[0])
    rings = [Ring() for _ in range(2 * _FEW)]
    gone = weakref.ref(rings[0])
    hidden.hide()
    rings.clear()
    for _ in range(2 * _LOOKS):
        later.pass_()
    assert gone() is not None
    held[0] = False
    for _ in range(_LOOKS):
        later.pass_()
    assert gone() is None
