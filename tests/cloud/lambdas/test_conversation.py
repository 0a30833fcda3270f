"""Warm workers are spoken to on the loop: whatever they do, the loop gets the outcome, and no thread waits for it."""

import asyncio
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson
import pytest

from sfn_emulator.cloud.keeping.chance import new_id
from sfn_emulator.cloud.lambdas.functions import Bundles, Function
from sfn_emulator.cloud.lambdas.processes import Processes, Ran
from tests.cloud.functions import archive
from tests.waiting import PATIENCE, until

CODE = """
import json, os, socket, sys, time

def handler(event, context):
    if "print" in event:
        print("x" * event["print"])
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "exit" in event:
        os._exit(event["exit"])
    if "twice" in event and os.fork() == 0:
        time.sleep(event["twice"])
    if "rubbish" in event:
        for number in os.listdir("/proc/self/fd"):
            try:
                socket.socket(fileno=os.dup(int(number))).send(b"\\xff" * 8)
            except OSError:
                continue
        time.sleep(600)
    return {"pid": os.getpid(), "answer": "y" * event.get("answer", 0), "asked": len(json.dumps(event))}
"""


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    made = Processes(Bundles(Path(tmp_path_factory.mktemp("code"))), lambda: "http://127.0.0.1:1")
    yield made
    made.close()


def function(name: str, timeout: float = PATIENCE) -> Function:
    told: dict[str, Any] = {field.name: None for field in fields(Function)}
    told |= {"handler": "app.handler", "runtime": "python3.12", "variables": (), "layers": (), "memory": 256}
    told |= {"region": "us-east-1", "version": "$LATEST", "code": archive({"app.py": CODE})}
    return Function(**{**told, "name": name, "timeout": timeout})


def header() -> dict[str, Any]:
    return {"id": new_id(), "arn": "arn", "timeout": 1, "client_context": None, "depth": 0, "trace": ""}


async def warm(processes: Processes, what: Function, event: dict[str, Any]) -> Ran:
    """The outcome of an invocation that a warm worker takes at once."""
    told: asyncio.Future[Callable[[], Ran]] = asyncio.get_running_loop().create_future()
    assert processes.begin(what, header(), orjson.dumps(event), told.set_result)
    return (await told)()


def after_the_first(processes: Processes, what: Function, *events: dict[str, Any]) -> list[Ran]:
    """The outcomes of invocations one after the other, once there is a warm worker."""

    async def all_of_them() -> list[Ran]:
        await asyncio.to_thread(processes.run, what, header(), b"{}")
        return [await warm(processes, what, event) for event in events]

    return asyncio.run(all_of_them())


def answer(ran: Ran) -> dict[str, Any]:
    assert ran.outcome.ended == "answered", ran
    told: dict[str, Any] = orjson.loads(ran.outcome.payload)
    return told


def test_one_worker_answers_one_invocation_after_the_other(processes: Processes) -> None:
    first, second = map(answer, after_the_first(processes, function("again"), {}, {}))
    assert first["pid"] == second["pid"]


def test_large_requests_and_answers_come_whole(processes: Processes) -> None:
    (ran,) = after_the_first(processes, function("large"), {"text": "z" * 6_000_000, "answer": 6_000_000})
    told = answer(ran)
    assert (len(told["answer"]), told["asked"]) == (6_000_000, 6_000_031)


def test_a_function_may_print_more_than_a_pipe_holds(processes: Processes) -> None:
    (ran,) = after_the_first(processes, function("prints"), {"print": 500_000})
    assert answer(ran)["asked"]
    assert ran.outcome.log == b"x" * 500_000 + b"\n"


@pytest.mark.parametrize(
    ("event", "ended", "status"),
    [
        ({"sleep": 600}, "timed out", 0),
        ({"exit": 3}, "exited", 3),
        ({"rubbish": True}, "exited", -signal.SIGKILL),
    ],
    ids=["timed out", "exited", "rubbish"],
)
def test_an_invocation_without_an_answer_costs_its_worker(
    processes: Processes, event: dict[str, Any], ended: str, status: int
) -> None:
    what = function(f"ends-{next(iter(event))}", timeout=1 if "sleep" in event else PATIENCE)
    (ran,) = after_the_first(processes, what, {"print": 10, **event})
    assert (ran.outcome.ended, ran.outcome.status, ran.outcome.log) == (ended, status, b"x" * 10 + b"\n")
    assert not processes.begin(what, header(), b"{}", lambda run: None), "its worker is gone"
    assert answer(processes.run(what, header(), b"{}"))["asked"], "another one takes its place"


def test_a_worker_that_died_while_nobody_needed_it_is_not_missed(processes: Processes) -> None:
    what = function("died")
    pid = answer(processes.run(what, header(), b"{}"))["pid"]
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    assert not processes.begin(what, header(), b"{}", lambda run: None)
    assert answer(processes.run(what, header(), b"{}"))["pid"] != pid


def test_a_second_answer_to_an_earlier_request_is_nobody_elses(processes: Processes) -> None:
    what, event = function("twice"), {"sleep": 0.3, "its": "own"}

    async def next_one() -> Ran:
        await asyncio.to_thread(processes.run, what, header(), b'{"twice": 0.1}')
        told: asyncio.Future[Callable[[], Ran]] = asyncio.get_running_loop().create_future()
        if processes.begin(what, header(), orjson.dumps(event), told.set_result):
            return (await told)()
        return await asyncio.to_thread(processes.run, what, header(), orjson.dumps(event))

    assert answer(asyncio.run(next_one()))["asked"] == len(json.dumps(event))


def test_a_function_that_was_changed_meanwhile_loses_its_worker_after_the_answer(processes: Processes) -> None:
    what = function("changed")

    async def changed_meanwhile() -> Ran:
        await asyncio.to_thread(processes.run, what, header(), b"{}")
        told = asyncio.create_task(warm(processes, what, {"sleep": 0.1}))
        await asyncio.sleep(0)
        processes.forget()
        return await told

    pid = answer(asyncio.run(changed_meanwhile()))["pid"]
    assert until(lambda: not Path(f"/proc/{pid}").exists())


def test_no_thread_waits_for_a_warm_worker(processes: Processes) -> None:
    what = function("threads")

    async def several_at_once() -> tuple[int, int]:
        cold = [asyncio.to_thread(processes.run, what, header(), b'{"sleep": 0.2}') for _ in range(3)]
        pids = {answer(ran)["pid"] for ran in await asyncio.gather(*cold)}
        before = threading.active_count()
        under_way = [asyncio.create_task(warm(processes, what, {"sleep": 0.2})) for _ in pids]
        await asyncio.sleep(0)
        during = threading.active_count()
        assert {answer(await task)["pid"] for task in under_way} == pids
        return before, during

    before, during = asyncio.run(several_at_once())
    assert during == before
