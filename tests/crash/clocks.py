"""``python -m tests.crash.clocks``: the machine's clock is set back and forth while executions wait, and servers are
killed meanwhile. Every execution ends, none too early, and no history goes back in time.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from tests.crash.life import Life
from tests.crash.machines import ROLE, block, machine
from tests.crash.power import shim
from tests.waiting import ended, until

_MOVES: Final = (-3_600, -3_630, -3_600, -7_200, -7_230)
"""Where the clock is set, in seconds beside the machine's, one after the other. A server is killed after every other:
so the clock goes back by half a minute while no server runs, and by an hour while one does.
"""
_WAITS: Final = 6
_MACHINES: Final[dict[str, Any]] = {
    "waits": machine("W", W={"Type": "Wait", "Seconds": _WAITS, "End": True}),
    "tries": machine(
        "T",
        T={
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Arguments": {"QueueUrl": "http://localhost/123456789012/none", "MessageBody": "x"},
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}],
            "End": True,
        },
        Done={"Type": "Succeed"},
    ),
    "expires": machine(
        "A",
        A={
            "Type": "Task",
            "Resource": "arn:aws:states:us-east-1:123456789012:activity:nobody",
            "TimeoutSeconds": _WAITS,
            "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Done"}],
            "End": True,
        },
        Done={"Type": "Succeed"},
    ),
    "each": machine(
        "Each",
        Each={
            "Type": "Map",
            "Items": [1, 2, 3],
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                **block("W", W={"Type": "Wait", "Seconds": _WAITS, "End": True}),
            },
            "End": True,
        },
    ),
}


def trial(directory: Path) -> tuple[int, int, list[str]]:
    """The numbers of executions and of kills, and one line a breach."""
    moved = directory / "moved"
    moved.write_text("0")
    life = Life(directory / "state")
    life.environment |= {
        "LD_PRELOAD": str(shim(directory, Path(__file__).with_name("moved_clock.c"))),
        "CLOCK_MOVED": str(moved),
    }
    started: dict[str, float] = {}
    try:
        life.begin()
        states = life.client()
        states.create_activity(name="nobody")
        made = {
            name: states.create_state_machine(name=name, definition=json.dumps(told), roleArn=ROLE)["stateMachineArn"]
            for name, told in _MACHINES.items()
        }
        for n, seconds in enumerate(_MOVES):
            for arn in made.values():
                started[states.start_execution(stateMachineArn=arn, name=str(n))["executionArn"]] = time.monotonic()
            time.sleep(1)  # noqa: TID251 - they are to wait
            if n % 2:
                life.kill()
                moved.write_text(str(seconds))
                life.begin()
            else:
                moved.write_text(str(seconds))
        found = [line for arn, at in started.items() for line in _breaches(states, arn, at)]
        listed = sum(len(states.list_executions(stateMachineArn=arn)["executions"]) for arn in made.values())
        return len(started), life.kills, found + [f"{listed} are listed"] * (listed != len(started))
    finally:
        life.end()


def _breaches(states: Any, arn: str, started: float) -> list[str]:
    name = ":".join(arn.split(":")[-2:])
    described = ended(states, arn)
    took = time.monotonic() - started
    found = [] if described["status"] == "SUCCEEDED" else [f"{name} {described['status']}: {described.get('cause')}"]
    events = until(lambda: states.get_execution_history(executionArn=arn)["events"])
    times = [event["timestamp"] for event in events]
    found += [f"{name}: its history goes back in time"] * (times != sorted(times))
    found += [f"{name}: it ended before it began"] * (described["stopDate"] < described["startDate"])
    lasted = (described["stopDate"] - described["startDate"]).total_seconds()
    found += [f"{name}: it lasted {lasted} s"] * (lasted < _WAITS - 0.1)
    return found + [f"{name}: it took {took:.0f} s"] * (took < _WAITS - 0.1)


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        executions, kills, found = trial(Path(scratch))
    print(f"clocks         {executions} executions, {kills} kills, {len(_MOVES)} moves, {len(found)} breaches")
    for line in found:
        print(f"BREACH {line}")
    return len(found) and 1


if __name__ == "__main__":
    sys.exit(main())
