"""Waiting for what will come, on whatever machine: the limits are reached only by a test that fails."""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

T = TypeVar("T")

PATIENCE: Final = 120.0
"""Seconds a test waits for anything. Many times what a quiet machine takes, since CI's is loaded by others, too."""
PAUSE: Final = 0.02
"""Seconds between two looks."""


def until(truth: Callable[[], T], seconds: float = PATIENCE) -> T:
    """What ``truth`` gives as soon as that is true; an ``AssertionError`` when it stays false for so many seconds."""
    give_up = time.monotonic() + seconds
    while not (found := truth()):
        assert time.monotonic() < give_up, f"still {found!r} after {seconds:.0f} s"
        time.sleep(PAUSE)  # noqa: TID251 - a test waits as any client does
    return found


def ended(states: Any, execution: str) -> dict[str, Any]:
    """The description of an execution that has ended; ``states`` is a boto3 client of Step Functions."""

    def told() -> dict[str, Any] | None:
        found: dict[str, Any] = states.describe_execution(executionArn=execution)
        return found if found["status"] != "RUNNING" else None

    return until(told)  # type: ignore[return-value]
