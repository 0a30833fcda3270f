"""Chance, ids and task tokens drawn from an execution's seed, so that a replayed run draws the same again.

Draws are hashes of seed and counter, not a generator object, so that ten thousand waiting executions keep only a number
each.
"""

import base64
import hashlib
from collections.abc import Callable
from typing import Final

_BITS: Final = 53  # bits of a double's mantissa


class SeededDraws:
    """Implements ``query.compiled.Draws``; ``clock`` tells the time of the present turn, epoch seconds."""

    __slots__ = ("_clock", "_count", "_seed")

    def __init__(self, seed: str, clock: Callable[[], float]) -> None:
        self._seed = seed
        self._clock = clock
        self._count = 0

    def uuid(self) -> str:
        """A version 4 UUID."""
        digest = bytearray(self._next(16))
        digest[6] = digest[6] & 0x0F | 0x40
        digest[8] = digest[8] & 0x3F | 0x80
        text = digest.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def random(self) -> float:
        return (int.from_bytes(self._next(8), "big") >> (64 - _BITS)) / (1 << _BITS)

    def now(self) -> float:
        return self._clock()

    def _next(self, size: int) -> bytes:
        self._count += 1
        return digest(self._seed, f"draw:{self._count}", size)


def digest(seed: str, label: str, size: int) -> bytes:
    return hashlib.blake2b(f"{seed}\x00{label}".encode("utf-8", "surrogatepass"), digest_size=size).digest()


def task_token(seed: str, effect: int) -> str:
    """The token of the attempt that this effect started: opaque, and as unique as the seed."""
    return "AQBQAAAAKgAAAAM" + base64.b64encode(digest(seed, f"token:{effect}", 63)).decode()
