"""One HTTP request and its answer, and the messages about invalid fields; for HTTP Tasks and API Gateway."""

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlencode, urlsplit

from sfn_emulator.tasks.sdk.shapes import json_or_text
from sfn_emulator.values import Value, dumps

_SECONDS: Final = 60.0
_PIECE: Final = 65_536
_MOST: Final = 4 * 1024 * 1024
"""Bytes of an answer that are read at most; a result may have 262,144."""


def invalid(field: str) -> str:
    return f"The value of the field '{field}' has an invalid format"


def required(value: Mapping[str, Value], fields: tuple[str, ...]) -> list[str]:
    """AWS's words for fields that are missing."""
    return [f"The field '{name}' is required but was missing" for name in fields if value.get(name) is None]


def misfits(value: Mapping[str, Value], texts: tuple[str, ...], methods: frozenset[str]) -> list[str]:
    """The faults of fields that must be texts, and of an invalid Method."""
    found = [invalid(name) for name in texts if not isinstance(value.get(name) or "", str)]
    method = value.get("Method")
    if method is not None and not (isinstance(method, str) and method in methods):
        found.append(invalid("Method"))
    return found


def address(url: str) -> SplitResult | None:
    """The parts of a URL; ``None`` for a text that is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def unanswered(error: Any, url: str) -> str:
    """Why no answer came, in words: ``HOST failed: connection refused``. ``error`` is urllib3's."""
    import urllib3.exceptions

    told = next((words for name, words in _UNANSWERED if isinstance(error, getattr(urllib3.exceptions, name))), "")
    return f"{urlsplit(url).netloc or url} failed: {told or 'the connection broke'}"


_UNANSWERED: Final = (
    ("NameResolutionError", "the host's name is not known"),
    ("ConnectTimeoutError", "connect timed out"),
    ("NewConnectionError", "connection refused"),
    ("TimeoutError", "the answer did not come in time"),
    ("SSLError", "TLS could not be agreed on"),
    ("LocationValueError", "an address or a header holds what can't be sent"),
)
"""urllib3's exceptions, the special before the general."""


class Request(NamedTuple):
    """An HTTP request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


class Answer:
    """An HTTP response. Its body is JSON if the server says so or if it parses, otherwise text."""

    def __init__(self, response: Any, data: bytes) -> None:
        self.status = int(response.status)
        self.reason = str(response.reason or "")
        self.headers: dict[str, list[str]] = {name: response.headers.getlist(name) for name in response.headers}
        self.text = data.decode("utf-8", "replace")

    @property
    def body(self) -> Value:
        return json_or_text(self.text)


def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float = _SECONDS) -> Answer:
    """The whole answer, within ``seconds`` even if it comes slowly. Raises ``urllib3.exceptions.HTTPError``."""
    import urllib3

    latest = time.monotonic() + seconds
    try:
        response = _pool().request(
            method,
            url,
            headers=dict(headers),
            body=body,
            timeout=urllib3.Timeout(total=seconds),
            retries=False,
            redirect=False,
            preload_content=False,
        )
    except ValueError:  # the standard library refuses a character that no header or address may hold
        raise urllib3.exceptions.LocationValueError("not sent") from None
    try:
        return Answer(response, _read(response, latest, seconds))
    finally:
        response.release_conn()


def _read(response: Any, latest: float, seconds: float) -> bytes:
    import urllib3

    pieces: list[bytes] = []
    left = _MOST
    while left > 0 and (piece := response.read1(_PIECE)):
        pieces.append(piece)
        left -= len(piece)
        if time.monotonic() > latest:
            response.close()
            raise urllib3.exceptions.TimeoutError(f"The answer was not complete after {seconds:g} seconds.")
    if left <= 0:
        response.close()  # the rest is not needed: this is already too large for any state
    return b"".join(pieces)


def _pool() -> Any:
    import urllib3

    if not _POOLS:
        _POOLS.append(urllib3.PoolManager(num_pools=32, maxsize=32))
    return _POOLS[0]


_POOLS: Final[list[Any]] = []


def with_query(url: str, query: Mapping[str, Any]) -> str:
    """The URL with query parameters; a list becomes one parameter for each item."""
    pairs = [(name, item) for name, value in query.items() for item in (value if isinstance(value, list) else [value])]
    if not pairs:
        return url
    return (
        f"{url}{'&' if '?' in url else '?'}{urlencode([(n, i if isinstance(i, str) else dumps(i)) for n, i in pairs])}"
    )


def header_text(value: Value) -> str:
    """A header's value as text; the items of a list stand one after the other, with commas between."""
    if isinstance(value, list):
        return ", ".join(header_text(item) for item in value)
    return value if isinstance(value, str) else dumps(value)
