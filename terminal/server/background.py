"""The embedded server as a process in the background.

``DIR/server.json`` has its address: ``{"pid", "url"}``; ``DIR/server.log`` has its messages. The address counts only if
the server answers and the process is one of ours.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from terminal.errors import TerminalError

MODULE = "sfn_emulator"
PATIENCE = 30.0
"""Seconds that a server of ours gets to answer, to start or to stop before it is given up or killed."""
GLANCE = 5.0
"""Seconds that anything else gets to answer: it may be no server of ours."""


@dataclass(frozen=True)
class Running:
    """``pid`` is 0 for a server somebody else started; ``directory`` is where it keeps its state, if anywhere."""

    pid: int
    url: str
    directory: str | None = None
    time: str = "skip"


def find(directory: Path, url: str) -> Running | None:
    """The server of that directory, else any emulator that answers at ``url``."""
    noted = _noted(directory)
    if noted and _is_server(noted.pid) and (told := health(noted.url, PATIENCE)):
        return replace(noted, directory=told.get("stateDirectory"), time=str(told.get("time")))
    return answering(url)


def answering(url: str | None, seconds: float = GLANCE) -> Running | None:
    """Any emulator that answers at ``url`` within that many seconds."""
    told = health(url, seconds) if url else None
    return Running(0, url, told.get("stateDirectory"), str(told.get("time"))) if url and told else None


def start(directory: Path, *arguments: str) -> Running:
    """A new server, once it answers. Raises ``TerminalError`` with its last message if it does not start."""
    log = _writable(directory) / "server.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, "--state-dir", str(directory), *arguments],
            cwd=Path(__file__).parent.parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    ready, _, url = process.stdout.readline().strip().partition(" ")
    process.stdout.close()
    if ready != "ready":
        process.wait(PATIENCE)
        raise TerminalError(f"the server did not start: {_last_line(log)}")
    running = Running(process.pid, url)
    _private(directory / "server.json").write_text(json.dumps({"pid": running.pid, "url": running.url}))
    return running


def stop(directory: Path) -> Running | None:
    """Asks the directory's server to stop and waits until it is gone; ``None`` when there was none."""
    noted = _noted(directory)
    (directory / "server.json").unlink(missing_ok=True)
    if noted is None or not _is_server(noted.pid):
        return None
    for sign in (signal.SIGTERM, signal.SIGKILL):
        os.kill(noted.pid, sign)
        if _gone(noted.pid):
            return noted
    raise TerminalError(f"the server with process id {noted.pid} does not stop; end it with 'kill -9 {noted.pid}'")


def health(url: str, seconds: float = GLANCE) -> dict[str, Any] | None:
    """The health of the server at ``url``; ``None`` if no emulator answers within that many seconds."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=seconds) as answer:
            told = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return told if isinstance(told, dict) and "uptime" in told else None


def pace(url: str | None, execution: str, time: str) -> bool:
    """Lets one execution, by its name, run in ``real`` time or ``skip`` its waits; false if the server cannot."""
    body = json.dumps({"execution": execution, "time": time}).encode()
    request = urllib.request.Request(f"{url}/pace", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def _writable(directory: Path) -> Path:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _private(directory / "server.log")
    except OSError as error:
        raise TerminalError(
            f"{directory}: cannot be written ({error.strerror}); choose another with --state-dir or SAGA_STATE_DIR"
        ) from error
    return directory


def _private(file: Path) -> Path:
    """The file, made if need be, which its owner alone may read. A checkout may bring a link in its place."""
    if file.is_symlink():
        file.unlink()
    file.touch(mode=0o600)
    file.chmod(0o600)
    return file


def _noted(directory: Path) -> Running | None:
    try:
        return Running(**json.loads((directory / "server.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _is_server(pid: int) -> bool:
    """Whether the process runs our module. Process ids are used again, and others must not be stopped."""
    told = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return MODULE in told.stdout


def _gone(pid: int) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not _is_server(pid):
            return True
        time.sleep(0.02)  # noqa: TID251  not a child of ours, so there is nothing to wait on
    return False


def _last_line(log: Path) -> str:
    lines = log.read_text().strip().splitlines()
    return lines[-1] if lines else "it said nothing"
