"""Warm child processes for Lambda functions: a few per function, killed at time-out, idle ones let go.

All of it is blocking and safe to call from any thread. The children are forked by one zygote
(``lambda_worker``), which is started at the first need and holds the only copy of boto3 that is ever imported.
"""

import contextlib
import importlib.util
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from sfn_emulator.cloud.lambdas import worker as lambda_worker

PER_FUNCTION: Final = 16
"""Workers one function may have; further invocations wait for one."""
IN_ALL: Final = 128
IDLE_SECONDS: Final = 300.0
INIT_SECONDS: Final = 10.0
"""AWS gives a function's initialisation ten seconds."""
LOG_LIMIT: Final = 1 << 20
"""Bytes of output kept of one invocation."""


NESTED_SECONDS: Final = 0.5
"""How long a function that calls one waits for a worker of it."""


ANSWER_SECONDS: Final = 60.0
"""Seconds that the zygote may take to answer. It takes milliseconds, and at its start as long as boto3's import."""
GOODBYE: Final = 2.0
"""Seconds that the zygote may take to end by itself."""


class BusyError(Exception):
    """All workers of a function are busy, perhaps because of the caller itself."""


class Outcome(NamedTuple):
    """The outcome of an invocation: ``ended`` is ``answered``, ``timed out`` or ``exited`` (with ``status``).
    ``departed`` means that the worker ended before it took the invocation, so another worker may take it.
    """

    ended: str
    header: Mapping[str, Any]
    payload: bytes
    log: bytes
    status: int = 0


class Zygote:
    """The child that forks workers; started when first needed, and again if it was killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._models: set[str] = set()
        self._closed = False

    def learn(self, services: Any) -> None:
        """A worker reports that it made clients of these services. Later workers are born with these services' models
        read. Does not block.
        """
        told = services if isinstance(services, list) else []
        fresh = [name for name in told if isinstance(name, str) and name not in self._models]
        if fresh:
            self._models.update(fresh)
            threading.Thread(target=self._learn, args=(fresh,), name="lambda-models", daemon=True).start()

    def _learn(self, services: Sequence[str]) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._control is not None:
                self._ask({"models": services}, [])

    def start(self) -> None:
        """Starts it if it isn't running; blocks until boto3 is imported."""
        with self._lock:
            self._running()

    def spawn(self, spec: Mapping[str, Any], made: "Callable[..., Worker] | None" = None) -> "Worker":
        """A new worker. ``made`` makes the object that stands for it in this process, if that is not a plain
        ``Worker``.
        """
        ours, theirs = socket.socketpair()
        log_ours, log_theirs = os.pipe()
        try:
            with self._lock:
                told = self._ask(dict(spec), [theirs.fileno(), log_theirs])
            if "error" in told:
                raise OSError(f"no further process can be started: {told['error']}; see ulimit -u")
        except BaseException:
            ours.close()
            os.close(log_ours)
            raise
        finally:
            theirs.close()
            os.close(log_theirs)
        return (made or Worker)(self, told["pid"], ours, log_ours)

    def reap(self, pid: int) -> int:
        """How a dead or dying worker ended: its exit status, or minus the signal that killed it."""
        with self._lock:
            if not self._is_there:
                return -signal.SIGKILL  # the zygote ended with it; a new zygote would not know this worker
            try:
                return int(self._ask({"reap": pid}, [])["status"])
            except OSError:
                return -signal.SIGKILL

    def close(self) -> None:
        """Ends it. Who waits for its answer gets none."""
        self._closed = True
        process = self._process
        if not self._lock.acquire(timeout=GOODBYE) and process is not None:
            process.kill()
            self._lock.acquire()
        try:
            if self._control is not None:
                self._control.close()
                self._control = None
            if self._process is not None:
                try:
                    self._process.wait(GOODBYE)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
                self._process = None
        finally:
            self._lock.release()

    def _ask(self, order: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        control = self._running()
        text = json.dumps(order).encode()
        lengths = struct.pack(">II", len(text), 0)
        if descriptors:
            socket.send_fds(control, [lengths], descriptors)
        else:
            control.sendall(lengths)
        control.sendall(text)
        return self._answer(control)

    def _answer(self, control: socket.socket) -> dict[str, Any]:
        """What the zygote tells. One that stands still is ended, with its workers: nobody would ever get an answer."""
        try:
            told = lambda_worker.receive(control)
        except TimeoutError:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            told = None
        if told is None:
            raise OSError("The process that starts Lambda workers ended, or did not answer.")
        return told[0]

    @property
    def _is_there(self) -> bool:
        return self._control is not None and self._process is not None and self._process.poll() is None

    def _running(self) -> socket.socket:
        if self._is_there and self._control is not None:
            return self._control
        if self._closed:
            raise OSError("The server is stopping.")
        if self._control is not None:
            self._control.close()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", lambda_worker.__file__, str(theirs.fileno()), _home_of_boto3()],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
                umask=0o022,
            )
        ours.settimeout(ANSWER_SECONDS)
        self._control = ours
        self._models.clear()
        self._answer(ours)
        return ours


def _home_of_boto3() -> str:
    found = importlib.util.find_spec("boto3")
    return str(Path(found.origin).parent.parent) if found and found.origin else ""


class Worker:
    """One child process with one function's code loaded, or about to be."""

    def __init__(self, zygote: Zygote, pid: int, sock: socket.socket, log: int) -> None:
        self.pid = pid
        self.idle_since = time.monotonic()
        self.requests = 0
        self.stream = ""
        self._zygote, self._sock, self._log = zygote, sock, log
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._poll.register(log, select.POLLIN)
        self._life = _life(pid)
        if self._life is not None:
            self._poll.register(self._life, select.POLLIN)
        self._dead = False
        os.set_blocking(log, False)

    def initialise(self, seconds: float) -> Outcome:
        """Waits until the function is loaded. The outcome's log holds what it printed meanwhile."""
        return self._await(seconds)

    def invoke(self, header: Mapping[str, Any], payload: bytes, seconds: float) -> Outcome:
        if any(descriptor != self._log for descriptor, _ in self._poll.poll(0)):  # it ended, or tells what nobody asked
            self.kill()
            return Outcome("departed", {}, b"", b"")
        try:
            lambda_worker.send(self._sock, dict(header), payload)
        except OSError:
            return self._ended(bytearray())
        return self._await(seconds, header["id"])

    def kill(self) -> None:
        """Kills it with everything it started. Idempotent."""
        if not self._dead:
            self._dead = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._zygote.reap(self.pid)
            self._release()

    def _await(self, seconds: float, request_id: str | None = None) -> Outcome:
        deadline = time.monotonic() + seconds
        frame, log = bytearray(), bytearray()
        while True:
            left = deadline - time.monotonic()
            ready = self._poll.poll(max(0.0, left * 1000)) if left > 0 else []
            if not ready:
                self._drain(log)
                self.kill()
                return Outcome("timed out", {}, b"", bytes(log))
            awake = {descriptor for descriptor, _ in ready}
            if self._log in awake:
                self._drain(log)
            if self._sock.fileno() in awake:
                part = self._part()
                if not part:
                    return self._ended(log)
                frame += part
                try:
                    told = _complete(frame)
                except (ValueError, RecursionError):  # the function wrote to a socket that is not its own
                    self.kill()
                    return Outcome("exited", {}, b"", bytes(log), -signal.SIGKILL)
                if told is not None:
                    self._drain(log)
                    return self._told_to(request_id, *told, bytes(log))
            elif self._life in awake:  # what it left running holds the socket open
                return self._ended(log)

    def _told_to(self, request_id: str | None, header: dict[str, Any], payload: bytes, log: bytes) -> Outcome:
        """What a worker told. An answer to an earlier request, the second of its kind, ends the worker, and another
        takes this request.
        """
        if request_id is not None and header.get("id") != request_id:
            self.kill()
            return Outcome("departed", {}, b"", log)
        return Outcome("answered", header, payload, log)

    def _part(self) -> bytes:
        try:
            return self._sock.recv(1 << 18)
        except ConnectionError:
            return b""

    def _drain(self, log: bytearray) -> None:
        while True:
            try:
                part = os.read(self._log, 1 << 16)
            except (BlockingIOError, OSError):
                return
            if not part:
                with contextlib.suppress(KeyError):
                    self._poll.unregister(self._log)
                return
            if len(log) < LOG_LIMIT:
                log += part

    def _ended(self, log: bytearray) -> Outcome:
        self._dead = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)  # it closed its socket; if it still lives, it is ended
        status = self._zygote.reap(self.pid)
        self._drain(log)
        self._release()
        return Outcome("exited", {}, b"", bytes(log), status)

    def _release(self) -> None:
        self._sock.close()
        os.close(self._log)
        if self._life is not None:
            os.close(self._life)


def _life(pid: int) -> int | None:
    """A descriptor that can be read when the process has ended; ``None`` where the system has none."""
    if sys.platform != "linux":
        return None
    with contextlib.suppress(OSError):
        return os.pidfd_open(pid)
    return None


def _complete(frame: bytearray) -> tuple[dict[str, Any], bytes] | None:
    if len(frame) < 8:
        return None
    header, payload = struct.unpack(">II", frame[:8])
    if max(header, payload) > lambda_worker.FRAME_LIMIT or len(frame) > 8 + header + payload:
        raise ValueError("This is no frame.")
    if len(frame) < 8 + header + payload:
        return None
    told = json.loads(frame[8 : 8 + header])
    if not isinstance(told, dict):
        raise ValueError("This is no header.")
    return told, bytes(frame[8 + header :])


class Pool:
    """The workers of one deployed function. ``take`` blocks while all are busy."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = threading.Condition()
        self._idle: list[Worker] = []
        self._count = 0
        self._retired = False

    def take(self, *, nested: bool = False) -> Worker | None:
        """A warm worker; ``None`` when the caller must make one (a place is kept for it). A ``nested`` call is a
        function's own, which may hold what it would wait for: it does not wait long. Raises ``BusyError``."""
        with self._free:
            there_is_one = self._free.wait_for(
                lambda: self._idle or self._count < self._limit, NESTED_SECONDS if nested else None
            )
            if not there_is_one:
                raise BusyError
            if self._idle:
                return self._idle.pop()
            self._count += 1
            return None

    def give_back(self, worker: Worker | None) -> None:
        """Gives back a worker fit for another invocation, or the place of one that is gone."""
        with self._free:
            if worker is not None and not self._retired:
                worker.idle_since = time.monotonic()
                self._idle.append(worker)
                worker = None
            else:
                self._count -= 1
            self._free.notify()
        if worker is not None:
            worker.kill()

    def shed(self, idle_before: float) -> int:
        """Lets go of workers idle since before that moment; how many are left."""
        with self._free:
            gone = [worker for worker in self._idle if worker.idle_since < idle_before]
            self._idle = [worker for worker in self._idle if worker.idle_since >= idle_before]
            self._count -= len(gone)
            left = self._count
            self._free.notify_all()
        for worker in gone:
            worker.kill()
        return left

    def retire(self) -> None:
        """The function was changed: idle workers go now, busy ones when they are done."""
        self._retired = True
        self.shed(float("inf"))
