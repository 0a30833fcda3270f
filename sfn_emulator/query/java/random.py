"""Numbers drawn with a seed, as ``java.util.Random`` draws them.

``$random(seed)`` is its first ``nextDouble``, ``States.MathRandom`` with a seed its first ``nextInt`` (both recorded
2026-04).
"""

import math
from collections.abc import Iterator
from typing import Final

_MASK: Final = (1 << 48) - 1
_MULTIPLIER: Final = 0x5DEECE66D
_INT_BITS: Final = 31


def next_double(seed: float) -> float:
    """The first ``nextDouble()``, in [0, 1)."""
    states = _states(seed)
    high, low = next(states) >> 22, next(states) >> 21
    return float(((high << 27) + low) * 2.0**-53)


def next_int(seed: float, bound: int) -> int:
    """The first ``nextInt(bound)``, in [0, bound); bounds beyond Java's int get a scaled double."""
    if bound >> _INT_BITS:
        return int(next_double(seed) * bound)
    for state in _states(seed):
        bits = state >> (48 - _INT_BITS)
        if bound & (bound - 1) == 0:
            return (bound * bits) >> _INT_BITS
        if bits - bits % bound + bound - 1 < 1 << _INT_BITS:
            return bits % bound
    raise AssertionError("the states never end")


def _states(seed: float) -> Iterator[int]:
    state = (math.trunc(seed) ^ _MULTIPLIER) & _MASK
    while True:
        state = (state * _MULTIPLIER + 0xB) & _MASK
        yield state
