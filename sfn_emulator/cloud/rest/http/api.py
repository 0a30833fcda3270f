"""The data plane of HTTP APIs (API Gateway v2): a call of a stage, from its path to its answer."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote

from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.addressing import DataPlane
from sfn_emulator.cloud.requests.message import Reply, Request, json_reply
from sfn_emulator.cloud.rest.authorizers import Given, allowed, identity, identity_at
from sfn_emulator.cloud.rest.faults import GatewayError
from sfn_emulator.cloud.rest.http.cors import preflight, shared
from sfn_emulator.cloud.rest.http.definition import Api, Apis, Found, find
from sfn_emulator.cloud.rest.http.integrations import integrate
from sfn_emulator.cloud.rest.http.payload import DEFAULT, Call, context_2, event_1, event_2
from sfn_emulator.cloud.rest.integrations import Ask
from sfn_emulator.cloud.rest.tokens import Issuers, TokenAuthorizer, verified

_BODY_LIMIT: Final = 10_485_760
"""Bytes of a call's body (API Gateway quotas, 10 MB)."""
_PATIENCE: Final = 30.0
"""Seconds an integration may take unless it says otherwise (API Gateway quotas of HTTP APIs)."""


class HttpApi:
    """Blocking, from any thread. ``ask`` answers requests for other services in this process."""

    def __init__(self, neighbours: Neighbours, account: str, ask: Ask) -> None:
        self._apis, self._account, self._ask = Apis(neighbours), account, ask
        self._issuers = Issuers(ask)
        self._threads = ThreadPoolExecutor(max_workers=256, thread_name_prefix="http-integration")

    def has(self, api: str) -> bool:
        """Whether the id is that of an API of version 2."""
        return self._apis.get(api) is not None

    def answer(self, where: DataPlane, request: Request) -> Reply:
        try:
            return self._answer(where, request)
        except GatewayError as error:
            return json_reply(error.status, {"message": error.message})

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, where: DataPlane, request: Request) -> Reply:
        api = self._apis.get(where.api)
        if api is None:
            raise GatewayError(404, "Not Found")
        if api.protocol != "HTTP":
            raise GatewayError(501, f"{api.protocol} APIs are not called here; HTTP APIs and REST APIs are.")
        asked = preflight(api.cors, request)
        if asked is not None:
            return asked
        stage, path = _staged(api, where, request)
        found = find(api, request.method, path)
        if found is None:
            reply = json_reply(404, {"message": "Not Found"})
        else:
            full = path if stage == DEFAULT else f"/{stage}{path}"
            call = self._call(api, stage, found, request, full)
            reply = self._admitted(api, found, call)
            reply.headers.append(("apigw-requestid", call.request_id))
        return shared(api.cors, request, reply)

    def _call(self, api: Api, stage: str, found: Found, request: Request, path: str) -> Call:
        key, variables = found.route.key, api.stages[stage]
        return Call(request, self._account, api.id, stage, key, path, found.path_parameters, variables)

    def _admitted(self, api: Api, found: Found, call: Call) -> Reply:
        try:
            _admit(found, call)
            known = _authorized(api, found, call, self._ask, self._issuers)
            return self._integrated(api, found.route.integration or {}, known)
        except GatewayError as error:
            return json_reply(error.status, {"message": error.message})

    def _integrated(self, api: Api, integration: Mapping[str, Any], call: Call) -> Reply:
        told = integration.get("timeoutInMillis")
        run = self._threads.submit(integrate, api, integration, call, self._ask)
        try:
            return run.result(float(told) / 1000 if told else _PATIENCE)
        except Late:
            raise GatewayError(503, "Service Unavailable") from None


def _admit(found: Found, call: Call) -> None:
    kind = found.route.authorization
    if kind == "AWS_IAM" and "authorization" not in call.request.headers:
        raise GatewayError(403, "Forbidden")
    if kind not in ("NONE", "AWS_IAM") and found.route.authorizer is None:
        raise GatewayError(501, f"Authorizers of type {kind} are not run here; NONE, AWS_IAM, JWT and functions are.")
    if len(call.request.body) > _BODY_LIMIT:
        raise GatewayError(413, "Request Entity Too Large")
    if found.route.integration is None:
        raise GatewayError(500, "Internal Server Error")


def _authorized(api: Api, found: Found, call: Call, ask: Ask, issuers: Issuers) -> Call:
    """The call, with its authorizer's answer about the caller. Raises ``GatewayError``."""
    told = found.route.authorizer
    if told is None:
        return call
    if isinstance(told, TokenAuthorizer):
        (token, *_) = identity_at(told.sources, _given(call))
        return replace(call, caller=verified(told, token, issuers), kind="jwt")
    verb, _, path = call.route_key.partition(" ")
    arn = f"arn:aws:execute-api:{api.region}:{call.account}:{api.id}/{call.stage}/{verb}{path}"
    values = identity(told, _given(call))
    if told.version == "1.0":
        first = values[0] if values else None
        event = {**event_1(call), "methodArn": arn, "identitySource": ",".join(values), "authorizationToken": first}
    else:
        event = {**event_2(call), "routeArn": arn, "identitySource": values}
    caller = allowed(told, api.region, {**event, "type": "REQUEST", "version": told.version}, arn, ask)
    return replace(call, caller=caller)


def _given(call: Call) -> Given:
    query = {name: ",".join(values) for name, values in call.query.items()}
    given = {"header": call.request.headers, "querystring": query, "stageVariables": call.variables}
    return {**given, "context": context_2(call)}


def _staged(api: Api, where: DataPlane, request: Request) -> tuple[str, str]:
    """The stage and the path below it: the first part of the path when it names a stage, ``$default`` otherwise."""
    if where.stage in api.stages:
        return where.stage, unquote(where.path)
    if DEFAULT not in api.stages:
        raise GatewayError(404, "Not Found")
    rest = where.path if where.path != "/" or request.path.endswith("/") else ""
    return DEFAULT, unquote(f"/{where.stage}{rest}" if where.stage else where.path)
