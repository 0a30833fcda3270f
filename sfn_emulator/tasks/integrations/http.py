"""HTTP Tasks, ``arn:aws:states:::http:invoke``: a request to any HTTPS API, authorized by an EventBridge connection.

Source: `Call HTTPS APIs in Step Functions workflows` (fields, forbidden headers, merging with the connection, body
encoding, 60 seconds).
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from sfn_emulator.engine.ports import TaskRequest
from sfn_emulator.errors import StateError
from sfn_emulator.tasks.clients import Clients
from sfn_emulator.tasks.integrations.connections import NO_CONNECTION, Connection
from sfn_emulator.tasks.integrations.exchange import (
    Request,
    address,
    header_text,
    invalid,
    misfits,
    required,
    send,
    unanswered,
    with_query,
)
from sfn_emulator.tasks.integrations.exchanges import Exchanges
from sfn_emulator.tasks.sdk.failures import no_answer, unreachable
from sfn_emulator.tasks.sdk.shapes import json_or_text, unsupported
from sfn_emulator.values import Value, dumps

_FORBIDDEN: Final = frozenset(
    {
        "a-im",
        "accept-charset",
        "accept-datetime",
        "accept-encoding",
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-md5",
        "date",
        "expect",
        "forwarded",
        "from",
        "host",
        "http2-settings",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "max-forwards",
        "origin",
        "pragma",
        "proxy-authorization",
        "referer",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "warning",
    }
)
_FORBIDDEN_PREFIXES: Final = ("x-forwarded-", "x-amz-", "x-amzn-")


_HTTP_FIELDS: Final = frozenset(
    {
        "ApiEndpoint",
        "Authentication",
        "InvocationConfig",
        "Method",
        "Headers",
        "QueryParameters",
        "RequestBody",
        "Transform",
    }
)
_METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"})


class HttpInvoke:
    """``arn:aws:states:::http:invoke``. The connection's own parameters win over the Task's."""

    def __init__(self, clients: Clients, exchanges: Exchanges) -> None:
        self._clients = clients
        self._exchanges = exchanges

    def problems(self, value: Value) -> list[str]:
        if not isinstance(value, dict):
            return [invalid("Parameters")]
        found = unsupported(name for name in value if name not in _HTTP_FIELDS)
        found += required(value, ("ApiEndpoint", "Method"))
        if not _connection_arn(value):
            found.append("The field 'ConnectionArn' is required but was missing")
        return found + _misshapen(value)

    def __call__(self, request: TaskRequest) -> Value:
        import urllib3

        given = request.input
        connection = self._connection(given, request)
        asked = _asked(given, connection)
        exchange = self._exchanges.begin(
            request.identity.execution_arn, lambda revealed: asked if revealed else _asked(given, NO_CONNECTION)
        )
        try:
            answer = send(asked.method, asked.url, asked.headers, asked.body)
        except urllib3.exceptions.HTTPError as error:
            raise StateError("States.Http.Socket", unanswered(error, asked.url)) from None
        exchange(answer)
        if not 200 <= answer.status < 300:
            raise StateError(f"States.Http.StatusCode.{answer.status}", answer.text or answer.reason)
        return {
            "Headers": {name.lower(): values for name, values in answer.headers.items()},
            "ResponseBody": answer.body,
            "StatusCode": answer.status,
            "StatusText": answer.reason,
        }

    def _connection(self, given: Value, request: TaskRequest) -> Connection:
        from botocore.exceptions import ClientError

        arn = _connection_arn(given)
        try:
            events = self._clients.client("events", request.identity.region)
            described = events.describe_connection(Name=_connection_name(arn))
            secret = self._secret(described, request)
        except ClientError as error:
            said = error.response["Error"]
            raise StateError(f"Events.ConnectionResource.{said.get('Code')}", str(said.get("Message"))) from None
        except no_answer() as error:
            raise unreachable("Events", error) from None
        return Connection(described, secret)

    def _secret(self, described: Mapping[str, Any], request: TaskRequest) -> dict[str, Any]:
        arn = described.get("SecretArn")
        if not arn:
            return {}
        from botocore.exceptions import ClientError

        try:
            found = self._clients.client("secretsmanager", request.identity.region).get_secret_value(SecretId=arn)
        except ClientError:
            return {}
        told = json_or_text(found.get("SecretString") or "")
        return told if isinstance(told, dict) else {}


def _connection_arn(given: Mapping[str, Value]) -> str:
    for field in ("Authentication", "InvocationConfig"):
        inside = given.get(field)
        if isinstance(inside, dict) and isinstance(inside.get("ConnectionArn"), str):
            return str(inside["ConnectionArn"])
    return ""


def _connection_name(arn: str) -> str:
    return arn.split("connection/", 1)[-1].split("/")[0]


def _region(given: Mapping[str, Value]) -> str:
    """The region of the connection, which is the machine's."""
    return [*_connection_arn(given).split(":"), "", "", "", ""][3]


def _misshapen(value: Mapping[str, Value]) -> list[str]:
    objects = ("Headers", "QueryParameters", "Transform")
    found = [invalid(name) for name in objects if not isinstance(value.get(name) or {}, dict)]
    found += misfits(value, (), _METHODS)
    endpoint = value.get("ApiEndpoint")
    split = address(endpoint) if isinstance(endpoint, str) else None
    if endpoint is not None and (split is None or split.scheme not in ("http", "https")):
        found.append(invalid("ApiEndpoint"))
    found += _bad_transform(value.get("Transform"))
    headers = value.get("Headers")
    names = headers if isinstance(headers, dict) else {}
    return found + [f"The header '{name}' is not supported" for name in names if _is_forbidden(name)]


def _bad_transform(told: Value) -> list[str]:
    if not isinstance(told, dict):
        return []
    options = told.get("RequestEncodingOptions") or {}
    if not isinstance(options, dict):
        return [invalid("RequestEncodingOptions")]
    wanted = (("RequestBodyEncoding", told, ("NONE", "URL_ENCODED")), ("ArrayFormat", options, _ARRAY_FORMATS))
    return [invalid(name) for name, given, known in wanted if given.get(name) not in (None, *known)]


_ARRAY_FORMATS: Final = ("INDICES", "REPEAT", "COMMAS", "BRACKETS", "NONE")


def _is_forbidden(name: str) -> bool:
    lowered = name.lower()
    return lowered in _FORBIDDEN or lowered.startswith(_FORBIDDEN_PREFIXES)


def _asked(given: Mapping[str, Value], connection: Connection) -> Request:
    headers, query, body = _assembled(given, connection)
    return Request(str(given["Method"]), with_query(str(given["ApiEndpoint"]), query), headers, body)


def _assembled(
    given: Mapping[str, Value], connection: Connection
) -> tuple[dict[str, str], dict[str, Any], bytes | None]:
    headers = {"User-Agent": f"Amazon|StepFunctions|HttpInvoke|{_region(given)}", "Range": "bytes=0-262144"}
    headers |= {name: header_text(value) for name, value in (given.get("Headers") or {}).items()}
    headers = _merged(headers, connection.headers)
    query = {**(given.get("QueryParameters") or {}), **connection.query}
    body = given.get("RequestBody")
    if connection.body:
        body = {**(body if isinstance(body, dict) else {}), **connection.body}
    if body is None:
        return headers, query, None
    return _encoded(given, headers, query, body)


def _merged(headers: dict[str, str], winning: Mapping[str, str]) -> dict[str, str]:
    lowered = {name.lower() for name in winning}
    return {**{name: value for name, value in headers.items() if name.lower() not in lowered}, **winning}


def _encoded(
    given: Mapping[str, Value], headers: dict[str, str], query: dict[str, Any], body: Value
) -> tuple[dict[str, str], dict[str, Any], bytes]:
    transform = given.get("Transform") or {}
    if transform.get("RequestBodyEncoding") == "URL_ENCODED" and isinstance(body, dict):
        array_format = (transform.get("RequestEncodingOptions") or {}).get("ArrayFormat", "INDICES")
        text = urlencode(_pairs(body, array_format))
        kind = "application/x-www-form-urlencoded"
    else:
        text = body if isinstance(body, str) else dumps(body)
        kind = "application/json"
    named = any(name.lower() == "content-type" for name in headers)
    return headers if named else {**headers, "Content-Type": kind}, query, text.encode()


def _spread(array_format: str, name: str, items: list[Value]) -> list[tuple[str, Value]]:
    """An array's entries, by RequestEncodingOptions.ArrayFormat; INDICES is the default."""
    if array_format == "COMMAS":
        return [(name, ",".join(item if isinstance(item, str) else dumps(item) for item in items))]
    if array_format == "BRACKETS":
        return [(f"{name}[]", item) for item in items]
    if array_format in ("REPEAT", "NONE"):
        return [(name, item) for item in items]
    return [(f"{name}[{index}]", item) for index, item in enumerate(items)]


def _pairs(value: Value, array_format: str, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        inside = (_pairs(item, array_format, f"{name}[{key}]" if name else key) for key, item in value.items())
        return [pair for pairs in inside for pair in pairs]
    if isinstance(value, list):
        spread = _spread(array_format, name, value)
        return [pair for key, item in spread for pair in _pairs(item, array_format, key)]
    return [(name, value if isinstance(value, str) else dumps(value))]
