"""A server that is killed at any moment goes on as if it had not been, on the next start.

``SFN_CRASHES`` sets how many times it is killed (3 by default; the full test takes 200).
"""

import contextlib
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.processes import Process

CRASHES = int(os.environ.get("SFN_CRASHES", "3"))
PAUSE = threading.Event()
"""Never set: a client that takes its time."""

ROLE = "arn:aws:iam::123456789012:role/machine"


def wait(seconds: float, **after: Any) -> dict[str, Any]:
    return (
        {"Type": "Wait", "SecondsPath": "$.pause", **after}
        if seconds < 0
        else {"Type": "Wait", "Seconds": seconds, **after}
    )


LEAF = {
    "StartAt": "W",
    "States": {"W": wait(-1, Next="P"), "P": {"Type": "Pass", "Parameters": {"leaf.$": "$.n"}, "End": True}},
}


def renamed(machine: dict[str, Any]) -> dict[str, Any]:
    """The same machine with other state names: within a definition they must be unique."""
    return dict(json.loads(json.dumps(machine).replace('"W"', '"W2"').replace('"P"', '"P2"')))


ROUND = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "SecondsPath": "$.pause", "Next": "Each"},
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemSelector": {"n.$": "$$.Map.Item.Value", "pause.$": "$.pause"},
            "MaxConcurrency": 2,
            "ItemProcessor": LEAF,
            "ResultPath": "$.each",
            "Next": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                renamed(LEAF),
                {"StartAt": "Q", "States": {"Q": {"Type": "Pass", "Result": "q", "End": True}}},
            ],
            "ResultPath": "$.both",
            "Next": "Work",
        },
        "Work": {
            "Type": "Task",
            "Resource": "${Activity}",
            "InputPath": "$.n",
            "Retry": [{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 2}],
            "ResultPath": "$.work",
            "Next": "Child",
        },
        "Child": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": "${Leaf}", "Input": {"n.$": "$.n", "pause.$": "$.pause"}},
            "ResultSelector": {"leaf.$": "$.Output.leaf"},
            "ResultPath": "$.child",
            "End": True,
        },
    },
}


def input_of(n: int) -> dict[str, Any]:
    return {"n": n, "pause": 1, "items": [n, n + 1, n + 2]}


def output_of(n: int) -> dict[str, Any]:
    return {
        **input_of(n),
        "each": [{"leaf": n}, {"leaf": n + 1}, {"leaf": n + 2}],
        "both": [{"leaf": n}, "q"],
        "work": {"done": n},
        "child": {"leaf": n},
    }


class Worker(threading.Thread):
    """Takes activity tasks; the first attempt of each is failed so that it is retried. Outlives servers."""

    def __init__(self, client: Callable[[], Any], activity: str, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._activity = activity
        self.failed: set[str] = set()
        self.over = over

    def run(self) -> None:
        while not self.over.is_set():
            with contextlib.suppress(ClientError, BotoCoreError):
                self._work(self._client())

    def _work(self, client: Any) -> None:
        task = client.get_activity_task(activityArn=self._activity)
        if not task.get("taskToken"):
            return
        if task["input"] in self.failed:
            self._answer("send_task_success", task, output=json.dumps({"done": int(task["input"])}))
        else:
            self.failed.add(task["input"])
            self._answer("send_task_failure", task, error="Again")

    def _answer(self, operation: str, task: Any, **told: Any) -> None:
        """Until the server has it, as a worker does that means it."""
        while not self.over.is_set():
            client = self._client()
            with contextlib.suppress(BotoCoreError, ClientError):
                with contextlib.suppress(client.exceptions.TaskTimedOut):
                    getattr(client, operation)(taskToken=task["taskToken"], **told)
                return
            PAUSE.wait(0.05)


class Server:
    """One state directory, many processes."""

    def __init__(self, directory: Path) -> None:
        self._arguments = ("--port", "0", "--state-dir", str(directory), "--time", "5")
        self.process = Process(*self._arguments)
        self.client = self.process.client("stepfunctions", read_timeout=2)

    def crash(self) -> None:
        self.process.kill()
        self.process = Process(*self._arguments)
        assert self.process.url, self.process.stop()
        self.client = self.process.client("stepfunctions", read_timeout=2)


def machines(client: Any) -> tuple[str, str]:
    """The machine, and the activity its tasks wait in."""
    activity = client.create_activity(name="work")["activityArn"]
    leaf = client.create_state_machine(name="leaf", definition=json.dumps(LEAF), roleArn=ROLE)["stateMachineArn"]
    text = json.dumps(ROUND).replace("${Activity}", activity).replace("${Leaf}", leaf)
    return client.create_state_machine(name="round", definition=text, roleArn=ROLE)["stateMachineArn"], activity


def start(server: Server, machine: str, n: int) -> str | None:
    """The execution, if it was acknowledged."""
    with contextlib.suppress(ClientError, BotoCoreError):
        told = server.client.start_execution(stateMachineArn=machine, name=f"n{n}", input=json.dumps(input_of(n)))
        return str(told["executionArn"])
    return None


def ended(server: Server, execution: str, deadline: float) -> Any:
    while (told := server.client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline, f"{execution} does not end: {history(server, execution)[-3:]}"
        PAUSE.wait(0.05)
    return told


def history(server: Server, execution: str) -> list[Any]:
    return list(server.client.get_execution_history(executionArn=execution, maxResults=1000)["events"])


def _lasting(events: list[Any]) -> list[str]:
    """Types, less those of attempts: an answer of the worker's may be lost with the server and be given again."""
    return [event["type"] for event in events if not event["type"].startswith("Activity")]


@pytest.mark.timeout(60 + 10 * CRASHES)
def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    server = Server(tmp_path)
    over = threading.Event()
    try:
        machine, activity = machines(server.client)
        Worker(lambda: server.client, activity, over).start()
        executions: dict[str, int] = {}
        for crash in range(CRASHES):
            until = time.monotonic() + 0.05 + 0.6 * (crash * 0.618 % 1)
            n = crash * 1000
            while time.monotonic() < until:
                execution = start(server, machine, n)
                if execution:
                    executions[execution] = n
                n += 1
                PAUSE.wait(0.03)
            server.crash()
        deadline = time.monotonic() + 40
        types: set[tuple[tuple[str, int], ...]] = set()
        for execution, n in executions.items():
            told = ended(server, execution, deadline)
            assert (told["status"], json.loads(told.get("output", "null"))) == ("SUCCEEDED", output_of(n)), told
            events = history(server, execution)
            assert [event["id"] for event in events] == list(range(1, len(events) + 1))
            types.add(tuple(sorted(kind for kind in Counter(_lasting(events)).items())))
        assert len(executions) >= CRASHES
        assert len(types) == 1, types
    finally:
        over.set()
        server.process.kill()
