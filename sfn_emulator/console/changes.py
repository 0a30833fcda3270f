"""Tells waiting pages that something changed. While none waits, it costs a comparison.

A request is held until something changed, at most ``PATIENCE`` seconds; many changes at once count as one.
"""

import asyncio
from typing import Final

PATIENCE: Final = 20.0
GATHER: Final = 0.15
"""Seconds after a change for which further changes are gathered and sent with it."""


class Changes:
    """The number of changes so far. ``boot`` differs at each start of the server, so that its versions do, too."""

    def __init__(self, loop: asyncio.AbstractEventLoop, boot: str) -> None:
        self._loop = loop
        self._boot = boot
        self._count = 0
        self._waiting: set[asyncio.Event] = set()

    def changed(self) -> None:
        """Notes a change. Call it on the loop's thread."""
        self._count += 1
        for event in self._waiting:
            event.set()

    def changed_elsewhere(self) -> None:
        """Notes a change. Call it on any other thread."""
        if self._waiting:
            self._loop.call_soon_threadsafe(self.changed)
        else:
            self._count += 1

    @property
    def version(self) -> str:
        return f"{self._boot}.{self._count}"

    async def after(self, version: str) -> str:
        """The version, as soon as it differs from ``version``; the same one if nothing changes for long."""
        if version == self.version:
            event = asyncio.Event()
            self._waiting.add(event)
            try:
                await asyncio.wait_for(event.wait(), PATIENCE)
                await asyncio.sleep(GATHER)
            except TimeoutError:
                pass
            finally:
                self._waiting.discard(event)
        return self.version
