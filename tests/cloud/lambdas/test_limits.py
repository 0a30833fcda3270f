"""Limits of a function: it does not outlive its worker or the server, exceed its memory, or wait for itself."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from sfn_emulator.cloud.lambdas import worker
from sfn_emulator.cloud.lambdas.worker import FRAME_LIMIT, PAYLOAD_LIMIT, receive
from sfn_emulator.cloud.lambdas.zygote import HEADER_LIMIT, Zygote, _complete
from tests.cloud.functions import deploy, invoke, make_role
from tests.processes import Process, children, running
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
def test_processes_that_a_function_leaves_running_end_with_it(server: Process, how: dict[str, object]) -> None:
    mark = f"daemon-{os.getpid()}-{len(how)}-{next(iter(how))}"
    _, error = invoke(server, "daemon", {"mark": mark, **how})
    assert error is not None
    assert is_gone(mark)


@linux
@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_processes_that_a_function_leaves_running_end_with_the_server(killed: bool) -> None:
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
        struct.pack(">II", HEADER_LIMIT + 1, 0),
        struct.pack(">II", 2, PAYLOAD_LIMIT + 1),
        b"\x00\x00\x00\x00\xff\xff\xff\xff",
        b"\x00\x00\x00\x02\x00\x00\x00\x00[]",
        b"\x00\x00\x00\x02\x00\x00\x00\x00{!",
        b"\x00\x00\x00\x02\x00\x00\x00\x00{}and more",
    ],
)
def test_a_worker_does_not_wait_for_the_rest_of_a_broken_frame(frame: bytes) -> None:
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


@linux
def test_a_process_that_ends_is_noticed_though_its_child_holds_the_socket(server: Process) -> None:
    holds = """
import os, time
def handler(event, context):
    if os.fork():
        os._exit(3)
    time.sleep(600)
"""
    deploy(server, "holds", holds, Timeout=900)
    told, error = invoke(server, "holds", {})
    assert (error, told["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert told["errorMessage"].endswith("exit status 3")


def test_an_error_that_is_too_long_is_told_as_an_answer_that_is(server: Process) -> None:
    deploy(server, "wordy", "def handler(event, context): raise ValueError('x' * event)")
    assert invoke(server, "wordy", 1_000)[0]["errorType"] == "ValueError"
    for _ in range(2):
        told, error = invoke(server, "wordy", 7_000_000)
        assert (error, told["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")


def test_an_answer_that_nobody_waits_for_is_nobodys(server: Process) -> None:
    early = """
import json, os, stat, struct
def handler(event, context):
    if event == "early":
        header, payload = json.dumps({"id": context.aws_request_id, "failed": False}).encode(), b'"forged"'
        worker = next(one for one in range(3, 64) if stat.S_ISSOCK(os.fstat(one).st_mode))
        os.write(worker, struct.pack(">II", len(header), len(payload)) + header + payload)
    return event
"""
    deploy(server, "early", early)
    told, _ = invoke(server, "early", "early")
    assert told == "forged" or told["errorType"] == "Runtime.ExitError"
    for event in ("one", "two", "three"):
        assert invoke(server, "early", event) == (event, None)


@linux
def test_a_zygote_that_stands_still_does_not_keep_the_server_from_stopping() -> None:
    with running("--in-memory") as process:
        make_role(process)
        deploy(process, "first", "def handler(event, context): return 1")
        assert invoke(process, "first", {}) == (1, None)
        (zygote, *_) = children(process.process.pid)
        os.kill(zygote, signal.SIGSTOP)
        deploy(process, "second", "def handler(event, context): return 2")
        process.client("lambda").invoke(FunctionName="second", InvocationType="Event")
        assert process.stop()[0] == 0
    assert until(lambda: not Path(f"/proc/{zygote}").exists())


@linux
def test_a_zygote_that_can_fork_no_further_says_so_and_lives() -> None:
    full = (
        "import errno, os, runpy, sys\n"
        "def fork(): raise BlockingIOError(errno.EAGAIN, 'Resource temporarily unavailable')\n"
        "os.fork = fork\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [
            sys.executable,
            "-c",
            full,
            worker.__file__,
            str(theirs.fileno()),
            str(Path(boto3.__file__).parents[1]),
        ]
        with subprocess.Popen(command, pass_fds=[theirs.fileno()]) as zygote:
            theirs.close()
            assert receive(ours) == ({"ready": True}, b"")
            for _ in range(3):
                order = json.dumps({"handler": "any"}).encode()
                with Path(os.devnull).open() as one, Path(os.devnull).open() as other:
                    socket.send_fds(ours, [struct.pack(">II", len(order), 0)], [one.fileno(), other.fileno()])
                ours.sendall(order)
                assert receive(ours) == ({"error": "Resource temporarily unavailable"}, b"")
            ours.close()
            assert zygote.wait() == 0


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
def test_a_setting_that_lambda_would_not_take_is_refused(
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
