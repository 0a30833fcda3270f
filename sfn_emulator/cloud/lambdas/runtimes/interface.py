"""The Lambda Runtime API (2018-06-01) of one worker, on a loopback socket of its own.

Blocking and without a thread: the caller that waits for the worker serves its requests meanwhile. Between two
invocations the worker waits in its GET for the next one, and there is nothing to read. Source: Lambda,
``runtimes-api``.
"""

import select
import socket
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import httptools

BODY_LIMIT: Final = 6_291_556
"""Bytes an answer may have (Lambda quotas, 6 MB). More is counted, not kept."""
_HEADERS_LIMIT: Final = 64 * 1024
_A_PAGES: Final = frozenset({"origin", "referer", "sec-fetch-mode", "sec-fetch-site"})
"""Headers that browsers send and runtimes don't. Any page may find the port and could take an invocation away."""
_PATIENCE: Final = 2.0
"""Seconds a worker may take to read what it asked for."""
_REASONS: Final = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    413: "Request Entity Too Large",
}


class Call(NamedTuple):
    """A whole request. ``size`` is the body's length, also where the body was too long to be kept."""

    client: "Client"
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    size: int

    def reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Raises ``OSError`` when the worker is gone."""
        lines = [f"HTTP/1.1 {status} {_REASONS[status]}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.client.send("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body)


class Client:
    """One connection of the worker's."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.settimeout(_PATIENCE)
        self._parser = httptools.HttpRequestParser(self)
        self._calls: list[Call] = []
        self._begin()

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._sock.close()

    def send(self, content: bytes) -> None:
        """Raises ``OSError``, also when the worker does not read."""
        self._sock.sendall(content)

    def read(self) -> list[Call] | None:
        """The requests that are complete now; ``None`` at the connection's end, or if it does not speak HTTP."""
        try:
            part = self._sock.recv(1 << 18)
            if not part:
                return None
            self._parser.feed_data(part)
        except (OSError, httptools.HttpParserError):
            return None
        calls, self._calls = self._calls, []
        return calls

    # -- the parser's side

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._size = self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > _HEADERS_LIMIT:
            raise ValueError("the address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > _HEADERS_LIMIT:
            raise ValueError("headers are too long")
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if _A_PAGES.intersection(self._headers):
            raise ValueError("a page in a browser is no runtime")
        if self._headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= BODY_LIMIT:
            self._parts.append(part)
        else:
            self._parts.clear()

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        path = httptools.parse_url(self._url).path.decode()
        self._calls.append(Call(self, method, path, self._headers, b"".join(self._parts), self._size))
        self._begin()


class Interface:
    """The listening socket and the worker's connections. The caller that waits watches them with its poll object."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: dict[int, Client] = {}
        self._poll: select.poll | None = None
        host, port = self._listener.getsockname()
        self.address = f"{host}:{port}"
        """The value of AWS_LAMBDA_RUNTIME_API."""

    def watch(self, poll: select.poll) -> None:
        self._poll = poll
        poll.register(self._listener, select.POLLIN)

    def calls(self, ready: Iterable[int]) -> list[Call]:
        """The requests that are complete on the ready descriptors. Descriptors that are not ours are skipped."""
        found: list[Call] = []
        for descriptor in ready:
            if descriptor == self._listener.fileno():
                self._accept()
            elif descriptor in self._clients:
                calls = self._clients[descriptor].read()
                if calls is None:
                    self._drop(descriptor)
                found += calls or ()
        return found

    def close(self) -> None:
        for descriptor in list(self._clients):
            self._drop(descriptor)
        self._listener.close()

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        client = Client(sock)
        self._clients[client.fileno()] = client
        if self._poll is not None:
            self._poll.register(client, select.POLLIN)

    def _drop(self, descriptor: int) -> None:
        client = self._clients.pop(descriptor)
        if self._poll is not None:
            self._poll.unregister(client)
        client.close()
