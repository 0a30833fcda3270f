"""``python -m benchmarks.soak [--minutes 10] [--graph FILE]``: mixed load with faults on one server, and what it holds.

Every few seconds the server's memory, threads, open files and child processes are read. After a warm-up they must stay
where they are; in the end, with everything ended, nothing may be left over. Exit status 1 when something grew. The
graph is an SVG, ``build/soak.svg`` unless told otherwise.
"""

import argparse
import json
import random  # noqa: TID251 - seeded load
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.graph import graph
from benchmarks.resources import BY_ID, ROLE, TRUST, packed
from benchmarks.wire import EACH, ROOT, chain, client_of, machine, megabytes, server

HANDLER: Final = """
import time
def handler(event, context):
    if event.get("sleep"): time.sleep(event["sleep"])
    if event.get("fail"): raise ValueError("on purpose")
    if event.get("exit"): raise SystemExit(3)
    return {"n": event["n"]}
"""
RETRY: Final = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 1, "MaxAttempts": 1}]
CATCH: Final = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
CAUGHT: Final = ("Caught", {"Type": "Pass", "End": True})


def machines(function: str, queue: str) -> dict[str, str]:
    """Definitions by name; inputs say which of them fail."""
    call = {"Type": "Task", "Resource": function, "Retry": RETRY, "Catch": CATCH, "End": True}
    token = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}}
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": token,
        "TimeoutSeconds": 5,
        "Catch": CATCH,
        "End": True,
    }
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Parameters": {"TableName": "soak", "Item": {"id": {"S.$": "$.id"}}},
        "Catch": CATCH,
        "End": True,
    }
    branch = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}}
    other = {"StartAt": "B", "States": {"B": {"Type": "Fail", "Error": "No"}}}
    return {
        "one": chain(1),
        "call": machine(("Call", call), CAUGHT),
        "ask": machine(("Ask", ask), CAUGHT),
        "map": machine(("Each", {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": EACH, "End": True})),
        "put": machine(("Put", put), CAUGHT),
        "both": machine(
            ("Both", {"Type": "Parallel", "Branches": [branch, other], "Catch": CATCH, "End": True}), CAUGHT
        ),
        "wait": machine(("W", {"Type": "Wait", "Seconds": 2, "End": True})),
        "fail": machine(
            ("Choose", {"Type": "Choice", "Choices": [{"Variable": "$.no", "IsPresent": True, "Next": "X"}]}),
            ("X", {"Type": "Succeed"}),
        ),
    }


@dataclass(frozen=True)
class Held:
    """What the process holds at one moment; ``seconds`` since the beginning."""

    seconds: float
    megabytes: float
    threads: int
    files: int
    children: int

    def __str__(self) -> str:
        return (
            f"{self.seconds:>5.0f} s  {self.megabytes:>6.1f} MB  {self.threads} threads, {self.files} open files, "
            f"{self.children} children"
        )


def held(process: "subprocess.Popen[str]", began: float) -> Held:
    of = Path(f"/proc/{process.pid}")
    children = (of / "task" / str(process.pid) / "children").read_text().split()
    return Held(
        round(time.monotonic() - began),
        round(megabytes(process.pid), 1),
        len(list((of / "task").iterdir())),
        len(list((of / "fd").iterdir())),
        len(children),
    )


class Soak:
    """``run`` gives what was held, moment by moment, and what went wrong."""

    def __init__(self, url: str, seed: int = 1) -> None:
        self._url = url
        self._client = client_of("stepfunctions", url)
        self._chance = random.Random(seed)
        self.over = threading.Event()
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._queue = ""
        self._arns: dict[str, str] = {}

    def prepare(self) -> None:
        lambdas, queues = client_of("lambda", self._url), client_of("sqs", self._url)
        role = client_of("iam", self._url).create_role(RoleName="soak", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        function = lambdas.create_function(
            FunctionName="soak", Runtime="python3.12", Handler="soak.handler", Role=role, Timeout=3,
            Code=packed("soak.py", HANDLER),
        )["FunctionArn"]  # fmt: skip
        self._queue = queues.create_queue(QueueName="soak")["QueueUrl"]
        client_of("dynamodb", self._url).create_table(TableName="soak", **BY_ID)
        for name, text in machines(function, self._queue).items():
            told = self._client.create_state_machine(name=name, definition=text, roleArn=ROLE)
            self._arns[name] = told["stateMachineArn"]

    def threads(self) -> list[threading.Thread]:
        jobs = [self.start, self.start, self.answer, self.poll, self.look, self.be_rude]
        return [threading.Thread(target=self._guarded, args=(job,), daemon=True) for job in jobs]

    def _guarded(self, job: Callable[[], None]) -> None:
        while not self.over.is_set():
            try:
                job()
                self.done[job.__name__] += 1
            except (BotoCoreError, ClientError, OSError) as error:
                if len(self.wrong) < 100:
                    self.wrong.append(f"{job.__name__}: {error}")
                self.over.wait(0.2)

    def start(self) -> None:
        kind, n = self._chance.choice(list(self._arns)), self._chance.randrange(100)
        given: dict[str, Any] = {"n": n, "id": str(n), "items": list(range(20))}
        given |= {"sleep": 0.1} if n < 10 else {"fail": True} if n < 20 else {"exit": True} if n < 22 else {}
        told = self._client.start_execution(stateMachineArn=self._arns[kind], input=json.dumps(given))
        if n == 50:
            with suppress(ClientError):
                self._client.stop_execution(executionArn=told["executionArn"])
        self.over.wait(0.03)

    def answer(self) -> None:
        """Callbacks: most succeed, some fail, one in ten is never answered."""
        queues = client_of("sqs", self._url)
        while not self.over.is_set():
            for message in queues.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", ()):
                queues.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                token, chance = json.loads(message["Body"])["token"], self._chance.random()
                with suppress(ClientError):
                    if chance < 0.7:
                        self._client.send_task_success(taskToken=token, output="{}")
                    elif chance < 0.9:
                        self._client.send_task_failure(taskToken=token, error="No")
            self.over.wait(0.2)

    def poll(self) -> None:
        """A worker that goes away while it waits."""
        activity = self._client.create_activity(name="nothing-to-do")["activityArn"]
        impatient = client_of("stepfunctions", self._url, read_timeout=1)
        with suppress(BotoCoreError):
            impatient.get_activity_task(activityArn=activity)

    def look(self) -> None:
        for arn in self._arns.values():
            found = self._client.list_executions(stateMachineArn=arn, maxResults=20)["executions"]
            if found:
                self._client.get_execution_history(executionArn=self._chance.choice(found)["executionArn"])
        self.over.wait(0.5)

    def be_rude(self) -> None:
        """Half a request, nonsense, a hang-up while the answer is on its way."""
        host, port = self._url.removeprefix("http://").split(":")
        for text in (
            b"POST / HTTP/1.1\r\nContent-Le",
            b"\x16\x03\x01\x02\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ):
            with socket.create_connection((host, int(port)), 5) as rude:
                rude.sendall(text)
        self.over.wait(0.5)

    def settled(self, patience: float = 60) -> bool:
        """Whether all executions have ended."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not any(self._running(arn) for arn in self._arns.values()):
                return True
            time.sleep(0.5)  # noqa: TID251
        return False

    def _running(self, arn: str) -> bool:
        return bool(
            self._client.list_executions(stateMachineArn=arn, statusFilter="RUNNING", maxResults=1)["executions"]
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--graph", type=Path, default=ROOT / "build" / "soak.svg")
    told = parser.parse_args()
    minutes: float = told.minutes
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch)) as (process, client):
        soak = Soak(client.meta.endpoint_url)
        soak.prepare()
        seen = _watched(soak, process, minutes * 60)
        settled = soak.settled()
        time.sleep(3)  # noqa: TID251 - connections are closed, threads end
        seen.append(held(process, time.monotonic() - seen[-1].seconds))
        began = time.monotonic()
        process.terminate()
        status = process.wait(20)
        stopped = time.monotonic() - began
    print("done: " + ", ".join(f"{number:,} × {what}" for what, number in soak.done.items()))
    print(f"stopped in {stopped:.1f} s with status {status}")
    _draw(seen, soak, told.graph)
    problems = _grown(seen) + soak.wrong + ["executions have not ended"] * (not settled) + ["exit"] * bool(status)
    for problem in problems[:30]:
        print("WRONG", problem)
    print("something grew or was left over" if problems else "nothing grew, and nothing was left over")
    return 1 if problems else 0


def _watched(soak: Soak, process: "subprocess.Popen[str]", seconds: float) -> list[Held]:
    began, seen = time.monotonic(), []
    for thread in (threads := soak.threads()):
        thread.start()
    while time.monotonic() - began < seconds and process.poll() is None:
        soak.over.wait(min(15.0, seconds / 10))
        seen.append(held(process, began))
        print(seen[-1], flush=True)
    soak.over.set()
    for thread in threads:
        thread.join(10)
    return seen


def _draw(seen: list[Held], soak: Soak, file: Path) -> None:
    lines = {
        name: [(one.seconds / 60, float(getattr(one, attribute))) for one in seen[:-1]]
        for name, attribute in (
            ("memory, MB", "megabytes"),
            ("threads", "threads"),
            ("open files", "files"),
            ("children", "children"),
        )
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(graph(f"One server under mixed load: {soak.done['start']:,} executions begun", lines))
    print(f"graph: {file}")


def _grown(seen: list[Held]) -> list[str]:
    """Compares the second tenth with the last: by then all that is made once has been made."""
    early, late = seen[len(seen) // 4], seen[-2]
    found = []
    if late.megabytes > early.megabytes * 1.1 + 5:
        found.append(f"memory grew from {early.megabytes} to {late.megabytes} MB")
    for what in ("threads", "files", "children"):
        before, after = (getattr(one, what) for one in (early, late))
        if after > before * 1.3 + 8:
            found.append(f"{what} grew from {before} to {after}")
    return found


if __name__ == "__main__":
    sys.exit(main())
