"""Fixes the time and the dice of a request inside moto, so that handling it again gives the very same result.

moto draws ids from one generator and asks the machine for the time in many places. Within ``moment`` the generator
starts from a given seed and time stands still, for the thread that is in it; outside, nothing changes. Only moto's own
modules see it: their names ``time``, ``datetime`` and the like are replaced by look-alikes once they are imported.
"""

import datetime
import random  # noqa: TID251 - moto's dice
import sys
import threading
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_real_time: Final = time.time  # noqa: TID251 - what moto would have called
_real_datetime: Final = datetime.datetime
_seen: Final[set[str]] = set()
_searched: Final[list[int]] = []
"""The number of loaded modules when moto's were last searched, if all were whole then."""
_GENERATOR: Final = "moto.moto_api._internal"


class _Now(threading.local):
    """Of each thread: the time of moto in epoch seconds (``None``: it goes on), the dice, the seed of the request under
    way, and whether that is a kept one that is done again.
    """

    at: float | None = None
    again: bool = False
    seed: int = 0

    def __init__(self) -> None:
        self.dice = random.Random()


_here: Final = _Now()


def now() -> float:
    at = _here.at
    return _real_time() if at is None else at


def is_new() -> bool:
    """Whether the request under way is a new one. One that was kept is done again as it was done, whatever is refused
    today: checks of our own ask this first (decision 0048).
    """
    return not _here.again


@contextmanager
def moment(at: float | None, seed: int, *, again: bool = False) -> Iterator[float | None]:
    """Runs its block at that time with those dice, in this thread. ``again``: for a kept request. Not reentrant."""
    reseed(seed)
    _here.at, _here.again = at, again
    try:
        yield at
    finally:
        _here.at, _here.again = None, False


def reseed(seed: int | None = None) -> int:
    """Starts the dice again, from the seed of the request under way if none is given. Returns the seed."""
    _here.seed = _here.seed if seed is None else seed
    _here.dice.seed(_here.seed)
    return _here.seed


def watch_moto() -> None:
    """Replaces the clock in the modules of moto imported since the last call, and where its generator draws."""
    loaded = len(sys.modules)
    if _searched == [loaded]:
        return
    new = [name for name in list(sys.modules) if name.startswith("moto.") and name not in _seen]
    fresh = [name for name in new if not _is_half_loaded(name)]
    _searched[:] = [loaded] if fresh == new else []
    _seen.update(fresh)
    for name in fresh:
        names = vars(sys.modules[name])
        for key, value in list(names.items()):
            replacement = _LOOK_ALIKES.get(id(value))
            if replacement is not None:
                names[key] = replacement
    if _GENERATOR in fresh:
        _draw_here(sys.modules[_GENERATOR].mock_random)


def _is_half_loaded(name: str) -> bool:
    """Whether another thread is importing the module right now."""
    return bool(getattr(getattr(sys.modules[name], "__spec__", None), "_initializing", False))


def _draw_here(generator: Any) -> None:
    """Makes moto's generator draw from the dice of the thread that asks it."""
    generator.seed = lambda seed=None: _here.dice.seed(seed)
    generator.random = lambda: _here.dice.random()
    generator.getrandbits = lambda bits: _here.dice.getrandbits(bits)


class _Kind(type):
    """Makes the look-alike class pass for ``datetime.datetime`` wherever that is asked about."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, _real_datetime)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, _real_datetime)

    def __getattr__(cls, name: str) -> Any:
        return getattr(_real_datetime, name)


class _Datetime(metaclass=_Kind):
    """``datetime.datetime`` whose ``now`` is moto's."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return _real_datetime(*arguments, **named)

    @staticmethod
    def now(tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return _real_datetime.fromtimestamp(now(), tz)

    @staticmethod
    def utcnow() -> datetime.datetime:
        return _real_datetime.fromtimestamp(now(), datetime.UTC).replace(tzinfo=None)

    @staticmethod
    def today() -> datetime.datetime:
        return _real_datetime.fromtimestamp(now())


def _module_like(module: types.ModuleType, **names: Any) -> types.ModuleType:
    twin = types.ModuleType(module.__name__)
    vars(twin).update({**vars(module), **names})
    return twin


_LOOK_ALIKES: Final[dict[int, Any]] = {
    id(datetime): _module_like(datetime, datetime=_Datetime),
    id(_real_datetime): _Datetime,
    id(time): _module_like(time, time=now, time_ns=lambda: int(now() * 1e9)),
    id(_real_time): now,
}
