"""The cause of a change: which attempt of which state of which execution made it.

A Task's work holds its cause on its thread, and it calls neighbours in this process on that thread. For a function's
process, the cause travels as on AWS: in the trace that Lambda gives to each invocation and that every AWS SDK sends on
(``_X_AMZN_TRACE_ID``, header ``X-Amzn-Trace-Id``).
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")

REMEMBERED: Final = 4_096
"""Invocations whose cause is known; the oldest is forgotten first."""
_ROOT: Final = re.compile(r"Root=1-[0-9a-f]{8}-([0-9a-f]{24})")


class Cause(NamedTuple):
    """``entered`` is the event by which the state was entered, ``attempt`` counts from 0."""

    execution: str
    state: str
    entered: int
    attempt: int


class _Held(threading.local):
    cause: Cause | None = None


_held: Final = _Held()


def cause() -> Cause | None:
    """The cause of this thread's present work; ``None`` if it has none."""
    return _held.cause


@contextmanager
def caused_by(cause: Cause | None) -> Iterator[None]:
    """Makes ``cause`` the cause of everything that this thread does in its block."""
    before, _held.cause = _held.cause, cause
    try:
        yield
    finally:
        _held.cause = before


def on_behalf(cause: Cause, job: Callable[[], T]) -> Callable[[], T]:
    """The job, with this thread's present cause on whatever thread it runs."""

    def done() -> T:
        with caused_by(cause):
            return job()

    return done


class Traces:
    """The causes of invocations, by the root of their trace. Usable from any thread."""

    def __init__(self) -> None:
        self._causes: OrderedDict[str, Cause] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, trace: str) -> None:
        """Notes that an invocation with this trace begins on this thread."""
        root = _ROOT.search(trace)
        if _held.cause is not None and root is not None:
            with self._lock:
                self._causes[root[1]] = _held.cause
                if len(self._causes) > REMEMBERED:
                    self._causes.popitem(last=False)

    def of(self, header: str | None) -> Cause | None:
        """The cause that belongs to a trace header; ``None`` for a foreign trace."""
        found = _ROOT.search(header) if header else None
        return self._causes.get(found[1]) if found else None
