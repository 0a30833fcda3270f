"""An invocation of a warm worker on the loop: no thread waits for its answer.

What the worker sends and prints is read as it comes, a piece at a time, so a large answer holds nobody up. An
invocation that is not answered ends with a killed process, which takes a while: that is left to a thread.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from sfn_emulator.cloud.lambdas import worker as lambda_worker
from sfn_emulator.cloud.lambdas.zygote import LostError, Outcome, Worker

_SOON: Final = 0.02
"""Seconds after which output is read before the answer comes. A function that fills the pipe waits until then."""


class Conversation:
    """Begins when it is made, on the loop. ``told`` gets the outcome, on the loop. Until then nobody else may use the
    worker; if it did not answer, it is gone.
    """

    def __init__(
        self, worker: Worker, header: Mapping[str, Any], payload: bytes, seconds: float, told: Callable[[Outcome], None]
    ) -> None:
        self._worker, self._id, self._told = worker, header["id"], told
        self._loop = asyncio.get_running_loop()
        self._unsent = memoryview(lambda_worker.framed(dict(header), payload))
        self._frame, self._log = bytearray(), bytearray()
        self._read: list[socket.socket | int] = []
        self._timer = self._loop.call_later(_SOON, self._wait, seconds - _SOON)
        self._listen_to(worker.sock, self._hear)
        if self._send() and self._unsent:
            self._loop.add_writer(worker.sock, self._send_more)

    def _listen_to(self, descriptor: socket.socket | int, heard: Callable[[], None]) -> None:
        self._read.append(descriptor)
        self._loop.add_reader(descriptor, heard)

    def _send(self) -> bool:
        """Sends as much as the worker takes now. False if it is gone."""
        try:
            sent = self._worker.sock.send(self._unsent, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            self._give_up(self._worker.ended)
            return False
        self._unsent = self._unsent[sent:]
        return True

    def _send_more(self) -> None:
        if self._send() and not self._unsent:
            self._loop.remove_writer(self._worker.sock)

    def _wait(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._give_up, self._worker.late)
        self._listen_to(self._worker.log, self._listen)
        if self._worker.life is not None:
            self._listen_to(self._worker.life, self._end)

    def _hear(self) -> None:
        try:
            outcome = self._worker.hear(self._frame, self._log, self._id)
        except LostError as lost:
            self._give_up(lost.end)
            return
        if outcome is not None and self._unsent:
            self._give_up(self._worker.misled)
        elif outcome is not None:
            self._leave()
            self._told(outcome)

    def _end(self) -> None:
        """Its process has ended, and what it left running may hold the socket open. What it sent is heard first."""
        if self._worker.is_silent:
            self._give_up(self._worker.ended)

    def _listen(self) -> None:
        if not self._worker.drain(self._log):
            self._loop.remove_reader(self._worker.log)

    def _give_up(self, end: Callable[[bytearray], Outcome]) -> None:
        self._leave()
        ended = self._loop.run_in_executor(None, partial(end, self._log))
        ended.add_done_callback(lambda outcome: self._told(outcome.result()))

    def _leave(self) -> None:
        self._timer.cancel()
        for descriptor in self._read:
            self._loop.remove_reader(descriptor)
        if self._unsent:
            self._loop.remove_writer(self._worker.sock)
            self._unsent = memoryview(b"")
