"""Our part of Lambda's HTTP API: Invoke, and checks of code before moto keeps it. The rest is moto's."""

import asyncio
import base64
import binascii
import contextlib
import re
from collections.abc import Awaitable
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import orjson

from sfn_emulator.cloud.lambdas import configuration
from sfn_emulator.cloud.lambdas.archive import EMPTY, ArchiveError, check
from sfn_emulator.cloud.lambdas.functions import InvokeError, ThrottledError
from sfn_emulator.cloud.lambdas.runtime import InvokeResult, Lambdas
from sfn_emulator.cloud.lambdas.runtimes import images
from sfn_emulator.cloud.lambdas.runtimes.families import refusal
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.addressing import host_of
from sfn_emulator.cloud.requests.message import Reply, Request, json_reply

_INVOKE: Final = re.compile(r"^/2015-03-31/functions/(?P<name>[^/]+)/invocations/?$")
_INVOKE_ASYNC: Final = re.compile(r"^/2014-11-13/functions/(?P<name>[^/]+)/invoke-async/?$")
_KINDS: Final = ("Event", "RequestResponse", "DryRun")
_LOGS: Final = ("None", "Tail")
_LINEAGE: Final = re.compile(r"(?:^|;)Lineage=\d+:[0-9a-f]+:(\d{1,4})(?:;|$)")
_CREATE: Final = re.compile(r"^/2015-03-31/functions/?$")
_URL: Final = re.compile(r"^/2021-10-31/functions/[^/]+/url/?$")
_URL_ID: Final = re.compile(r"https://(\w+)\.lambda-url\.")
_UPDATE: Final = re.compile(r"^/2015-03-31/functions/[^/]+/(code|configuration)/?$")


class LambdaApi:
    """Blocking, from any thread."""

    def __init__(self, lambdas: Lambdas, neighbours: Neighbours) -> None:
        self._lambdas, self._neighbours = lambdas, neighbours

    def is_invocation(self, request: Request) -> bool:
        return request.method == "POST" and bool(_INVOKE.match(request.path) or _INVOKE_ASYNC.match(request.path))

    def answer(self, region: str, request: Request) -> Reply:
        """The reply to any request for Lambda."""
        try:
            if self.is_invocation(request):
                return self._invoked(region, request)
            if _deploys(request):
                _check_runtime(request.body)
                _check_configuration(request.body)
                _check_code(request.body)
                self._lambdas.warm_up()
        except InvokeError as refusal:
            return _refusal(refusal)
        reply = self._neighbours.answer("lambda", region, request)
        return _addressed(reply, request) if _URL.match(request.path) else reply

    def begin(self, region: str, request: Request) -> Awaitable[Reply] | None:
        """The reply to come of an invocation that a warm worker has taken. Called on the loop. ``None`` for any other
        request, and if something would have to be waited for: then ``answer`` replies.
        """
        found = _INVOKE.match(request.path) if request.method == "POST" else None
        if found is None:
            return None
        try:
            name, qualifier, kind, tail, context, depth = _asked(unquote(found["name"]), request)
        except InvokeError:
            return None
        if kind != "RequestResponse":
            return None
        result = self._lambdas.begin(name, request.body, qualifier, region=region, client_context=context, depth=depth)
        return None if result is None else _in_time(result, tail)

    def _invoked(self, region: str, request: Request) -> Reply:
        old = _INVOKE_ASYNC.match(request.path)
        if old:
            self._lambdas.invoke_later(unquote(old["name"]), request.body, region=region)
            return json_reply(202, {"Status": 202})
        found = _INVOKE.match(request.path)
        name, qualifier, kind, tail, context, depth = _asked(unquote(found["name"]) if found else "", request)
        if kind == "Event":
            request_id = self._lambdas.invoke_later(name, request.body, qualifier, region=region)
            return Reply(202, [("x-amzn-requestid", request_id)])
        if kind == "DryRun":
            self._lambdas.check(name, request.body, qualifier, region=region)
            return Reply(204, [])
        result = self._lambdas.invoke(name, request.body, qualifier, region=region, client_context=context, depth=depth)
        return _result(result, tail)


class _Asked(NamedTuple):
    """An invocation as a request asks for it. ``tail``: with the end of its log."""

    name: str
    qualifier: str | None
    kind: str
    tail: bool
    context: dict[str, Any] | None
    depth: int


def _asked(name: str, request: Request) -> _Asked:
    """Raises ``InvokeError``."""
    headers = request.headers
    kind = _one_of("invocationType", headers.get("x-amz-invocation-type", "RequestResponse"), _KINDS)
    tail = _one_of("logType", headers.get("x-amz-log-type", "None"), _LOGS) == "Tail"
    context = _client_context(headers.get("x-amz-client-context"))
    depth = _depth(headers.get("x-amzn-trace-id", ""))
    return _Asked(name, request.parameters().get("Qualifier"), kind, tail, context, depth)


async def _in_time(result: asyncio.Future[InvokeResult], tail: bool) -> Reply:
    return _result(await result, tail)


def _one_of(member: str, given: str, known: tuple[str, ...]) -> str:
    if given in known:
        return given
    text = (
        f"1 validation error detected: Value '{given}' at '{member}' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{', '.join(known)}]"
    )
    raise InvokeError("ValidationException", text, 400)


def _result(result: InvokeResult, tail: bool) -> Reply:
    headers = [
        ("content-type", "application/json"),
        ("x-amzn-requestid", result.request_id),
        ("x-amz-executed-version", result.executed_version),
    ]
    if result.function_error:
        headers.append(("x-amz-function-error", result.function_error))
    if tail:
        headers.append(("x-amz-log-result", base64.b64encode(result.log).decode()))
    return Reply(result.status_code, headers, result.payload)


def _refusal(refusal: InvokeError) -> Reply:
    told = {"Type": "User" if refusal.status < 500 else "Service", "Message": refusal.message}
    if isinstance(refusal, ThrottledError):
        told = {"Reason": refusal.reason, "Type": "User", "message": refusal.message}
    return json_reply(refusal.status, told, {"x-amzn-errortype": refusal.code})


def _addressed(reply: Reply, request: Request) -> Reply:
    """The reply with a function's URL that works: on this port, under the host that the caller used."""
    host = request.headers.get("host", "")
    if reply.status >= 300 or not reply.body or host_of(request.headers).endswith(".amazonaws.com"):
        return reply
    told = orjson.loads(reply.body)
    found = _URL_ID.match(told.get("FunctionUrl") or "")
    if found:
        told["FunctionUrl"] = f"http://{host}/_aws/lambda-url/{found[1]}/"
    return reply._replace(body=orjson.dumps(told))


def _depth(trace: str) -> int:
    """How many functions wait for this call in a chain; a function's SDK sends it along."""
    found = _LINEAGE.search(trace)
    return int(found[1]) if found else 0


def _client_context(header: str | None) -> dict[str, Any] | None:
    if not header:
        return None
    try:
        told = orjson.loads(base64.b64decode(header))
    except (binascii.Error, ValueError):
        text = "Client context must be a valid Base64-encoded JSON object."
        raise InvokeError("InvalidRequestContentException", text, 400) from None
    return told if isinstance(told, dict) else None


def _deploys(request: Request) -> bool:
    """Whether the request brings code or a runtime."""
    if request.method == "POST":
        return bool(_CREATE.match(request.path))
    return request.method == "PUT" and bool(_UPDATE.match(request.path))


def _check_runtime(body: bytes) -> None:
    """Refuses what can't be run here now, rather than at the first invocation."""
    with contextlib.suppress(ValueError, AttributeError, TypeError):  # moto tells what is wrong with the request
        told = orjson.loads(body)
        code = told.get("Code") or {}
        image = code.get("ImageUri") or told.get("ImageUri")
        runtime = told.get("Runtime")
        text: str | None = None
        if isinstance(image, str):
            text = images.refusal(image)
        elif isinstance(runtime, str):
            text = refusal(runtime, base64.b64decode(code.get("ZipFile") or ""))
        if text is not None:
            raise InvokeError("InvalidParameterValueException", text, 400)


def _check_configuration(body: bytes) -> None:
    with contextlib.suppress(ValueError, AttributeError, TypeError):  # moto tells what is wrong with the request
        configuration.check(orjson.loads(body))


def _check_code(body: bytes) -> None:
    try:
        told = orjson.loads(body)
        zipped = told.get("ZipFile", told.get("Code", {}).get("ZipFile"))
        if zipped == "":
            raise ArchiveError(EMPTY)
        if zipped:
            check(base64.b64decode(zipped))
    except ArchiveError as error:
        raise InvokeError("InvalidParameterValueException", str(error), 400) from None
    except (ValueError, AttributeError, binascii.Error):
        return  # Lambda could not read it either; moto reports that
