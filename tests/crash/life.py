"""One state directory and the many processes that serve it, each killed in its turn."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.processes import ROOT, free_port
from tests.waiting import PATIENCE


class DidNotStartError(Exception):
    """A server ended by itself instead of answering; the text is what it said."""


class Life:
    """``begin`` a process, ``kill`` it, again and again. ``client`` speaks to whichever is alive."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self._directory = directory
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "sfn_emulator", "--port", str(port), "--state-dir", str(directory)]
        self._command = [*command, *arguments]
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        """Of the next process."""
        self._client: Any = None
        directory.parent.mkdir(parents=True, exist_ok=True)
        self._errors = (directory.parent / "errors").open("a")
        self._process: subprocess.Popen[str] | None = None
        self.kills = 0
        self.down: list[tuple[float, float]] = []
        """When nobody answered: from a kill to the next ``ready`` (epoch seconds)."""
        self.killed_at: list[float] = []
        """The same kills on the monotonic clock."""
        self.longest_start = 0.0

    def spawn(self) -> None:
        """Starts a process without waiting for it to answer."""
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=self.environment,
        )

    def begin(self) -> None:
        """Starts a process and waits until it answers."""
        began = time.monotonic()
        self.spawn()
        assert self._process is not None and self._process.stdout is not None
        ready = self._process.stdout.readline().split()
        if len(ready) != 2:
            self._process.wait(PATIENCE)
            raise DidNotStartError((self._directory.parent / "errors").read_text()[-2000:])
        self.longest_start = max(self.longest_start, time.monotonic() - began)
        if self.down:
            self.down[-1] = (self.down[-1][0], _now())

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        at = _now()
        self.killed_at.append(time.monotonic())
        self._process.communicate()
        self.kills += 1
        if self.down and self.down[-1][1] == float("inf"):
            return  # it had not answered yet
        self.down.append((at, float("inf")))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def gone(self) -> None:
        """Waits until somebody else has killed it."""
        assert self._process is not None
        self._process.communicate(timeout=PATIENCE)

    def stop(self) -> int:
        """Asks it to stop; its exit status."""
        assert self._process is not None
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE)
        return self._process.returncode

    def end(self) -> None:
        """Kills what is still there and lets go of it."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        if self._client is not None:
            self._client.close()
        self._errors.close()

    def client(self) -> Any:
        """A Step Functions client for whichever process answers now, of all threads."""
        if self._client is None:
            self._client = self.speak("stepfunctions")
        return self._client

    def speak(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}, read_timeout=PATIENCE, max_pool_connections=20),
        )


def _now() -> float:
    return time.time()  # noqa: TID251 - compared with the timestamps a server writes


def children_of(directory: Path) -> list[str]:
    """Processes that still work for a server of this directory: one line each."""
    time.sleep(0.5)  # noqa: TID251 - they die by a signal of the kernel's
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            if str(directory).encode() in told or str(directory) in str((entry / "cwd").readlink()):
                found.append(f"process {entry.name} is left: {told[:120]!r}")
    return [line for line in found if f"process {os.getpid()} " not in line]
