"""SdkHttpMetadata and SdkResponseMetadata: an optimised integration's description of the HTTP answer, as recorded.

The answer comes from a neighbour, so its headers are written as AWS's own server would write them: names, casing and
order as recorded, and the Content-Length of the body that AWS would send.
"""

import hashlib
import zlib
from base64 import b32encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any, Final

from sfn_emulator.values import Value, dumps

Headers = list[tuple[str, str]]
HeadersOf = Callable[[Any, Mapping[str, Any], Any, str, float], Headers]
"""(service model, answer, operation, request id, epoch seconds) → the headers of the answer."""


def metadata(headers: Headers, request_id: str, status: int = 200) -> dict[str, Value]:
    """The two members; AllHttpHeaders in the order sent, HttpHeaders sorted without regard to case."""
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers},
            "HttpHeaders": dict(sorted(headers, key=lambda header: header[0].lower())),
            "HttpStatusCode": status,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }


def http_date(now: float) -> str:
    return format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True)


def iso_date(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ}"


def common(model: Any, answer: Mapping[str, Any], operation: Any, request_id: str, now: float) -> Headers:
    """The headers of most services."""
    return [
        ("x-amzn-RequestId", request_id),
        ("connection", "keep-alive"),
        ("Content-Length", str(len(body(operation, answer, request_id)))),
        ("Date", http_date(now)),
        ("Content-Type", content_type(model)),
    ]


def dynamodb(model: Any, answer: Mapping[str, Any], operation: Any, request_id: str, now: float) -> Headers:
    """DynamoDB's own front end adds Server and a checksum."""
    text = body(operation, answer, request_id)
    return [
        ("Server", "Server"),
        ("Connection", "keep-alive"),
        ("x-amzn-RequestId", request_id),
        ("x-amz-crc32", str(zlib.crc32(text))),
        ("Content-Length", str(len(text))),
        ("Date", http_date(now)),
        ("Content-Type", content_type(model)),
    ]


def lambda_(payload: bytes, version: str, request_id: str, now: float) -> Headers:
    """The headers of Invoke's answer, in AWS's order (recorded). ``now`` is in epoch seconds."""
    trace = hashlib.sha256(request_id.encode()).hexdigest()
    return [
        ("X-Amz-Executed-Version", version),
        ("x-amzn-Remapped-Content-Length", "0"),
        ("Connection", "keep-alive"),
        ("x-amzn-RequestId", request_id),
        ("Content-Length", str(len(payload))),
        ("Date", http_date(now)),
        ("X-Amzn-Trace-Id", f"Root=1-{int(now):08x}-{trace[:24]};Parent={trace[24:40]};Sampled=0"),
        ("Content-Type", "application/json"),
    ]


_CONTENT_TYPES: Final = {"query": "text/xml", "ec2": "text/xml", "rest-xml": "application/xml"}


def content_type(model: Any) -> str:
    """The content type of a service's answers, by its protocol."""
    kind = _CONTENT_TYPES.get(model.protocol)
    if kind is not None:
        return kind
    version = model.metadata.get("jsonVersion")
    return f"application/x-amz-json-{version}" if version else "application/json"


def body(operation: Any, answer: Mapping[str, Any], request_id: str) -> bytes:
    """The body that AWS would answer with."""
    shape = operation.output_shape
    if operation.service_model.protocol in ("query", "ec2"):
        return _xml(operation, shape, answer, request_id).encode()
    return dumps(_json(shape, answer) if shape is not None else {}).encode()


def _json(shape: Any, value: Any) -> Value:
    kind = shape.type_name
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        members = {name: shape.members[name] for name in value if name in shape.members}
        return {member.serialization.get("name", name): _json(member, value[name]) for name, member in members.items()}
    if kind == "list":
        return [_json(shape.member, item) for item in value]
    if kind == "map":
        return {key: _json(shape.value, item) for key, item in value.items()}
    return _LEAVES.get(kind, _as_is)(value)


def _as_is(value: Any) -> Value:
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _epoch(value: Any) -> Value:
    """Java writes 1.699286400123E9: two characters longer than the plain number."""
    return f"{value.timestamp():.3f}".rstrip("0").rstrip(".") if isinstance(value, datetime) else str(value)


_LEAVES: Final[dict[str, Callable[[Any], Value]]] = {"timestamp": _epoch}


def _xml(operation: Any, shape: Any, answer: Mapping[str, Any], request_id: str) -> str:
    namespace = operation.service_model.metadata.get("xmlNamespace", "")
    name = operation.name
    inner = "" if shape is None else "".join(_elements(shape, answer, 4))
    return (
        f'<{name}Response xmlns="{namespace}">\n  <{name}Result>\n{inner}  </{name}Result>\n  <ResponseMetadata>\n'
        f"    <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>\n</{name}Response>\n"
    )


def _elements(shape: Any, answer: Mapping[str, Any], indent: int) -> list[str]:
    members = ((name, member) for name, member in shape.members.items() if name in answer)
    return [
        f"{' ' * indent}<{name}>{escape(str(answer[name]), quote=False)}</{name}>\n"
        for name, member in members
        if member.type_name not in ("structure", "list", "map")
    ]


_ALPHABET: Final = 52


def request_id(seed: str, service: str = "") -> str:
    """A request id like AWS's, drawn from the seed: DynamoDB's are 52 letters and digits, the others are UUIDs."""
    digest = hashlib.sha256(seed.encode()).digest()
    if service == "dynamodb":
        return b32encode(digest).decode()[:_ALPHABET]
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"
