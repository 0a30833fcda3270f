"""HTTP/1.1 of the server, byte by byte: an application that echoes its requests, over real sockets."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

import pytest

from sfn_emulator.cloud.requests.message import Reply, Request
from sfn_emulator.serving.connection import MOST_HEADER_BYTES, App, Connection, say_goodbye
from tests.waiting import PATIENCE

Exchange: TypeAlias = Callable[[bytes], Awaitable[bytes]]
LARGE = 1 << 20
heard: list[str] = []
"""The paths that were asked for."""


async def tell(request: Request) -> Reply:
    """What arrived, as text; ``/slow`` takes longer than what comes after it, ``/never`` takes for ever."""
    heard.append(request.path)
    if request.path in ("/never", "/news"):
        await asyncio.Event().wait()
    if request.path == "/slow":
        await asyncio.sleep(0.05)
    if request.path == "/broken":
        return Reply(200, [("x-broken", "a\r\nset-cookie: b")], b"")
    if request.path == "/none":
        return Reply(204, [])
    if request.path == "/large":
        return Reply(200, [], b"x" * LARGE)
    if request.path in ("/stream", "/torn"):
        return Reply(200, [], stream=parts(request.path == "/torn"))
    text = f"{request.method} {request.path}?{request.query} {request.headers.get('x-twice', '')} {len(request.body)}"
    return Reply(200, [("content-type", "text/plain"), ("content-length", "999")], text.encode())


async def parts(torn: bool) -> AsyncGenerator[bytes, None]:
    yield b"x" * 20
    await asyncio.sleep(0)
    if torn:
        raise LookupError("gone")
    yield b"y"


def tell_at_once(request: Request) -> Reply | None:
    return Reply(200, [], request.path.encode()) if request.path.startswith("/now") else None


def refuse(request: Request) -> Reply | None:
    return Reply(403, [], b"stranger") if request.headers.get("host") == "stranger" else None


def exchange(
    *parts: bytes, until: bytes = b"", stop_after: float | None = None, requests: int = 1, limit: int = 1000
) -> bytes:
    """What the server answers to the parts, sent one after the other, until it closes or ``until`` has come.

    It is stopped when it has heard of the connection, and of so many ``requests``.
    """

    async def talk() -> bytes:
        heard.clear()
        loop = asyncio.get_running_loop()
        connections: set[Connection] = set()
        app = App(tell, tell_at_once, refuse, lambda request: request.path == "/news", limit)
        server = await loop.create_server(lambda: Connection(app, loop, connections), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.01)
        if stop_after is not None:
            while not connections or len(heard) < requests:
                await asyncio.sleep(0)
            server.close()
            await say_goodbye(connections, stop_after)
        try:
            return await asyncio.wait_for(reader.readuntil(until) if until else reader.read(), PATIENCE)
        finally:
            writer.close()
            server.close()
            await say_goodbye(connections, 0)

    return asyncio.run(talk())


CLOSE = b"Host: localhost\r\nConnection: close\r\n\r\n"
CHUNKED = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE


def test_a_request_is_told_whole_and_the_answer_has_its_own_length() -> None:
    told = exchange(b"POST /a/b?c=d HTTP/1.1\r\nX-Twice: 1\r\nx-twice: 2\r\nContent-Length: 3\r\n" + CLOSE, b"a", b"bc")
    head, _, body = told.partition(b"\r\n\r\n")
    assert body == b"POST /a/b?c=d 1,2 3"
    assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
    assert head.count(b"content-length") == 1
    assert b"content-length: 19" in head


def test_requests_that_come_together_are_answered_in_their_order() -> None:
    told = exchange(b"GET /slow HTTP/1.1\r\n\r\nGET /second HTTP/1.1\r\n\r\nGET /third HTTP/1.1\r\n" + CLOSE)
    assert [word for word in told.split() if word.startswith(b"/")] == [b"/slow?", b"/second?", b"/third?"]


def test_what_is_answered_at_once_keeps_its_place_among_others() -> None:
    paths = [b"/now/1", b"/now/2", b"/slow", b"/now/3", b"/now/4", b"/second", b"/now/5"]
    asked = [b"GET " + path + b" HTTP/1.1\r\n\r\n" for path in paths]
    asked[-1] = asked[-1][:-2] + CLOSE
    for together in (asked, [b"".join(asked)], [b"".join(asked[:4]), *asked[4:]]):
        told = exchange(*together)
        assert told.count(b"200 OK") == len(paths)
        assert [path for path in re.findall(rb"/\w+(?:/\d)?", told) if path in paths] == paths


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b" 5"),
        (b"GET http://other/path?q HTTP/1.1\r\n" + CLOSE, b"GET /path?q"),
        (b"GET /old HTTP/1.0\r\n\r\n", b"connection: close"),
        (b"GET /up HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", b"GET /up? "),
        (b"GET /broken HTTP/1.1\r\n" + CLOSE, b"x-broken: a set-cookie: b\r\n"),
        (b"GET /none HTTP/1.1\r\n" + CLOSE, b"HTTP/1.1 204 No Content\r\n"),
        (b"GET /stream HTTP/1.1\r\n" + CLOSE, b"\r\n\r\n14\r\n" + b"x" * 20 + b"\r\n1\r\ny\r\n0\r\n\r\n"),
        (b"NONSENSE\r\n\r\n", b"HTTP/1.1 400 "),
        (b"\x16\x03\x01\x02\x00", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nHost: stranger\r\nContent-Length: 5\r\n\r\n", b"stranger"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", b"HTTP/1.1 413 "),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5dc\r\n" + b"x" * 1500, b"HTTP/1.1 413 "),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MOST_HEADER_BYTES, b"HTTP/1.1 431 "),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * MOST_HEADER_BYTES, b"HTTP/1.1 431 "),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"HTTP/1.1 400 "),
        (CHUNKED + b"0\r\nX: " + b"x" * 3 * MOST_HEADER_BYTES, b"HTTP/1.1 431 "),
        (CHUNKED + b"1;" + b"x" * 3 * MOST_HEADER_BYTES, b"HTTP/1.1 431 "),
        (CHUNKED + b"1\r\na\r\n0\r\nX-Twice: a trailer\r\n\r\n", b"POST /x?  1"),
        (b"GET / HTTP/1.1\r\nHost: localhost:1\r\nHost: stranger\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nHost: localhost:1@stranger\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 "),
        (b"TRACE / HTTP/1.1\r\n" + CLOSE, b"HTTP/1.1 405 "),
        (b"CONNECT localhost:80 HTTP/1.1\r\n" + CLOSE, b"HTTP/1.1 405 "),
    ],
)
def test_a_request_is_understood_or_refused(request_: bytes, told: bytes) -> None:
    assert told in exchange(request_)


def test_a_client_that_does_not_read_is_sent_no_more_than_there_is_room_for() -> None:
    asked = 60

    async def talk() -> tuple[int, bytes]:
        heard.clear()
        loop = asyncio.get_running_loop()
        connections: set[Connection] = set()
        app = App(tell, tell_at_once, refuse, lambda _: False, 1000)
        server = await loop.create_server(lambda: Connection(app, loop, connections), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /large HTTP/1.1\r\n\r\n" * (asked - 1) + b"GET /large HTTP/1.1\r\n" + CLOSE)
        while not heard:
            await asyncio.sleep(0)
        for _ in range(20 * asked):
            await asyncio.sleep(0)
        begun = len(heard)
        told = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        server.close()
        await say_goodbye(connections, 0)
        return begun, told

    begun, told = asyncio.run(talk())
    assert begun < asked  # the system itself takes some megabytes
    assert told.count(b"200 OK") == asked
    assert told.count(b"x" * LARGE) == asked


def test_head_is_told_the_length_and_no_body() -> None:
    told = exchange(b"HEAD /x HTTP/1.1\r\n" + CLOSE)
    assert b"content-length: 999" in told
    assert told.endswith(b"\r\n\r\n")


def test_what_is_made_as_it_is_sent_keeps_the_connection_and_has_no_length() -> None:
    told = exchange(b"GET /stream HTTP/1.1\r\n\r\nHEAD /stream HTTP/1.1\r\n\r\nGET /last HTTP/1.1\r\n" + CLOSE)
    assert (told.count(b"HTTP/1.1 200 OK"), told.count(b"transfer-encoding: chunked")) == (3, 1)
    assert told.index(b"0\r\n\r\n") < told.index(b"GET /last?")


def test_an_answer_that_breaks_off_is_not_taken_for_the_whole() -> None:
    try:
        told = exchange(b"GET /torn HTTP/1.1\r\n\r\n")
    except ConnectionResetError:
        return
    assert b"0\r\n\r\n" not in told


def test_a_client_that_asks_whether_to_send_its_body_is_told_to() -> None:
    asking = b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n" + CLOSE
    told = exchange(asking, b"a")
    assert told.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_a_connection_is_kept_for_the_next_request() -> None:
    assert exchange(b"GET /1 HTTP/1.1\r\n\r\n", b"GET /2 HTTP/1.1\r\n\r\n", until=b"/2?  0").count(b"200 OK") == 2


def test_large_bodies_may_follow_one_another_however_much_of_one_is_read_at_once() -> None:
    """What comes of the second one in one piece is more than headers may have."""
    body = b"x" * 4 * MOST_HEADER_BYTES
    large = b"PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    told = exchange(large, large, b"GET /last HTTP/1.1\r\nHost: localhost\r\n\r\n", until=b"GET /last", limit=LARGE)
    assert re.findall(rb"HTTP/1.1 (\d+)", told) == [b"200"] * 3


def test_a_stop_waits_for_answers_and_tells_those_it_does_not_wait_for() -> None:
    assert b"GET /slow" in exchange(b"GET /slow HTTP/1.1\r\n\r\n", stop_after=PATIENCE)
    assert b"503 Service Unavailable" in exchange(b"GET /never HTTP/1.1\r\n\r\n", stop_after=0.05)
    assert b"503 Service Unavailable" in exchange(b"GET /news HTTP/1.1\r\n\r\n", stop_after=float("inf"))
    assert exchange(b"GET /x HTTP/1.1\r\nHo", stop_after=PATIENCE, requests=0) == b""
