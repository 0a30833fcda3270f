"""Over the wire, as clients see it: our server, durable with default settings, beside the peers that are installed.

Times are the median of five runs from StartExecution's call to the moment DescribeExecution stops saying RUNNING.
Clients are boto3's and take most of a short one; how much is said for the largest. ``SFN_BENCH_SECONDS`` is for how
long starts are sustained (10 by default).
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config

from benchmarks.processor import used
from benchmarks.resources import ROLE
from benchmarks.table import Figure

ROOT: Final = Path(__file__).parent.parent
SECONDS: Final = float(os.environ.get("SFN_BENCH_SECONDS", "10"))
_PATIENCE: Final = 60.0
_names: Final = count()


def machine(*states: tuple[str, dict[str, Any]], **fields: Any) -> str:
    return json.dumps({"StartAt": states[0][0], "States": dict(states), **fields})


def chain(length: int) -> str:
    last = {"Type": "Pass", "End": True}
    return machine(
        *((f"S{n}", {"Type": "Pass", "Next": f"S{n + 1}"}) for n in range(length - 1)), (f"S{length - 1}", last)
    )


COUNTING: Final = machine(
    ("Begin", {"Type": "Pass", "Result": {"n": 0}, "Next": "Add"}),
    ("Add", {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough"}),
    (
        "Enough",
        {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThan": 500, "Next": "Add"}], "Default": "Done"},
    ),
    ("Done", {"Type": "Succeed"}),
)
EACH: Final = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Parameters": {"item.$": "$"}, "End": True}}}
MAP: Final = machine(("Each", {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": EACH, "End": True}))
WAIT: Final = machine(("W", {"Type": "Wait", "Seconds": 3600, "End": True}))

WORKLOADS: Final[tuple[tuple[str, str, Any, int, float], ...]] = (
    ("one state", chain(1), {}, 1, 8),
    ("chain of 500 Pass states", chain(500), {}, 1, 20),
    ("JSONPath loop of 1,002 transitions", COUNTING, {}, 1, 30),
    ("Map over 1,000 items", MAP, {"items": list(range(1000))}, 1, 50),
    ("200 executions of one state at once", chain(1), {}, 200, 400),
)
"""Name, definition, input, executions at once, bar in ms."""


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        with server(Path(scratch)) as (process, client):
            client.list_state_machines()
            yield Figure("first answer after the start", (time.perf_counter() - began) * 1e3, "ms", 1500)
            yield Figure("idle server", megabytes(process.pid), "MB", 120)
            for name, definition, given, number, bar in WORKLOADS:
                yield Figure(f"ours: {name}", median(client, definition, given, number), "ms", bar)
            yield from one_state(client)
            yield from at_once(process, client)
            yield from sustained(client)
        with server(Path(scratch) / "open") as (process, client):
            yield open_executions(process, client)
    yield from peers()


@contextmanager
def server(
    directory: Path, *arguments: str, program: Sequence[str] = ("sfn_emulator",)
) -> Iterator[tuple["subprocess.Popen[str]", Any]]:
    with launched(directory, *arguments, program=program) as (process, url):
        yield process, speak(url)


@contextmanager
def launched(
    directory: Path, *arguments: str, program: Sequence[str] = ("sfn_emulator",)
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A server that has said ``ready``, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", *program, "--port", "0", "--state-dir", str(directory / "state"), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[1]
    finally:
        process.terminate()
        process.communicate(timeout=20)


def speak(url: str | None) -> Any:
    return client_of("stepfunctions", url)


def client_of(service: str, url: str | None, read_timeout: float = _PATIENCE) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            retries={"max_attempts": 0}, read_timeout=read_timeout, max_pool_connections=20, inject_host_prefix=False
        ),
    )


def create(client: Any, definition: str) -> str:
    return str(client.create_state_machine(name=_name(), definition=definition, roleArn=ROLE)["stateMachineArn"])


def _name() -> str:
    return f"bench-{os.getpid()}-{next(_names)}"


def median(client: Any, definition: str, given: Any, at_once: int, runs: int = 5) -> float:
    """Milliseconds of the median run, after one that warms up; ``inf`` if it does not succeed."""
    arn, text = create(client, definition), json.dumps(given)
    return statistics.median([_run(client, arn, text, at_once) for _ in range(runs + 1)][1:]) * 1e3


def empty_reply(client: Any, requests: int = 100) -> float:
    """Milliseconds of a request that asks for nothing and gets nothing."""
    began = time.perf_counter()
    for _ in range(requests):
        client.list_activities()
    return (time.perf_counter() - began) / requests * 1e3


def one_state(client: Any) -> Iterator[Figure]:
    arn = create(client, chain(1))
    rounds = [(_one_after_the_other(client, arn), empty_reply(client)) for _ in range(10)][5:]
    yield Figure("an empty reply", statistics.median(empty for _, empty in rounds), "ms")
    yield Figure("one state to an empty reply", statistics.median(took / empty for took, empty in rounds), "×", 3)


def _one_after_the_other(client: Any, arn: str, number: int = 50) -> float:
    """Milliseconds of an execution. As many requests follow each other as ``empty_reply`` makes."""
    return sum(_run(client, arn, "{}", 1) for _ in range(number)) / number * 1e3


def at_once(process: "subprocess.Popen[str]", client: Any) -> Iterator[Figure]:
    """200 at once again, for what it costs whom."""
    arn, before = create(client, chain(1)), used(process.pid)
    _run(client, arn, "{}", 200)
    costs = used(process.pid).since(before)
    yield Figure("200 at once: the server's processor", costs.server * 1e3, "ms")
    yield Figure("200 at once: the client's own", costs.client * 1e3, "ms")


def _run(client: Any, arn: str, text: str, number: int) -> float:
    began = time.perf_counter()
    started = [
        client.start_execution(stateMachineArn=arn, name=_name(), input=text)["executionArn"] for _ in range(number)
    ]
    while started and time.perf_counter() - began < _PATIENCE:
        status = client.describe_execution(executionArn=started[-1])["status"]
        if status == "RUNNING":
            time.sleep(0.001)  # noqa: TID251 - a client that polls
        elif status != "SUCCEEDED":
            return float("inf")
        else:
            started.pop()
    return float("inf") if started else time.perf_counter() - began


def sustained(client: Any) -> Iterator[Figure]:
    """Two processes start executions as fast as they can."""
    arn, url = create(client, chain(1)), client.meta.endpoint_url
    command = [sys.executable, "-m", "benchmarks.starter", url, arn, str(SECONDS)]
    starters = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [json.loads(starter.communicate(timeout=SECONDS + 60)[0]) for starter in starters]
    milliseconds = sorted(took for one in told for took in one["took"])
    yield Figure(
        f"StartExecution sustained for {SECONDS:g} s: mean of both", SECONDS * 1e3 / len(milliseconds), "ms", 1e3 / 300
    )
    yield Figure("StartExecution sustained: p99", milliseconds[len(milliseconds) * 99 // 100], "ms", 50)


def open_executions(process: "subprocess.Popen[str]", client: Any, number: int = 10_000) -> Figure:
    client.list_state_machines()
    arn, idle = create(client, WAIT), megabytes(process.pid)
    for _ in range(number):
        client.start_execution(stateMachineArn=arn, input='{"order": "1234567890"}')
    return Figure(f"{number:,} open executions, above idle", megabytes(process.pid) - idle, "MB", 100)


def megabytes(pid: int, what: str = "VmRSS") -> float:
    """Of resident memory: ``VmRSS`` now, ``VmHWM`` at most so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what)) / 1024


# -- peers


def peers() -> Iterator[Figure]:
    for peer, there in (("ministack", _ministack), ("moto", _moto)):
        if find_spec(peer) is None:
            continue
        with tempfile.TemporaryDirectory() as scratch, there(Path(scratch)) as client:
            for name, definition, given, number, _ in WORKLOADS:
                took = _tolerant(lambda: median(client, definition, given, number, runs=3))  # noqa: B023 - called at once
                yield Figure(f"{peer}: {name}", took, "ms")


def _tolerant(measure: Callable[[], float]) -> float:
    with suppress(Exception):  # what a peer cannot do is a row, not the end
        return measure()
    return float("nan")


@contextmanager
def _ministack(directory: Path) -> Iterator[Any]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = {"STATE_DIR": str(directory / "state"), "S3_DATA_DIR": str(directory / "s3"), "GATEWAY_PORT": str(port)}
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env={**os.environ, **places}, stdout=log, stderr=log
        )
        try:
            _until_listening(port)
            yield speak(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)  # noqa: TID251
    raise TimeoutError("the peer does not answer")


@contextmanager
def _moto(_: Path) -> Iterator[Any]:
    from moto import mock_aws

    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield speak(None)
