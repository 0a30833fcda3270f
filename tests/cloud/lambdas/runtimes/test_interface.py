"""The socket a runtime asks at is open to every program of the machine, and to no page in a browser."""

import select
import socket
from collections.abc import Iterator

import pytest

from sfn_emulator.cloud.lambdas.runtimes.interface import Interface
from tests.waiting import PATIENCE

NEXT = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture
def interface() -> Iterator[Interface]:
    made = Interface()
    yield made
    made.close()


def asked(interface: Interface, text: str) -> tuple[int, bytes | None]:
    """How many requests were heard, and what the client was told if nothing was."""
    poll = select.poll()
    interface.watch(poll)
    host, port = interface.address.split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as client:
        client.sendall(text.encode())
        heard = 0
        for _ in range(2):  # the connection, then what came by it
            heard += len(interface.calls([descriptor for descriptor, _ in poll.poll(1_000 * PATIENCE)]))
        client.settimeout(0.2)
        try:
            return heard, None if heard else client.recv(100)
        except OSError:
            return heard, None


def test_a_runtime_is_heard(interface: Interface) -> None:
    assert asked(interface, f"{NEXT}\r\n") == (1, None)


@pytest.mark.parametrize(
    "header", ["Origin: null", "Origin: https://evil.example", "Referer: https://evil.example/", "Sec-Fetch-Site: none"]
)
def test_a_page_takes_no_invocation_away(interface: Interface, header: str) -> None:
    heard, told = asked(interface, f"{NEXT}{header}\r\n\r\n")
    assert (heard, told or b"") == (0, b"")


def test_an_address_without_end_is_not_waited_for(interface: Interface) -> None:
    heard, told = asked(interface, f"GET /{'a' * 200_000}")
    assert (heard, told or b"") == (0, b"")
