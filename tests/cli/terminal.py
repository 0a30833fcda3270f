"""The saga's command line by its real process, and in this one where many inputs differ in their words only."""

import contextlib
import io
import json
import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import cli
from deploy import config, targets
from tests.waiting import PATIENCE
from tests.warm import Forked

ROOT = Path(__file__).parents[2]
CONFIG = config.load()


@dataclass(frozen=True)
class Ran:
    """A finished command. ``json`` reads what it printed."""

    status: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Runs commands in one state directory; ``environment`` is added to a bare one."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},
            "SAGA_STATE_DIR": str(directory),
            "AWS_EC2_METADATA_DISABLED": "true",
            **environment,
        }

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> Ran:
        command = [sys.executable, str(ROOT / "cli.py"), *arguments]
        environment = {**self.environment, **environment}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with Forked(command, cwd=ROOT, env=environment, text=True, **pipes) as ended:
            out, error = ended.communicate(stdin, timeout=PATIENCE)
        return Ran(ended.returncode, out, error)

    def here(self, *arguments: str) -> Ran:
        """The same in this process: a tenth of the work."""
        out, error, status = io.StringIO(), io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(error):
            for name in os.environ.keys() - self.environment.keys():
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            try:
                cli.main(list(arguments))
            except SystemExit as left:
                status = int(left.code or 0)
        return Ran(status, out.getvalue(), error.getvalue())

    @cached_property
    def _target(self) -> targets.Target:
        return targets.connect("embedded", CONFIG, json.loads((self.directory / "server.json").read_text())["url"])

    def client(self, service: str) -> Any:
        return self._target.client(service)

    def held(self) -> list[Any]:
        """Every row of every table and every execution, asked over the wire."""
        rows = [self._target.client("dynamodb").scan(TableName=name)["Items"] for name in CONFIG.tables]
        machine = self._target.arn("states", f"stateMachine:{CONFIG.state_machine['name']}")
        executions = self._target.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
        return [*rows, executions]


def complaint(ran: Ran) -> str:
    """The one line a failed command says."""
    assert ran.status == 1
    assert ran.out == ""
    assert ran.error.startswith("error: ")
    assert ran.error.count("\n") == 1
    return ran.error


def on_a_terminal(command, environment):
    """The lines a command prints on a terminal of 80 columns, without its colours."""
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    named = {**environment, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, cwd=ROOT, env=named, stdin=terminal, stdout=terminal, stderr=terminal):
        os.close(terminal)
        told = b""
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
            while part := os.read(screen, 65_536):
                told += part
    os.close(screen)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told.decode())
    return [line.split("\r")[-1] for line in plain.replace("\r\n", "\n").split("\n")]
