"""What an execution held that was ended for its memory is freed in slices, and nothing that others hold is touched."""

import asyncio
import sys
import weakref
from collections.abc import Callable
from typing import Any, cast

from greenlet import greenlet

from sfn_emulator.service.running.remains import Remains


class Later:
    """A loop whose time the test lets pass."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []
        self.slices = 0

    def call_later(self, _: float, then: Callable[[], None]) -> None:
        self.due.append(then)

    def pass_all(self) -> None:
        while self.due:
            self.slices += 1
            self.due.pop(0)()


class Thing:
    def __init__(self, held: Any = None) -> None:
        self.held = held


def taken(loop: Later, hold: Callable[[], Any]) -> None:
    """As in a turn that is ended while its function holds something."""
    remains = Remains(cast(asyncio.AbstractEventLoop, loop))

    def turn() -> None:
        held = hold()
        remains.take(sys._getframe())
        del held

    greenlet(turn).switch()


def test_all_that_nobody_else_holds_is_freed() -> None:
    loop, seen = Later(), weakref.WeakSet[Thing]()

    def hold() -> Any:
        last = Thing()
        seen.add(last)
        return [{"many": [[n] for n in range(1_000)], "thing": Thing([last])}]

    taken(loop, hold)
    assert len(seen) == 1
    loop.pass_all()
    assert len(seen) == 0


def test_objects_that_others_hold_are_left_as_they_are() -> None:
    loop, kept, whole = Later(), [1, [2, 3]], {"a": [4]}
    taken(loop, lambda: [kept, {"within": whole}])
    loop.pass_all()
    assert (kept, whole) == ([1, [2, 3]], {"a": [4]})


def test_much_is_freed_in_many_slices() -> None:
    loop = Later()
    taken(loop, lambda: [[str(n) for n in range(1_000)] for _ in range(500)])
    loop.pass_all()
    assert loop.slices > 3
