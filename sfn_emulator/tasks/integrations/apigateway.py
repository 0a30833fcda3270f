"""API Gateway, ``arn:aws:states:::apigateway:invoke``: a request to one of one's own APIs.

Source: `Create API Gateway REST APIs with Step Functions`; the shape of Headers from a recording.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from sfn_emulator.engine.ports import TaskRequest
from sfn_emulator.errors import StateError
from sfn_emulator.tasks.integrations.exchange import (
    address,
    header_text,
    invalid,
    misfits,
    required,
    send,
    unanswered,
    with_query,
)
from sfn_emulator.tasks.sdk.shapes import unsupported
from sfn_emulator.values import Value, dumps

_API_FIELDS: Final = frozenset(
    {
        "ApiEndpoint",
        "Method",
        "Headers",
        "Stage",
        "Path",
        "QueryParameters",
        "RequestBody",
        "AllowNullValues",
        "AuthType",
    }
)
_API_METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"})


_CASED: Final = {
    name.lower(): name
    for name in [
        "Age",
        "CF-Ray",
        "Connection",
        "Content-Length",
        "Content-Type",
        "Date",
        "Via",
        "X-Amz-Cf-Id",
        "X-Amz-Cf-Pop",
        "X-Amzn-Trace-Id",
        "X-Cache",
        "x-amz-apigw-id",
        "x-amzn-ErrorType",
        "x-amzn-RequestId",
        "x-amzn-Remapped-Content-Length",
    ]
}
"""Headers in API Gateway's spelling (recorded). The API's own headers stay as they came."""


class ApiGatewayInvoke:
    """``arn:aws:states:::apigateway:invoke[.waitForTaskToken]``.

    ``base`` gives the local URL at which an API's host name is really reached; with None the name itself is used, over
    HTTPS.
    """

    def __init__(self, base: str | None) -> None:
        self._base = base

    def problems(self, value: Value) -> list[str]:
        if not isinstance(value, dict):
            return [invalid("Parameters")]
        found = unsupported(name for name in value if name not in _API_FIELDS)
        found += required(value, ("ApiEndpoint", "Method"))
        found += [invalid(name) for name in ("Headers", "QueryParameters") if not _is_lists(value.get(name))]
        return found + misfits(value, ("ApiEndpoint", "Stage", "Path", "AuthType"), _API_METHODS)

    def __call__(self, request: TaskRequest) -> Value:
        import urllib3

        given = request.input
        url, headers = self._address(given)
        headers |= {name: header_text(value) for name, value in (given.get("Headers") or {}).items()}
        body = given.get("RequestBody")
        if body is not None:
            headers = {"Content-Type": "application/json", **headers}
        try:
            answer = send(given["Method"], url, headers, _body(body, given.get("AllowNullValues", False)))
        except urllib3.exceptions.HTTPError as error:
            cause = f"Unable to execute HTTP request: {unanswered(error, url)}"
            raise StateError("ApiGateway.SdkClientException", cause) from None
        if not 200 <= answer.status < 300:
            raise StateError(f"ApiGateway.{answer.status}", answer.text or answer.reason)
        return {
            "Headers": {_CASED.get(name.lower(), name): values for name, values in answer.headers.items()},
            "ResponseBody": answer.body,
            "StatusCode": answer.status,
            "StatusText": answer.reason,
        }

    def _address(self, given: Mapping[str, Value]) -> tuple[str, dict[str, str]]:
        endpoint = str(given["ApiEndpoint"])
        parts = [str(given[name]).strip("/") for name in ("Stage", "Path") if given.get(name)]
        path = quote("/".join(["", *parts]), safe="/%")
        url = endpoint if "://" in endpoint else f"https://{endpoint}"
        split = address(url)
        if split is None:
            return url, {}
        if self._base is not None and split.hostname is not None and ".execute-api." in split.hostname:
            url, headers = f"{self._base.rstrip('/')}{split.path.rstrip('/')}{path}", {"Host": split.netloc}
        else:
            url, headers = f"{split.scheme}://{split.netloc}{split.path.rstrip('/')}{path}", {}
        return with_query(url, given.get("QueryParameters") or {}), headers


def _is_lists(value: Value) -> bool:
    """Headers and QueryParameters map names to lists of strings (recorded: a single string is refused)."""
    if value is None:
        return True
    return isinstance(value, dict) and all(isinstance(item, list) for item in value.values())


def _body(body: Value, allow_null: bool) -> bytes | None:
    if body is None:
        return None
    """The body is always JSON; a text has its quotes (recorded)."""
    return dumps(body if allow_null else _without_null(body)).encode()


def _without_null(value: Value) -> Value:
    if isinstance(value, dict):
        return {name: _without_null(item) for name, item in value.items() if item is not None}
    return value
