"""Processes forked from one that has imported what a server and the saga's command line import.

Each is a process of its own: with its own pipes, working directory and environment, killed and waited for as any other.
Only importing is saved, and reading descriptions of services, which together are most of what a server of a test costs.
``python -m tests.warm`` is the process that forks; it ends with the tests it was started by.
"""

import ctypes
import gc
import importlib
import inspect
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests import models

ROOT: Final = Path(__file__).parent.parent
ACCOUNT: Final = "123456789012"
_SERVICES: Final = (
    *("apigateway", "awslambda", "cloudformation", "dynamodb", "events", "iam", "kms", "logs", "s3", "scheduler"),
    *("secretsmanager", "sns", "sqs", "sts"),
)
_NAMES: Final = {"awslambda": "lambda"}
"""What AWS calls a service, where moto's name for it is another."""
_MODULES: Final = (
    "sfn_emulator.command.serve",
    "sfn_emulator.serving.hosting",
    "sfn_emulator.serving.server",
    "deploy.apply",
    "moto.iam.access_control",
    "terminal.loop",
    "terminal.orders",
    "terminal.saga_run",
)
_LONGEST_REQUEST: Final = 1 << 17
_SUBREAPER: Final = 36  # PR_SET_CHILD_SUBREAPER (prctl)


class Forked(subprocess.Popen[str]):
    """``Popen`` of ``[python, "-m", MODULE, ...]`` or ``[python, FILE, ...]``, without a new interpreter."""

    def _execute_child(self, *given: Any, **named: Any) -> None:
        told = inspect.signature(super()._execute_child).bind(*given, **named).arguments
        asked = {"command": told["args"][1:], "cwd": str(told["cwd"]), "environment": dict(told["env"])}
        try:
            self.pid = _parent().fork(asked, [told[name] for name in ("p2cread", "c2pwrite", "errwrite")])
            self._child_created = True
        finally:
            self._close_pipe_fds(*(told[name] for name in _PIPES))


_PIPES: Final = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


def can_be_forked(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Not where an environment tells something to a loader or an interpreter that starts, or moto another account."""
    told = {"LD_PRELOAD", "PYTHONWARNINGS", "SFN_EMULATOR_ACCOUNT"}
    return sys.platform == "linux" and not told & environment.keys() and "--account" not in arguments


# -- on the side of the tests


class _Parent:
    """The process that forks."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", str(theirs.fileno())],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def fork(self, asked: dict[str, Any], streams: Sequence[int]) -> int:
        """The id of a process that is a child of this one, as one it had started itself.

        ``streams`` are the descriptors of its standard input, output and error; -1 is none.
        """
        with _adopting(), Path(os.devnull).open() as nothing:
            given = [nothing.fileno() if stream == -1 else stream for stream in streams]
            socket.send_fds(self._socket, [json.dumps(asked).encode()], given)
            answer = self._socket.recv(_LONGEST_REQUEST)
        if not answer:
            raise OSError("the process that forks has ended")
        return int(answer)


_parents: dict[int, _Parent] = {}


def _parent() -> _Parent:
    if os.getpid() not in _parents:
        _parents[os.getpid()] = _Parent()
    return _parents[os.getpid()]


@contextmanager
def _adopting() -> Iterator[None]:
    """Descendants whose parents end become children of this process."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_SUBREAPER, 0, 0, 0, 0)


# -- on the side of the process that forks


def _prepare() -> None:
    for name in _MODULES:
        importlib.import_module(name)
    neighbours = importlib.import_module("sfn_emulator.cloud.neighbours")
    rooms = importlib.import_module("sfn_emulator.cloud.rooms")
    os.environ.update(neighbours._STANDING_SETTINGS, MOTO_ACCOUNT_ID=ACCOUNT)  # moto reads them when it is imported
    neighbours.do_without_validator()
    models.read_once()
    for room in _SERVICES:
        rooms.handler_of(room, "/")
        models.read(_NAMES.get(room, room))
    gc.freeze()


def _serve(control: socket.socket) -> dict[str, Any] | None:
    """Forks as it is asked to. In the process that was forked, what was asked for it; ``None`` when nobody asks."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, _LONGEST_REQUEST, 3)
        if not text:
            return None
        reading, writing = os.pipe()
        between = os.fork()
        if between == 0:
            child = os.fork()
            if child == 0:
                os.close(reading)
                os.close(writing)
                control.close()
                return _become(json.loads(text), *descriptors)
            os.write(writing, str(child).encode())
            os._exit(0)
        os.waitpid(between, 0)
        control.send(os.read(reading, 32))
        for descriptor in (reading, writing, *descriptors):
            os.close(descriptor)


def _become(asked: dict[str, Any], *streams: int) -> dict[str, Any]:
    for standard, descriptor in enumerate(streams):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests that run under nohup ignore it
    return asked


def _run(command: list[str], cwd: str) -> None:
    if command[0] == "-m":
        sys.argv, sys.path[0] = command[1:], cwd
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = command, str(Path(command[0]).parent)
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    _prepare()
    with socket.socket(fileno=int(sys.argv[1])) as _control:
        _asked = _serve(_control)
    if _asked is not None:
        _run(_asked["command"], _asked["cwd"])
