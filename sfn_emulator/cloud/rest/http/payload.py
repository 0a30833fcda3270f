"""A call as a function's event in payload format 2.0 or 1.0, and the function's answer as an HTTP reply.

Source: API Gateway Developer Guide, ``http-api-develop-integrations-lambda``; Lambda's, ``urls-invocation``.
"""

import base64
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

from sfn_emulator.cloud.keeping.chance import new_id
from sfn_emulator.cloud.requests.addressing import host_of
from sfn_emulator.cloud.requests.message import Reply, Request

_TEXT: Final = re.compile(r"(text/.*|application/(json|javascript|xml|[\w.-]+\+(json|xml)))$")
DEFAULT: Final = "$default"


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``path`` holds the stage unless it is ``$default``; ``api`` is an API's id or a function URL's."""

    request: Request
    account: str
    api: str
    stage: str
    route_key: str
    path: str
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    caller: Mapping[str, Any] | None = None
    """An authorizer's answer about the caller."""
    kind: str = "lambda"
    """The authorizer's kind in a function's event: ``lambda`` or ``jwt``."""
    request_id: str = field(default_factory=new_id)
    at: int = field(default_factory=lambda: time.time_ns() // 1_000_000)  # people compare it with their client's log

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.request.query, keep_blank_values=True)

    @property
    def time(self) -> str:
        return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(self.at / 1000))


def event_2(call: Call) -> dict[str, Any]:
    """The event of payload format 2.0; members for which the call has no value are left out."""
    headers = dict(call.request.headers)
    cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
    body, encoded = _body(call.request)
    told = {
        "version": "2.0",
        "routeKey": call.route_key,
        "rawPath": call.path,
        "rawQueryString": call.request.query,
        "cookies": cookies,
        "headers": headers,
        "queryStringParameters": {name: ",".join(values) for name, values in call.query.items()},
        "requestContext": context_2(call),
        "pathParameters": dict(call.path_parameters),
        "stageVariables": dict(call.variables),
        "body": body,
    }
    always = ("rawQueryString", "headers")
    return {**{k: v for k, v in told.items() if v or k in always}, "isBase64Encoded": encoded}


def context_2(call: Call) -> dict[str, Any]:
    """``requestContext`` of the payload format 2.0 (HTTP APIs, ``http-api-develop-integrations-lambda``)."""
    host = host_of(call.request.headers)
    return {
        "accountId": call.account,
        "apiId": call.api,
        **({} if call.caller is None else {"authorizer": {call.kind: dict(call.caller)}}),
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": call.request.method,
            "path": call.path,
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": call.request.headers.get("user-agent", ""),
        },
        "requestId": call.request_id,
        "routeKey": call.route_key,
        "stage": call.stage,
        "time": call.time,
        "timeEpoch": call.at,
    }


def event_1(call: Call) -> dict[str, Any]:
    """The event of payload format 1.0 as HTTP APIs send it."""
    headers, query = dict(call.request.headers), call.query
    body, encoded = _body(call.request)
    return {
        "version": "1.0",
        "resource": call.route_key.partition(" ")[2] or call.route_key,
        "path": call.path,
        "httpMethod": call.request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": _context_1(call),
        "pathParameters": dict(call.path_parameters) or None,
        "stageVariables": dict(call.variables) or None,
        "body": body,
        "isBase64Encoded": encoded,
    }


def _context_1(call: Call) -> dict[str, Any]:
    host = host_of(call.request.headers)
    agent = call.request.headers.get("user-agent", "")
    return {
        "accountId": call.account,
        "apiId": call.api,
        **({} if call.caller is None else {"authorizer": dict(call.caller)}),
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "extendedRequestId": call.request_id.replace("-", "")[:16],
        "httpMethod": call.request.method,
        "identity": {"sourceIp": "127.0.0.1", "userAgent": agent},
        "path": call.path,
        "protocol": "HTTP/1.1",
        "requestId": call.request_id,
        "requestTime": call.time,
        "requestTimeEpoch": call.at,
        "resourceId": call.route_key,
        "resourcePath": call.route_key.partition(" ")[2] or call.route_key,
        "stage": call.stage,
    }


def reply_2(payload: bytes, content_type: str) -> Reply:
    """A function's answer in format 2.0; ``content_type`` is for an answer with a statusCode and no content type.

    An answer without a statusCode is the body itself. Raises ValueError or TypeError for an invalid one.
    """
    try:
        answer = orjson.loads(payload)
    except ValueError:
        return Reply(200, [("content-type", "application/json")], payload)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        body = answer.encode() if isinstance(answer, str) else orjson.dumps(answer)
        return Reply(200, [("content-type", "application/json")], body)
    headers = [(str(name).lower(), _plain(value)) for name, value in (answer.get("headers") or {}).items()]
    return Reply(_status(answer["statusCode"]), _completed(headers, answer, content_type), _content(answer))


def reply_of_stream(payload: bytes) -> Reply:
    """A streamed answer: a prelude of JSON and eight zero bytes, then the body; without a prelude it is all body."""
    head, found, body = payload.partition(bytes(8))
    if not found:
        return Reply(200, [("content-type", "application/octet-stream")], payload)
    prelude = orjson.loads(head)
    headers = [(str(name).lower(), _plain(value)) for name, value in (prelude.get("headers") or {}).items()]
    return Reply(
        _status(prelude.get("statusCode", 200)), _completed(headers, prelude, "application/octet-stream"), body
    )


def _completed(headers: list[tuple[str, str]], answer: Mapping[str, Any], content_type: str) -> list[tuple[str, str]]:
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", content_type))
    return headers + [("set-cookie", _plain(cookie)) for cookie in answer.get("cookies") or ()]


def _content(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise TypeError("body is no text")
    return base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()


def _body(request: Request) -> tuple[str | None, bool]:
    if not request.body:
        return None, False
    kind = request.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    try:
        if _TEXT.match(kind):
            return request.body.decode(), False
    except UnicodeDecodeError:
        pass
    return base64.b64encode(request.body).decode(), True


def _plain(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace("\r", "").replace("\n", "")


def _status(told: object) -> int:
    """The HTTP status. Raises ValueError for a number that is not the status of a final answer."""
    status = int(str(told))
    if not 200 <= status <= 599:
        raise ValueError(f"{status} is no status")
    return status
