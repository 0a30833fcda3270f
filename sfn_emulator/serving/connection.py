"""HTTP/1.1 as this server speaks it: bytes → whole requests → whole replies, one after the other on each connection.

httptools parses the requests. A reply is written in one piece, except one that is made while it is sent: that goes out
in chunks. Nothing is sent faster than its client reads: of requests that came together, the next is answered when there
is room for it. Time is bounded: a request's headers must come within ``PATIENCE`` seconds of its first byte (or of
connecting), then some part of its body every ``PATIENCE`` seconds. Between requests a connection may be idle for
``IDLE`` seconds. Little may come that is neither header nor body (trailers, extensions of chunks), and none of it is
looked at.

A request goes on when its client goes away, unless ``while_connected`` says otherwise.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from email.utils import formatdate
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple, cast

import httptools

from sfn_emulator.cloud.requests.message import Headers, Reply, Request, json_error

_log: Final = logging.getLogger(__name__)

PATIENCE: Final = 20.0
IDLE: Final = 75.0
MOST_HEADER_BYTES: Final = 64 * 1024

STOPPING: Final = json_error(503, "ServiceUnavailable", "The server is stopping.")
_TOO_SLOW: Final = json_error(408, "RequestTimeout", f"No part of the body came for {PATIENCE:g} seconds.")
_MALFORMED: Final = json_error(400, "MalformedRequest", "This is not HTTP/1.1.")
_NO_HOST: Final = json_error(400, "MalformedRequest", "A request has one Host: a name or an address, and a port.")
_HOST: Final = re.compile(r"([\w.-]*|\[[0-9A-Fa-f:.]+(%[\w.~-]+)?\])(:\d*)?", re.ASCII)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_METHOD: Final = json_error(405, "MethodNotAllowed", f"Methods here are {', '.join(sorted(_METHODS))}.")
_HEADERS_TOO_LONG: Final = json_error(431, "RequestHeaderTooLong", f"Headers may have {MOST_HEADER_BYTES} bytes.")
_OUR_HEADERS: Final = frozenset({"connection", "content-length", "date", "transfer-encoding"})
_MOST_ASIDE: Final = 2 * MOST_HEADER_BYTES
"""Bytes that may come without any of a body among them, headers included."""
_NEVER: Final = float("inf")
_AROUND_A_HEADER: Final = len(b": \r\n")
_WORTH_A_COPY: Final = 65_536
_WORTH_A_THREAD: Final = 8 * 1024 * 1024
"""Bytes of a body from which on a thread joins its parts, not the loop: a hundred megabytes take some 50 ms."""
_NOTHING: Final = Request("GET", "/")


class App(NamedTuple):
    """The application that answers. ``refuse`` is asked before the body is read, and may refuse the request at once.
    ``respond_at_once`` is asked before ``respond``, and returns ``None`` for a request that has to wait.
    """

    respond: Callable[[Request], Awaitable[Reply]]
    respond_at_once: Callable[[Request], Reply | None]
    refuse: Callable[[Request], Reply | None]
    while_connected: Callable[[Request], bool]
    body_limit: int


class Connection(asyncio.Protocol):
    """One client. ``open_ones`` are all open connections, which are told when the server stops."""

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop, open_ones: "set[Connection]") -> None:
        self._app = app
        self._loop = loop
        self._open_ones = open_ones
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._waiting: deque[tuple[Request, list[bytes], bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._asked: Request | None = None
        self._keep = True
        self._deaf = False
        self._at_once = True
        self._deadline = _NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._aside = 0
        self._begin()

    def _begin(self) -> None:
        self._midway = False
        self._url = b""
        self._headers: Headers = {}
        self._header_bytes = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._in_body = False
        self._request = _NOTHING

    # -- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._open_ones.add(self)
        self._deadline = self._loop.time() + PATIENCE
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_ones.discard(self)
        self._waiting.clear()
        self._room.set()
        del self._parser  # the parser and the connection refer to each other
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None and self._asked is not None and self._app.while_connected(self._asked):
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        size, self._aside = self._size if self._midway else 0, self._aside + len(data)
        self._at_once = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._keep = False  # no upgrade from HTTP/1.1: this request is answered, and no other is read
        except httptools.HttpParserError:
            self._reject(_MALFORMED)
        if self._midway and not self._deaf:
            if self._size > size:
                self._aside = 0
                self._deadline = self._loop.time() + PATIENCE
            elif self._in_body and self._aside > _MOST_ASIDE:
                self._reject(_HEADERS_TOO_LONG)
            elif not self._in_body:  # the parser reports a header only when it is whole
                self._count(len(data))

    def pause_writing(self) -> None:
        self._room.clear()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._room.set()
        if not self._waiting:
            self._transport.resume_reading()

    # -- the parser's side

    def on_message_begin(self) -> None:
        self._begin()
        self._midway = True
        self._deadline = self._loop.time() + PATIENCE

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + _AROUND_A_HEADER)
        if self._in_body:
            return  # a trailer: who asks was looked at before it came
        key, text = _lower(name), value.decode("latin-1")
        headers = self._headers
        headers[key] = f"{headers[key]},{text}" if key in headers else text

    def on_headers_complete(self) -> None:
        self._in_body = True
        self._request = self._announced()
        headers = self._headers
        if not _HOST.fullmatch(headers.get("host", "").strip()):
            self._reject(_NO_HOST)
        elif self._request.method not in _METHODS:
            self._reject(_NO_METHOD)
        elif int(headers.get("content-length") or 0) > self._app.body_limit:
            self._reject(_too_large(self._app.body_limit))
        elif (refusal := self._app.refuse(self._request)) is not None:
            self._reject(refusal)
        elif headers.get("expect", "").lower() == "100-continue" and not self._deaf:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > self._app.body_limit:
            self._reject(_too_large(self._app.body_limit))
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        self._midway, self._aside = False, 0
        if self._deaf or self._transport.is_closing():
            return
        self._deadline = _NEVER
        request, keep = self._request, self._keep and self._parser.should_keep_alive()
        if self._size < _WORTH_A_THREAD:
            request.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts = []
        if self._task is None:
            self._answer(request, self._parts, keep)
        else:  # pipelined: it waits for its turn, and no more is read
            self._waiting.append((request, self._parts, keep))
            self._transport.pause_reading()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MOST_HEADER_BYTES:
            self._reject(_HEADERS_TOO_LONG)

    def _announced(self) -> Request:
        """The request, without its body."""
        path, _, query = self._url.partition(b"?")
        if not path.startswith(b"/"):
            path, query = _absolute(self._url)
        method = self._parser.get_method().decode("latin-1")
        return Request(method, path.decode("latin-1"), query.decode("latin-1"), self._headers)

    # -- answers

    def _answer(self, request: Request, parts: list[bytes], keep: bool) -> None:
        """Answers a request. ``parts`` are those of a large body, which are joined here. Of the requests that came in
        one piece, one may be answered at once; then other connections have their turn.
        """
        if self._at_once and not parts:
            self._at_once = False
            reply = self._app.respond_at_once(request)
            if reply is not None:
                self._send(reply, request.method, keep and self._keep)
                self._deadline = self._loop.time() + IDLE
                return
        self._asked = request
        self._task = self._loop.create_task(self._respond(request, parts, keep))

    async def _respond(self, request: Request, parts: list[bytes], keep: bool) -> None:
        try:
            if parts:
                request.body = await self._loop.run_in_executor(None, b"".join, parts)
            reply = await self._app.respond(request)
        except asyncio.CancelledError:  # the server stops: waiting clients are told, and may ask the next server
            reply = STOPPING
        if reply.stream is not None and not self._transport.is_closing():
            await self._send_stream(reply, reply.stream, request.method, keep and self._keep)
        elif not self._transport.is_closing():
            self._send(reply, request.method, keep and self._keep)
        if self._waiting and not self._transport.is_closing():
            with suppress(asyncio.CancelledError):  # the server stops: those that wait are told next
                await self._drained()
        self._task = self._asked = None
        if self._transport.is_closing():
            return
        while self._waiting and self._task is None and not self._transport.is_closing():
            self._answer(*self._waiting.popleft())
        if self._task is None:
            self._deadline = self._loop.time() + (PATIENCE if self._midway else IDLE)
            self._transport.resume_reading()

    def _send(self, reply: Reply, method: str, keep: bool) -> None:
        head, body = _head(reply, method, keep), reply.body if _has_body(reply.status, method) else b""
        if len(body) < _WORTH_A_COPY:  # in one write: a client woken by the head alone would only wait again
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        if not keep:
            self._transport.close()

    async def _send_stream(self, reply: Reply, stream: AsyncGenerator[bytes, None], method: str, keep: bool) -> None:
        """Sends a streamed body. If it can't be completed it is cut off: without the last chunk no client mistakes it
        for the whole.
        """
        transport = self._transport
        transport.write(_head(reply, method, keep))
        try:
            async with aclosing(stream):
                if _has_body(reply.status, method):
                    async for part in stream:
                        transport.writelines((b"%x\r\n" % len(part), part, b"\r\n"))
                        await self._drained()
                        if transport.is_closing():
                            return
                    transport.write(b"0\r\n\r\n")
        except (Exception, asyncio.CancelledError) as error:
            _log.warning("%s could not be sent to its end: %r", self._asked and self._asked.path, error)
            transport.abort()
            return
        if not keep:
            transport.close()

    async def _drained(self) -> None:
        """Waits until the client has read enough; a client that reads nothing for ``PATIENCE`` seconds is given up."""
        self._deadline = self._loop.time() + PATIENCE
        await self._room.wait()
        self._deadline = _NEVER

    def _reject(self, reply: Reply) -> None:
        """Answers a request that was not read to its end, and reads no more. The client may go on sending for a while,
        because closing a connection with unread data would destroy the answer.
        """
        if self._deaf or self._transport.is_closing():
            return
        self._deaf, self._keep = True, False
        self._deadline = self._loop.time() + PATIENCE
        if self._task is None:
            self._transport.write(_head(reply, "", keep=False) + reply.body)
            self._transport.write_eof()

    # -- patience, and the end

    def _look_later(self) -> None:
        at = min(self._deadline, self._loop.time() + PATIENCE)
        self._timer = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        if self._loop.time() < self._deadline:
            self._look_later()
        elif self._transport.get_write_buffer_size():
            self._transport.abort()  # the client does not read its answer
        elif self._midway and self._in_body and not self._deaf and self._task is None:
            self._transport.write(_head(_TOO_SLOW, "", keep=False) + _TOO_SLOW.body)
            self._transport.close()
        else:
            self._transport.close()

    def stop(self) -> None:
        """Closes as soon as no request is waiting for an answer; one that waits for news gets none."""
        self._keep = False
        if self._task is None:
            self._transport.close()
        elif self._asked is not None and self._app.while_connected(self._asked):
            self._task.cancel()

    def give_up(self) -> None:
        """Closes now. Clients that wait are told that there will be no answer."""
        if self._task is not None:
            self._task.cancel()
        else:
            self._transport.abort()


async def say_goodbye(connections: set[Connection], grace: float) -> None:
    """Lets requests under way end within ``grace`` seconds, and gives up the rest."""
    for connection in list(connections):
        connection.stop()
    until = asyncio.get_running_loop().time() + grace
    while connections and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.02)
    for _ in range(10):
        for connection in list(connections):
            connection.give_up()
        await asyncio.sleep(0.02)


def _absolute(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request to a proxy; the root for a text that is no URL."""
    try:
        parsed = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        return b"/", b""
    return parsed.path or b"/", parsed.query or b""


def _too_large(limit: int) -> Reply:
    return json_error(413, "RequestEntityTooLarge", f"A request may have {limit} bytes.")


def _has_body(status: int, method: str) -> bool:
    return method != "HEAD" and status >= 200 and status not in (204, 304)


def _head(reply: Reply, method: str, keep: bool) -> bytes:
    lines = [_status_line(reply.status), f"date: {_date(int(asyncio.get_running_loop().time()))}"]
    ours = _OUR_HEADERS if _has_body(reply.status, method) else _OUR_HEADERS - {"content-length"}
    lines += [f"{name}: {value}" for name, value in reply.headers if name.lower() not in ours]
    if "content-length" in ours:
        lines.append(f"content-length: {len(reply.body)}" if reply.stream is None else "transfer-encoding: chunked")
    if not keep:
        lines.append("connection: close")
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1:  # a function's answer may hold anything
        text = "\r\n".join(" ".join(line.split()) for line in lines)
    return f"{text}\r\n\r\n".encode("latin-1", "replace")


@lru_cache(maxsize=512)
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


@cache
def _status_line(status: int) -> str:
    known = {one.value for one in HTTPStatus}
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase if status in known else 'Unknown'}"


_dates: dict[int, str] = {}


def _date(second: int) -> str:
    """The present date, made once a second."""
    if second not in _dates:
        _dates.clear()
        _dates[second] = formatdate(usegmt=True)
    return _dates[second]
