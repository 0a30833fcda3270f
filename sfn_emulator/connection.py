"""One client's connection: HTTP/1.1 by uvicorn, with an end to patience, and an answer in one piece.

A request's headers are to be there ``PATIENCE`` seconds after its first byte, or after connecting, and then some part
of its body every ``PATIENCE`` seconds. Who is slower is let go; nobody is held up meanwhile.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

PATIENCE: Final = 20.0
_TOLD: Final = b'{"__type": "RequestTimeout", "message": "No part of the body came for %d seconds."}' % PATIENCE
_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"x-amzn-errortype: RequestTimeout\r\ncontent-length: %d\r\n\r\n%s" % (len(_TOLD), _TOLD)
)
_INTERIM: Final = b"HTTP/1.1 1"
_WORTH_A_COPY: Final = 65_536


class Connection(HttpToolsProtocol):
    """uvicorn makes one per connection."""

    _deadline: asyncio.TimerHandle | None = None
    _midway = False
    _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self._in_body:
            self._relax()
        super().data_received(data)
        if self._midway:
            self._wait()
        else:
            self._relax()

    def on_message_begin(self) -> None:
        self._midway, self._in_body = True, False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_body = True
        if self.scope["method"] != "HEAD":
            together: Any = _Together(self.transport, self.loop.call_soon)
            self.cycle.transport = together

    def on_message_complete(self) -> None:
        self._midway = self._in_body = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(PATIENCE, self._let_go)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _let_go(self) -> None:
        self._deadline = None
        if self.pipeline:  # it is not read from until the request before has its answer
            self._wait()
            return
        if self._in_body and not self.cycle.response_started:
            self.transport.write(_TOO_SLOW)
        self.transport.close()


class _Together:
    """The transport as one answer sees it: head and first part of the body go out in one piece.

    A client that is woken by the head alone would only wait again.
    """

    __slots__ = ("_call_soon", "_held", "_started", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._transport = transport
        self._call_soon = call_soon
        self._held = b""
        self._started = False
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if self._held and len(data) < _WORTH_A_COPY:
            held, self._held = self._held, b""
            self._transport.write(held + data)
        elif self._started or data.startswith(_INTERIM):
            self.flush()
            self._transport.write(data)
        else:
            self._held, self._started = data, True
            self._call_soon(self.flush)

    def flush(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)

    def close(self) -> None:
        self.flush()
        self._transport.close()
