"""A whole history for a download. It is written while it is read, slice by slice, so that a long one delays nobody."""

import asyncio
from collections.abc import AsyncGenerator
from time import perf_counter
from typing import Final

import orjson

from sfn_emulator.console.opened import Source

SLICE: Final = 256 * 1024
"""Bytes after which a slice ends; it also ends when it took ``TURN`` seconds."""
TURN: Final = 0.005


async def slices(source: Source) -> AsyncGenerator[bytes, None]:
    """JSON: ``{"execution": ..., "definition": TEXT, "events": [...]}``, as the page opens it again."""
    head = {"execution": source.execution, "definition": source.text}
    yield orjson.dumps(head, default=str)[:-1] + b',"events":['
    number = 0
    while number < source.length:
        until, part, size = perf_counter() + TURN, list[bytes](), 0
        while number < source.length and size < SLICE and (not part or perf_counter() < until):
            number += 1
            part.append(orjson.dumps(source.event(number), default=str))
            size += len(part[-1])
        yield b",".join(part) + (b"," if number < source.length else b"")
        await asyncio.sleep(0)
    yield b"]}"
