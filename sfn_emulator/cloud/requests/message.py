"""A request and its reply as every neighbour sees them, whether they came over a socket or from within the process."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

import orjson

Headers: TypeAlias = dict[str, str]
"""Names in lower case; a repeated header's values are joined with a comma."""


@dataclass(slots=True)
class Request:
    """``path`` is as it arrived (percent-encoded, no query), ``query`` the raw text after the question mark."""

    method: str
    path: str
    query: str = ""
    headers: Headers = field(default_factory=dict)
    body: bytes = b""

    def parameters(self) -> dict[str, str]:
        """The query's parameters; the last one wins if a name is repeated."""
        return dict(parse_qsl(self.query, keep_blank_values=True)) if self.query else {}


class Reply(NamedTuple):
    """``stream`` is a body that is made while it is sent, for requests over a socket; ``body`` is then empty."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    stream: AsyncGenerator[bytes, None] | None = None


def json_reply(status: int, value: object, headers: Headers | None = None) -> Reply:
    """A reply whose body is ``value`` as JSON."""
    named = [("content-type", "application/json"), *(headers or {}).items()]
    return Reply(status, named, orjson.dumps(value))


def json_error(status: int, code: str, message: str) -> Reply:
    """An error as AWS's JSON protocols write it: the code in header and body."""
    return json_reply(status, {"__type": code, "message": message}, {"x-amzn-errortype": code})


_NOTHING: Final = re.compile(rb"\bNone\b")


def in_plain_words(reply: Reply, request: Request) -> Reply:
    """Writes a parameter that was not given as ``null`` in an error, as AWS does; moto writes Python's ``None``."""
    if reply.status < 400 or b"None" not in reply.body or b"None" in request.body or "None" in request.path:
        return reply
    return reply._replace(body=_NOTHING.sub(b"null", reply.body))


_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML can't hold."""


def xml_error(status: int, code: str, message: str) -> Reply:
    """An error as AWS's XML protocols write it."""
    from xml.sax.saxutils import escape

    told = _UNWRITABLE.sub("?", message)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse><Error><Type>Sender</Type>'
        f"<Code>{escape(code)}</Code><Message>{escape(told)}</Message></Error></ErrorResponse>"
    )
    return Reply(status, [("content-type", "text/xml")], body.encode())
