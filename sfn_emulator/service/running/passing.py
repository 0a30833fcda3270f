"""Letting time pass by hand: the server's clock is moved on, one due call after the other.

What a call leads to is stored and sent out before the next is made, so that a Wait that follows a Wait begins when the
first one ended, and a time-out of an hour comes after one of a minute. Work in flight is not waited for.
"""

import asyncio

from sfn_emulator.engine.clock import ScaledClock
from sfn_emulator.service.store.journal import Journal


async def let_pass(clock: ScaledClock, journal: Journal, seconds: float) -> None:
    """Moves the clock on by so many seconds, with all that becomes due on the way."""
    until = clock.now() + seconds
    while (due := clock.next_due()) is not None and due <= until:
        clock.move_to(due)
        await asyncio.sleep(0)  # a schedule may be due a million times on the way: others are served between
        while journal.pending:
            await journal.committed()
    clock.move_to(until)
    clock.settle()
