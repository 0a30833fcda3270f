"""Lets time pass by hand: moves the server's clock on, one due call after the other.

The effects of a call are stored and sent out before the next call is made. So a Wait after a Wait begins when the first
one ended, and a time-out of an hour comes after one of a minute. Work in flight is not waited for.
"""

import asyncio

from sfn_emulator.engine.clock import ScaledClock
from sfn_emulator.service.store.journal import Journal


async def let_pass(clock: ScaledClock, journal: Journal, seconds: float) -> None:
    """Moves the clock on by that many seconds, with everything that becomes due on the way."""
    until = clock.now() + seconds
    while (due := clock.next_due()) is not None and due <= until:
        clock.move_to(due)
        await asyncio.sleep(0)  # a schedule may be due a million times on the way: others are served in between
        while journal.pending:
            await journal.committed()
    clock.move_to(until)
    clock.settle()
