"""A worker that is a program of its own, spoken to by the Runtime API: Node.js, a custom runtime, AWS's own clients.

The zygote forks it like every worker, so it ends with the server, is killed with all it started, and is reaped in one
place; then it becomes the program it is told. Its end of the socket stays open in it, so that its death is seen.
"""

import base64
import binascii
import contextlib
import json
import re
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from sfn_emulator.cloud.lambdas.runtimes.interface import BODY_LIMIT, Call, Interface
from sfn_emulator.cloud.lambdas.zygote import Outcome, Worker, Zygote

_ROOT: Final = "/2018-06-01/runtime"
_NEXT: Final = ("GET", f"{_ROOT}/invocation/next")
_INIT_ERROR: Final = ("POST", f"{_ROOT}/init/error")
_ANSWER: Final = re.compile(rf"^{_ROOT}/invocation/(?P<id>[\w-]+)/(?P<what>response|error)$")
_BROKEN_OFF: Final = "lambda-runtime-function-error-type"
_BROKEN_OFF_BODY: Final = "lambda-runtime-function-error-body"
_NOT_NOW: Final = orjson.dumps(
    {
        "errorMessage": "State transition from Ready to InitError failed for runtime. Error: State transition is not "
        "allowed",
        "errorType": "InvalidStateTransition",
    }
)
_STRANGER: Final = frozenset({"origin", "sec-fetch-site"})
"""Headers that only a browser sends. Pages are refused here."""


class RuntimeWorker(Worker):
    """One process of one function, at the Runtime API."""

    def __init__(self, interface: Interface, zygote: Zygote, pid: int, *descriptors: Any) -> None:
        super().__init__(zygote, pid, *descriptors)
        self._interface = interface
        self._waiting: Call | None = None
        """The worker's GET for the next invocation, when it has asked."""
        self._unheard: deque[Call] = deque()
        """Requests that came with the one that ended the last invocation."""
        self._is_initialised = False
        interface.watch(self._poll)

    def invoke(self, header: Mapping[str, Any], payload: bytes, seconds: float) -> Outcome:
        began = time.monotonic()
        log = b""
        if self._waiting is None:
            ready = self._served("", began + seconds)
            if ready.ended != "answered":
                return ready._replace(ended="departed") if ready.ended == "exited" else ready
            log = ready.log
        asked, self._waiting = self._waiting, None
        assert asked is not None, "it has just asked for an invocation"
        with contextlib.suppress(OSError):  # the error shows below
            asked.reply(200, payload or b"{}", _headers(header, seconds))
        outcome = self._served(header["id"], began + seconds)
        return outcome._replace(log=log + outcome.log)

    def initialise(self, seconds: float) -> Outcome:
        return self._served("", time.monotonic() + seconds)

    def _release(self) -> None:
        self._interface.close()
        super()._release()

    def _served(self, request_id: str, deadline: float) -> Outcome:
        """Serves the worker until it has answered ``request_id``; with none, until it asks for an invocation."""
        log = bytearray()
        while True:
            while self._unheard:
                told = self._heard(self._unheard.popleft(), request_id)
                if told is not None:
                    self.drain(log)
                    return told._replace(log=bytes(log))
            left = deadline - time.monotonic()
            ready = {descriptor for descriptor, _ in self._poll.poll(left * 1000)} if left > 0 else set()
            if not ready:
                return self.late(log)
            if self.log in ready:
                self._listen(log)
            self._unheard.extend(self._interface.calls(ready))
            if self.sock.fileno() in ready and not self._unheard:
                return self._gone(log)
            if self.life in ready and not self._unheard:  # what it left running holds the socket open
                return self.ended(log)

    def _heard(self, call: Call, request_id: str) -> Outcome | None:
        """Like ``_told``. A worker that does not read its answers is killed, and its end is noticed."""
        try:
            return self._told(call, request_id)
        except OSError:
            self.kill()
            return Outcome("exited", {}, b"", b"", -9)

    def _told(self, call: Call, request_id: str) -> Outcome | None:
        """The outcome that a request of the worker's brings; ``None`` if it ends nothing."""
        route = (call.method, call.path)
        answer = _ANSWER.match(call.path)
        if _STRANGER & call.headers.keys():
            call.reply(404)
        elif route == _NEXT:
            self._waiting, self._is_initialised = call, True
            return None if request_id else Outcome("answered", {"ready": True}, b"", b"")
        elif route == _INIT_ERROR and self._is_initialised:
            call.reply(403, _NOT_NOW)
        elif route == _INIT_ERROR:
            call.reply(202)
            return Outcome("answered", {"ready": False, "failed": True}, call.body, b"")
        elif call.method == "POST" and answer and answer["id"] == request_id:
            return self._answered(call, answer["what"])
        else:
            call.reply(400 if answer else 404, b'{"errorMessage":"Invalid request ID or path"}')
        return None

    def _answered(self, call: Call, what: str) -> Outcome:
        broken_off = call.headers.get(_BROKEN_OFF)
        header = {"failed": what == "error" or broken_off is not None, "memory": _peak_megabytes(self.pid)}
        if broken_off is not None and what == "response":
            call = call._replace(body=_reason(broken_off, call.headers.get(_BROKEN_OFF_BODY, "")))
        if call.size <= BODY_LIMIT:
            call.reply(202, b'{"status":"OK"}')
            return Outcome("answered", header, call.body or b"null", b"")
        text = f"Response payload size ({call.size} bytes) exceeded maximum allowed payload size ({BODY_LIMIT} bytes)."
        told = orjson.dumps({"errorMessage": text, "errorType": "Function.ResponseSizeTooLarge"})
        call.reply(413, told)
        return Outcome("answered", {**header, "failed": True}, told, b"")

    def _gone(self, log: bytearray) -> Outcome:
        """The outcome when the worker ended. If it never became the program, a frame says why."""
        frame = bytearray()
        while part := self._part():
            frame += part
        outcome = self.ended(log)
        if not frame:
            return outcome
        text = frame.decode("utf-8", "replace")
        told = orjson.dumps({"errorType": "Runtime.InvalidEntrypoint", "errorMessage": text})
        return Outcome("answered", {"ready": False, "failed": True}, told, outcome.log)


def _reason(kind: str, encoded: str) -> bytes:
    """Why a streamed answer was broken off, as the trailers after it say (Lambda, ``runtimes-custom``)."""
    try:
        return base64.b64decode(encoded, validate=True) or orjson.dumps({"errorType": kind})
    except binascii.Error:
        return orjson.dumps({"errorType": kind})


def _headers(header: Mapping[str, Any], seconds: float) -> dict[str, str]:
    told = {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": header["id"],
        "Lambda-Runtime-Deadline-Ms": str(time.time_ns() // 1_000_000 + int(seconds * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": header["arn"],
        "Lambda-Runtime-Trace-Id": header["trace"],
    }
    if header.get("client_context"):
        told["Lambda-Runtime-Client-Context"] = json.dumps(header["client_context"])
    return told


def _peak_megabytes(pid: int) -> int:
    """The process's greatest memory use in megabytes; 1 if the system does not report it."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text()
        return max(1, int(status.partition("VmHWM:")[2].split()[0]) // 1024)
    return 1
