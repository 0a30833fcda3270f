"""The data plane of REST APIs: a call of a deployed stage, from its path to its answer.

Found, admitted, handed to its integration, and given up after the integration's time-out. Errors are API Gateway's
own (``supported-gateway-response-types``).
"""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from sfn_emulator.cloud.keeping.chance import new_id
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.addressing import DataPlane, host_of
from sfn_emulator.cloud.requests.message import Reply, Request, json_reply
from sfn_emulator.cloud.rest.authorizers import allowed, identity, identity_at
from sfn_emulator.cloud.rest.definition import Method, Stage, Stages, find
from sfn_emulator.cloud.rest.faults import GatewayError
from sfn_emulator.cloud.rest.integrations import INTEGRATIONS, Call, event_of, unsupported
from sfn_emulator.cloud.rest.models import check_body
from sfn_emulator.cloud.rest.tokens import Issuers, PoolAuthorizer, verified_by_pool

_BODY_LIMIT: Final = 10_485_760
"""Bytes of a call's body (API Gateway quotas, 10 MB)."""
_PATIENCE: Final = 29.0
"""Seconds an integration may take unless it says otherwise (API Gateway quotas)."""


class RestApi:
    """Blocking, from any thread. ``ask`` answers requests for other services in this process."""

    def __init__(self, neighbours: Neighbours, account: str, ask: Callable[[Request], Reply]) -> None:
        self._stages = Stages(neighbours, account)
        self._ask = ask
        self._issuers = Issuers(ask)
        self._threads = ThreadPoolExecutor(max_workers=256, thread_name_prefix="integration")

    def answer(self, where: DataPlane, request: Request) -> Reply:
        request_id = new_id()
        try:
            reply = self._answer(where, request, request_id)
        except GatewayError as error:
            kind = {"x-amzn-errortype": error.kind} if error.kind else {}
            reply = json_reply(error.status, {"message": error.message}, kind)
        reply.headers.append(("x-amzn-requestid", request_id))
        return reply

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, where: DataPlane, request: Request, request_id: str) -> Reply:
        stage = self._stages.get(where.api, where.stage)
        if stage is None:
            raise GatewayError(403, "Forbidden", "ForbiddenException")
        if len(request.body) > _BODY_LIMIT:
            raise GatewayError(413, f"HTTP content length exceeded {_BODY_LIMIT} bytes.", "RequestTooLargeException")
        found = find(stage, request.method, where.path)
        if found is None:
            raise GatewayError(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
        query = parse_qs(request.query, keep_blank_values=True)
        context = _context(stage, found.method, where, request, request_id)
        path = unquote(where.path)
        call = Call(stage, found.method, request, path, found.path_parameters, query, context)
        _admit(call)
        return self._integrated(_authorized(call, self._ask, self._issuers))

    def _integrated(self, call: Call) -> Reply:
        run = INTEGRATIONS.get(call.method.integration.get("type") or "", unsupported)
        told = call.method.integration.get("timeoutInMillis")
        try:
            return self._threads.submit(run, call, self._ask).result(float(told) / 1000 if told else _PATIENCE)
        except Late:
            raise GatewayError(504, "Endpoint request timed out", "InternalServerErrorException") from None


def _admit(call: Call) -> None:
    method, headers = call.method, call.request.headers
    if method.authorization == "AWS_IAM" and "authorization" not in headers:
        raise GatewayError(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
    if method.authorization not in ("NONE", "AWS_IAM") and method.authorizer is None:
        kinds = "NONE, AWS_IAM, user pools of Cognito's and Lambda functions are"
        text = f"Authorizers of type {method.authorization} are not run here; {kinds}."
        raise GatewayError(501, text)
    if method.api_key_required and headers.get("x-api-key") not in call.stage.api_keys:
        raise GatewayError(403, "Forbidden", "ForbiddenException")
    missing = [name for name in map(_asked_for, method.required) if not _is_given(call, *name)]
    if missing:
        names = ", ".join(name for _, name in missing)
        raise GatewayError(400, f"Missing required request parameters: [{names}]", "BadRequestException")
    if method.body_schema is not None:
        check_body(call.request.body, method.body_schema)


def _authorized(call: Call, ask: Callable[[Request], Reply], issuers: Issuers) -> Call:
    """The call, with its authorizer's answer about the caller. Raises ``GatewayError``."""
    told = call.method.authorizer
    if told is None:
        return call
    stage, verb = call.stage, call.request.method
    arn = f"arn:aws:execute-api:{stage.region}:{stage.account}:{stage.api}/{stage.name}/{verb}{call.path}"
    query = {name: values[-1] for name, values in call.query.items()}
    given = {"header": call.request.headers, "querystring": query, "context": call.context}
    if isinstance(told, PoolAuthorizer):
        (token, *_) = identity_at(told.sources, {**given, "stageVariables": stage.variables})
        claims = verified_by_pool(told, token, issuers)
        return replace(call, context={**call.context, "authorizer": {"claims": claims}})
    values = identity(told, {**given, "stageVariables": stage.variables})
    event: dict[str, Any] = {"type": told.kind, "methodArn": arn}
    event |= {"authorizationToken": values[0]} if told.kind == "TOKEN" and values else event_of(call)
    caller = allowed(told, stage.region, event, arn, ask)
    return replace(call, context={**call.context, "authorizer": caller})


def _asked_for(parameter: str) -> tuple[str, str]:
    kind, _, name = parameter.removeprefix("method.request.").partition(".")
    return kind, name


def _is_given(call: Call, kind: str, name: str) -> bool:
    given = call.parameters.get(kind, {})
    return bool(given.get(name)) or (kind == "header" and name.lower() in call.request.headers)


def _context(stage: Stage, method: Method, where: DataPlane, request: Request, request_id: str) -> dict[str, Any]:
    """``requestContext`` and ``$context`` (``api-gateway-mapping-template-reference``)."""
    now = time.time_ns() // 1_000_000  # the machine's time: people compare it with their client's log
    return {
        "accountId": stage.account,
        "apiId": stage.api,
        "deploymentId": stage.deployment,
        "domainName": host_of(request.headers),
        "domainPrefix": re.split(r"[.:]", host_of(request.headers))[0],
        "extendedRequestId": request_id.replace("-", "")[:16],
        "httpMethod": request.method,
        "identity": _identity(request),
        "path": f"/{stage.name}{unquote(where.path)}",
        "protocol": "HTTP/1.1",
        "requestId": request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now / 1000)),
        "requestTimeEpoch": now,
        "resourcePath": method.resource_path,
        "stage": stage.name,
    }


def _identity(request: Request) -> dict[str, Any]:
    names = ("accountId", "accessKey", "caller", "cognitoIdentityId", "user", "userArn")
    told: dict[str, Any] = dict.fromkeys(names)
    return {**told, "sourceIp": "127.0.0.1", "userAgent": request.headers.get("user-agent")}
