"""Real server processes for tests: started as a user would, spoken to over a socket, never outliving the test."""

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.waiting import PATIENCE

ROOT = Path(__file__).parent.parent
_PORTS = itertools.count(20_000 + os.getpid() % 40 * 300)
"""A part of the ports for each process of tests, all below those the kernel gives to whoever asks for any."""


def free_port() -> int:
    """A port that stays free while its server is dead, or has yet to start. None is given out twice."""
    for port in _PORTS:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")


class Process:
    """A running ``python -m sfn_emulator``; ``url`` is what it printed."""

    def __init__(self, *arguments: str, cwd: Path = ROOT) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sfn_emulator", *arguments],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
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
def running(*arguments: str, cwd: Path = ROOT) -> Iterator[Process]:
    server = Process("--port", "0", *arguments, cwd=cwd)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def refused(*arguments: str) -> tuple[int, str]:
    """Exit status and standard error of a start that must fail."""
    done = subprocess.run(
        [sys.executable, "-m", "sfn_emulator", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
    )
    return done.returncode, done.stderr
