"""Lets time pass by hand: moves the server's clock on, one due call after the other.

The effects of a call are stored and sent out before the next call is made, also those of a turn that takes long. So a
Wait after a Wait begins when the first one ended, and a time-out of an hour comes after one of a minute. Work in flight
is not waited for.
"""

import asyncio
from time import process_time
from typing import Final

from sfn_emulator.engine.clock import ScaledClock
from sfn_emulator.service.running.host import Host
from sfn_emulator.service.store.journal import Journal

_LONGEST: Final = 10.0
"""Seconds of a processor that turns are waited for, all together: an execution that goes in circles never rests."""


async def let_pass(clock: ScaledClock, journal: Journal, host: Host, seconds: float) -> None:
    """Moves the clock on by that many seconds, with everything that becomes due on the way."""
    give_up = process_time() + _LONGEST

    async def at_rest() -> None:
        while journal.pending or (host.is_midway and process_time() < give_up):
            await (journal.committed() if journal.pending else asyncio.sleep(0))

    await at_rest()
    until = clock.now() + seconds
    while (due := clock.next_due()) is not None and due <= until:
        clock.move_to(due)
        await asyncio.sleep(0)  # a schedule may be due a million times on the way: others are served in between
        await at_rest()
    clock.move_to(until)
    clock.settle()
