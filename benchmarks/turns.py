"""``python -m benchmarks.turns FILE [ARGUMENT...]``: the server, with its longest turns of the loop written to FILE.

A turn is what the loop does between two looks at its sockets; all that time nobody else is answered. It is measured in
CPU time of the loop's thread, which is the same however busy the machine is. On SIGUSR2 the file gets one JSON object,
``{"longest": MILLISECONDS, "at": WHAT}`` since the last time, ``at`` being the longest callback of that turn, and how
much of the turn was a collection of garbage.
"""

import asyncio
import gc
import json
import selectors
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any, Final

from sfn_emulator.service.running.turns import SLICE, Sliced

_SOON: Final = 0.001
"""Seconds until a slice ends after all whose end came during a collection."""


class Longest:
    """The longest turn so far, and its longest callback."""

    def __init__(self) -> None:
        self.forget()
        self.began = time.thread_time()

    def forget(self) -> None:
        self.seconds, self.what = 0.0, ""
        self._callback, self._name, self._garbage = 0.0, "", 0.0

    def collected(self, phase: str, _: object) -> None:
        """A hook of ``gc``; collections on other threads are none of the loop's."""
        if threading.current_thread() is threading.main_thread():
            self._garbage += time.thread_time() * (-1 if phase == "start" else 1)

    def called(self, seconds: float, handle: asyncio.Handle) -> None:
        if seconds > self._callback:
            self._callback, self._name = seconds, _name(handle)

    def ended(self) -> None:
        seconds = time.thread_time() - self.began
        if seconds > self.seconds:
            self.seconds = seconds
            self.what = f"{self._name}, of which garbage {self._garbage * 1e3:.0f} ms"
        self._callback, self._name, self._garbage = 0.0, "", 0.0


LONGEST: Final = Longest()


def _name(handle: asyncio.Handle) -> str:
    """Not its own text, which spells out whatever it is given."""
    callback: Any = handle._callback  # type: ignore[attr-defined]
    return str(getattr(callback, "__qualname__", type(callback).__name__))


class Watched(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> Any:
        LONGEST.ended()
        try:
            return super().select(timeout)
        finally:
            LONGEST.began = time.thread_time()


def never_in_the_hook() -> None:
    """A slice that ends within a collection is set aside after it: Python swallows what is raised in the hook."""
    ring, hook = Sliced._ring, Longest.collected.__code__

    def rung(turns: Sliced, number: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code is hook:
            signal.setitimer(signal.ITIMER_REAL, _SOON, SLICE)
        else:
            ring(turns, number, frame)

    Sliced._ring = rung  # type: ignore[method-assign]


def watch(file: Path) -> None:
    """From now on loops are watched, and SIGUSR2 writes what was seen."""
    never_in_the_hook()
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        LONGEST.called(time.thread_time() - began, handle)

    def tell(*_: object) -> None:
        told = json.dumps({"longest": round(LONGEST.seconds * 1e3, 1), "at": LONGEST.what})
        (whole := file.with_suffix(".new")).write_text(told)
        whole.replace(file)
        LONGEST.forget()

    selectors.DefaultSelector = Watched  # type: ignore[misc]
    asyncio.Handle._run = timed  # type: ignore[method-assign]
    gc.callbacks.append(LONGEST.collected)
    signal.signal(signal.SIGUSR2, tell)


if __name__ == "__main__":
    from sfn_emulator.command.front_door import main

    watch(Path(sys.argv.pop(1)))
    main()
