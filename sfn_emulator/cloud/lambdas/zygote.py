"""Child processes for Lambda functions: the zygote that forks them, and its workers as the server sees them.

The zygote (``lambda_worker``) is started at the first need and holds the only copy of boto3 that is ever imported.
What waits is said; everything is safe to call from any thread.
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

LOG_LIMIT: Final = 1 << 20
"""Bytes of output kept of one invocation."""
HEADER_LIMIT: Final = 1 << 16
"""Bytes that the header of an answer may have. The worker itself sends some hundred."""
_PIECE: Final = 1 << 18
"""Bytes that are read at once, of an answer or of output."""
_PIECES: Final = 8
"""Pieces of output that are read before something else is looked at."""
ANSWER_SECONDS: Final = 60.0
"""Seconds that the zygote may take to answer. It takes milliseconds, and at its start as long as boto3's import."""
GOODBYE: Final = 2.0
"""Seconds that the zygote may take to end by itself."""


class Outcome(NamedTuple):
    """The outcome of an invocation: ``ended`` is ``answered``, ``timed out`` or ``exited`` (with ``status``).
    ``departed`` means that the worker ended before it took the invocation, so another worker may take it.
    """

    ended: str
    header: Mapping[str, Any]
    payload: bytes
    log: bytes
    status: int = 0


class LostError(Exception):
    """A worker gives no answer. ``end`` ends it, which waits for the zygote, and makes the outcome of its log."""

    def __init__(self, end: Callable[[bytearray], Outcome]) -> None:
        self.end = end
        super().__init__()


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
        self.sock, self.log, self.life = sock, log, _life(pid)
        """Descriptors: of the stream of frames, of its output, and one that can be read when it has ended."""
        self.idle_since = time.monotonic()
        self.stream = ""
        self._zygote = zygote
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._poll.register(log, select.POLLIN)
        if self.life is not None:
            self._poll.register(self.life, select.POLLIN)
        self._dead = False
        os.set_blocking(log, False)

    def initialise(self, seconds: float) -> Outcome:
        """Waits until the function is loaded. The outcome's log holds what it printed meanwhile."""
        return self._await(seconds)

    def invoke(self, header: Mapping[str, Any], payload: bytes, seconds: float) -> Outcome:
        if not self.is_sound:
            return self.departed(bytearray())
        try:
            lambda_worker.send(self.sock, dict(header), payload)
        except OSError:
            return self.ended(bytearray())
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

    # -- an answer, piece by piece: none of it waits

    @property
    def is_sound(self) -> bool:
        """Whether an idle worker is alive, and tells nothing that nobody asked."""
        return all(descriptor == self.log for descriptor, _ in self._poll.poll(0))

    @property
    def is_silent(self) -> bool:
        """Whether nothing that it sent is left to be read."""
        return all(descriptor != self.sock.fileno() for descriptor, _ in self._poll.poll(0))

    def hear(self, frame: bytearray, log: bytearray, request_id: str | None) -> Outcome | None:
        """Reads one piece of the answer and adds it to ``frame``; the outcome when the answer is whole. Raises
        ``LostError``.
        """
        try:
            part = self._part(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        if not part:
            raise LostError(self.ended)
        frame += part
        try:
            told = _complete(frame)
        except (ValueError, RecursionError):
            raise LostError(self.misled) from None
        if told is None:
            return None
        if request_id is not None and told[0].get("id") != request_id:
            raise LostError(self.departed)
        self.drain(log)
        return Outcome("answered", *told, bytes(log))

    def drain(self, log: bytearray) -> bool:
        """Adds what it has printed to ``log``; false when it can print no more."""
        for _ in range(_PIECES):
            try:
                part = os.read(self.log, _PIECE)
            except OSError:
                return True
            if not part:
                return False
            if len(log) < LOG_LIMIT:
                log += part
        return True

    # -- the end of an invocation that was not answered: these wait for the zygote

    def late(self, log: bytearray) -> Outcome:
        """Its time was over."""
        self.drain(log)
        self.kill()
        return Outcome("timed out", {}, b"", bytes(log))

    def departed(self, log: bytearray) -> Outcome:
        """It answered an earlier request, for the second time. Another worker takes this request."""
        self.kill()
        return Outcome("departed", {}, b"", bytes(log))

    def misled(self, log: bytearray) -> Outcome:
        """The function wrote to a socket that is not its own."""
        self.drain(log)
        self.kill()
        return Outcome("exited", {}, b"", bytes(log), -signal.SIGKILL)

    def ended(self, log: bytearray) -> Outcome:
        """It closed its socket. If it still lives, it is ended."""
        self._dead = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        status = self._zygote.reap(self.pid)
        self.drain(log)
        self._release()
        return Outcome("exited", {}, b"", bytes(log), status)

    def _await(self, seconds: float, request_id: str | None = None) -> Outcome:
        deadline = time.monotonic() + seconds
        frame, log = bytearray(), bytearray()
        while True:
            left = deadline - time.monotonic()
            ready = {descriptor for descriptor, _ in self._poll.poll(left * 1000)} if left > 0 else set()
            if not ready:
                return self.late(log)
            if self.log in ready:
                self._listen(log)
            if self.sock.fileno() in ready:
                try:
                    outcome = self.hear(frame, log, request_id)
                except LostError as lost:
                    return lost.end(log)
                if outcome is not None:
                    return outcome
            elif self.life in ready:  # what it left running holds the socket open
                return self.ended(log)

    def _part(self, flags: int = 0) -> bytes:
        """The next piece of what it sends; empty at the end."""
        try:
            return self.sock.recv(_PIECE, flags)
        except ConnectionError:
            return b""

    def _listen(self, log: bytearray) -> None:
        if not self.drain(log):
            with contextlib.suppress(KeyError):
                self._poll.unregister(self.log)

    def _release(self) -> None:
        self.sock.close()
        os.close(self.log)
        if self.life is not None:
            os.close(self.life)


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
    if header > HEADER_LIMIT or payload > lambda_worker.PAYLOAD_LIMIT or len(frame) > 8 + header + payload:
        raise ValueError("This is no frame.")
    if len(frame) < 8 + header + payload:
        return None
    told = json.loads(frame[8 : 8 + header])
    if not isinstance(told, dict):
        raise ValueError("This is no header.")
    return told, bytes(memoryview(frame)[8 + header :])
