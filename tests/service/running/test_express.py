"""Ended EXPRESS executions are kept for the page, bounded in number and memory."""

import asyncio
from collections.abc import Sequence

from sfn_emulator.asl.model import MachineType
from sfn_emulator.engine.events import Event, Started
from sfn_emulator.engine.local.execution import run_locally
from sfn_emulator.service.running.express import LastExpress
from sfn_emulator.service.store.records import Execution


def kept(histories: Sequence[Sequence[Event]], most: int, most_bytes: int) -> list[int]:
    """The numbers of those that are still there when they have been weighed."""

    async def added() -> list[int]:
        last = LastExpress(asyncio.get_running_loop(), most, most_bytes)
        for number, events in enumerate(histories):
            last.add(Execution(f"e{number}", "", "", "", MachineType.EXPRESS, 0.0, "{}", ""), events)
        last.weigh()
        return [ended.number for ended in last.newest()]

    return asyncio.run(added())


def history(size: int) -> list[Event]:
    return [Event("ExecutionStarted", 0, 0.0, Started({"text": "x" * size}, ""))]


def test_the_newest_are_kept() -> None:
    assert kept([history(1)] * 5, most=3, most_bytes=10**6) == [5, 4, 3]
    assert kept([history(1)] * 5, most=0, most_bytes=10**6) == []


def test_long_data_is_kept_for_fewer() -> None:
    assert kept([history(40_000)] * 5, most=5, most_bytes=100_000) == [5, 4]


def test_a_map_of_ten_thousand_items_is_kept() -> None:
    """Some forty bytes an event more than its items' own: far from what may be kept, and weighed in a moment."""
    inner = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    each = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": inner, "End": True}}}
    events = run_locally(each, list(range(10_000)), express=True).events
    assert len(events) > 40_000
    assert kept([events], most=5, most_bytes=64 * 1024 * 1024) == [1]
