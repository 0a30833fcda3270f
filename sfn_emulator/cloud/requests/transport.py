"""boto3 without a socket: a client's requests go straight to the gateway in this process."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from sfn_emulator.cloud.requests.message import Reply, Request

Answer = Callable[[Request], Reply]
"""``Gateway.answer_from_thread``: blocking, from any thread but the loop's."""


def connect(client_or_session: Any, answer: Answer) -> None:
    """Makes a boto3 client (or all clients a botocore or boto3 session makes from now on) ask ``answer``.

    Thread-safe as boto3 clients are. The endpoint the client was made with is not contacted.
    """
    events = getattr(client_or_session, "events", None) or client_or_session.meta.events
    events.register("before-send", _sender(answer), unique_id="sfn-emulator-transport")


def _sender(answer: Answer) -> Callable[..., Any]:
    from botocore.awsrequest import AWSResponse

    def send(request: Any, **_: Any) -> Any:
        reply = answer(_request(request))
        return AWSResponse(request.url, reply.status, _headers(reply), _Raw(reply.body))

    return send


def _request(prepared: Any) -> Request:
    url = urlsplit(prepared.url)
    headers = {name.lower(): _text(value) for name, value in prepared.headers.items()}
    headers.setdefault("host", url.netloc)
    return Request(prepared.method, url.path or "/", url.query, headers, _bytes(prepared.body))


def _headers(reply: Reply) -> Any:
    from botocore.compat import HTTPHeaders

    headers = HTTPHeaders()
    for name, value in reply.headers:
        headers[name] = value
    if "content-length" not in headers:
        headers["content-length"] = str(len(reply.body))
    return headers


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body.read()) if hasattr(body, "read") else bytes(body)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class _Raw(BytesIO):
    """The part of urllib3's response that botocore uses."""

    def stream(self, amt: int = 65_536, decode_content: bool | None = None) -> Any:
        while part := self.read(amt):
            yield part
