"""Limits of a function: it does not outlive its worker or the server, exceed its memory, or wait for itself."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sfn_emulator.cloud.lambdas.pool import Zygote, _complete
from sfn_emulator.cloud.lambdas.worker import FRAME_LIMIT, receive
from tests.cloud.functions import deploy, invoke, make_role
from tests.processes import Process, running
from tests.waiting import until

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans and bounds data")

DAEMON = """
import os, sys, time
def handler(event, context):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", event["mark"]])
        os._exit(0)
    os.wait()
    if event.get("ends") == "exit":
        os._exit(3)
    time.sleep(event.get("sleep", 0))
    return "left it running"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        deploy(process, "daemon", DAEMON, Timeout=2)
        yield process


def left_running(mark: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            continue
    return found


def comes(mark: str) -> bool:
    return until(lambda: bool(left_running(mark)))


def is_gone(mark: str) -> bool:
    return until(lambda: not left_running(mark))


@linux
@pytest.mark.parametrize("how", [{"sleep": 600}, {"ends": "exit"}], ids=["timed out", "exited"])
def test_what_a_function_leaves_running_ends_with_it(server: Process, how: dict[str, object]) -> None:
    mark = f"daemon-{os.getpid()}-{len(how)}-{next(iter(how))}"
    _, error = invoke(server, "daemon", {"mark": mark, **how})
    assert error is not None
    assert is_gone(mark)


@linux
@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_what_a_function_leaves_running_ends_with_the_server(killed: bool) -> None:
    mark = f"daemon-{os.getpid()}-{killed}"
    with running("--in-memory") as process:
        make_role(process)
        deploy(process, "daemon", DAEMON)
        assert invoke(process, "daemon", {"mark": mark}) == ("left it running", None)
        assert comes(mark)
        process.kill() if killed else process.stop()
    assert is_gone(mark)


@linux
def test_a_function_is_killed_when_it_holds_more_than_its_memory(server: Process) -> None:
    hoards = (
        "def handler(event, context):\n    held = [bytearray(b'1') * 2**20 for _ in range(event)]\n    return len(held)"
    )
    deploy(server, "hoards", hoards, MemorySize=128)
    assert invoke(server, "hoards", 60) == (60, None)
    told, error = invoke(server, "hoards", 2_000)
    assert error == "Unhandled"
    assert told["errorType"] == "Runtime.ExitError"
    assert told["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert invoke(server, "hoards", 1) == (1, None)


def test_a_function_that_calls_itself_too_deep_is_throttled(server: Process) -> None:
    calls = """
import boto3, json
from botocore.config import Config
client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
def handler(event, context):
    try:
        answer = client.invoke(FunctionName="calls", Payload=json.dumps(event + 1).encode())
    except client.exceptions.TooManyRequestsException as error:
        return [event, error.response["Error"]["Message"], error.response["ResponseMetadata"]["HTTPStatusCode"]]
    return json.loads(answer["Payload"].read())
"""
    deploy(server, "calls", calls)
    (deepest, message, status), error = invoke(server, "calls", 1)
    assert (deepest, message, status, error) == (16, "Rate Exceeded.", 429, None)


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff\xff\xff\xff\x00\x00\x00\x00",
        b"\x00\x00\x00\x00\xff\xff\xff\xff",
        b"\x00\x00\x00\x02\x00\x00\x00\x00[]",
        b"\x00\x00\x00\x02\x00\x00\x00\x00{!",
        b"\x00\x00\x00\x02\x00\x00\x00\x00{}and more",
    ],
)
def test_what_is_no_frame_is_not_waited_for(frame: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        _complete(bytearray(frame))


def test_a_worker_does_not_wait_for_a_frame_that_is_too_long() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall((FRAME_LIMIT + 1).to_bytes(4, "big") + bytes(4))
        assert receive(theirs) is None


def test_a_function_that_writes_to_its_workers_socket_only_ends_itself(server: Process) -> None:
    forges = """
import os, socket, stat
def handler(event, context):
    for descriptor in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, b"\\xff" * 64)
        except OSError:
            pass
    return "forged"
"""
    deploy(server, "forges", forges)
    told, error = invoke(server, "forges", {})
    assert error == "Unhandled"
    assert told["errorType"] == "Runtime.ExitError"
    assert invoke(server, "daemon", {"mark": json.dumps("x"), "ends": "exit"})[1] == "Unhandled"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"Environment": {"Variables": {"AWS_LAMBDA_RUNTIME_API": "x"}}}, "this request: AWS_LAMBDA_RUNTIME_API"),
        ({"Environment": {"Variables": {"_HANDLER": "x", "AWS_REGION": "x"}}}, "this request: AWS_REGION, _HANDLER"),
        ({"Environment": {"Variables": {"A=B": "x"}}}, "Map keys must satisfy constraint"),
        ({"Environment": {"Variables": {"NULL": "a\0b"}}}, "a null character"),
        ({"Environment": {"Variables": {"LONG": "x" * 5_000}}}, "exceeded the 4KB limit"),
        ({"Timeout": 901}, "Value '901' at 'timeout' failed to satisfy constraint"),
        ({"MemorySize": 10_241}, "Value '10241' at 'memorySize' failed to satisfy constraint"),
    ],
)
def test_what_lambda_would_not_be_configured_to_is_refused(
    server: Process, settings: dict[str, object], told: str
) -> None:
    client = server.client("lambda")
    with pytest.raises(ClientError, match=told):
        client.update_function_configuration(FunctionName="daemon", **settings)
    with pytest.raises(ClientError, match=told):
        deploy(server, "unmade", "def handler(event, context): ...", **settings)
    assert "unmade" not in [one["FunctionName"] for one in client.list_functions()["Functions"]]


def test_who_looks_for_a_worker_after_the_end_starts_nothing() -> None:
    zygote = Zygote()
    zygote.close()
    assert zygote.reap(os.getpid()) == -signal.SIGKILL
    with pytest.raises(OSError, match="is stopping"):
        zygote.start()
