"""Real server processes for tests: started as a user would, spoken to over a socket, never outliving the test."""

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.waiting import PATIENCE
from tests.warm import Forked, can_be_forked

ROOT = Path(__file__).parent.parent
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_PORTS = itertools.count(20_000 + (_WORKER % 8 + os.getppid() % 5 * 8) * 300)
"""A part of the ports for each worker of a run, all below those the kernel gives to a socket that names none."""


_COUNT = itertools.count()


def free_port() -> int:
    """A port that stays free while its server is dead, or has yet to start. None is given out twice."""
    for port in _PORTS:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")


class Process:
    """A running ``python -m sfn_emulator``; ``url`` is what it printed."""

    def __init__(self, *arguments: str, cwd: Path = ROOT, cold: bool = False) -> None:
        """``cold``: with an interpreter of its own, as a user starts it."""
        self.process = _started(arguments, cwd, cold)
        self._clients: dict[tuple[Any, ...], Any] = {}
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline().strip()
        assert self.ready.startswith("ready "), f"{self.ready}\n{self.process.communicate(timeout=PATIENCE)[1]}"
        self.url = self.ready.partition(" ")[2]

    def client(self, service: str, region: str = "us-east-1", **config: Any) -> Any:
        """A client, made once per service and region: making one takes longer than most calls."""
        key = (service, region, *sorted(config.items()))
        if key not in self._clients:
            self._clients[key] = self._made(service, region, config)
        return self._clients[key]

    def _made(self, service: str, region: str, config: dict[str, Any]) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(**{"retries": {"max_attempts": 0}, "read_timeout": PATIENCE, **config}),
        )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> tuple[int, str]:
        """Asks it to stop; its exit status and what it wrote on standard error."""
        self.process.terminate()
        error = self.process.communicate(timeout=PATIENCE)[1]
        return self.process.returncode, error


@contextmanager
def running(*arguments: str, cwd: Path = ROOT, cold: bool = False) -> Iterator[Process]:
    server = Process("--port", "0", *arguments, cwd=cwd, cold=cold)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def refused(*arguments: str) -> tuple[int, str]:
    """Exit status and standard error of a start that must fail."""
    with _started(arguments, ROOT, cold=False) as process:
        error = process.communicate(timeout=PATIENCE)[1]
    return process.returncode, error


def _started(arguments: Sequence[str], cwd: Path, cold: bool) -> "subprocess.Popen[str]":
    """The first is cold, too; the others are forked, which takes a fifth of the work."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    warm = not cold and next(_COUNT) > 0 and can_be_forked(arguments, environment)
    return (Forked if warm else subprocess.Popen)(
        [sys.executable, "-m", "sfn_emulator", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def children(pid: int) -> list[int]:
    """All descendants of a process that are alive."""
    direct: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread or process that ends as we look
            direct += [int(child) for child in (task / "children").read_text().split()]
    return direct + [grandchild for child in direct for grandchild in children(child)]
