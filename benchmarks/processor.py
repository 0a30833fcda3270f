"""Processor time of a server, its children and this process, which other load on the machine does not change."""

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Used(NamedTuple):
    """Seconds; ``workers`` are all processes below the server."""

    server: float
    workers: float
    client: float

    def since(self, before: "Used") -> "Used":
        return Used(*(now - then for now, then in zip(self, before, strict=True)))


def used(server: int) -> Used:
    """By now; needs Linux's /proc."""
    return Used(_seconds(server), sum(map(_seconds, _below(server))), time.process_time())


def _seconds(pid: int) -> float:
    total = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # it has ended
            total += int(thread.read_text().split()[0])
    return total / 1e9


def _below(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, children.read_text().split()):
                found += [child, *_below(child)]
    return found
