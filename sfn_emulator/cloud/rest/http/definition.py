"""A stage of an HTTP API for its data plane, read from moto's backend for API Gateway v2."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from sfn_emulator.cloud.corrections.apis.apigatewayv2 import is_route_key
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.rest.authorizers import Authorizer, authorizer
from sfn_emulator.cloud.rest.http.cors import Cors, configured
from sfn_emulator.cloud.rest.http.payload import DEFAULT
from sfn_emulator.cloud.rest.tokens import TokenAuthorizer

_KINDS: Final = {"CUSTOM": "REQUEST", "JWT": "JWT"}
"""A route's AuthorizationType → its authorizer's."""
_NOWHERE: Final = re.compile(r"(?!)")
_PART: Final = re.compile(r"\{(\w[\w.-]*)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """``key`` is ``METHOD /path`` or ``$default``; ``integration`` as GetIntegration shows it."""

    key: str
    authorization: str
    integration: Mapping[str, Any] | None
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    authorizer: Authorizer | TokenAuthorizer | None = None

    @property
    def method(self) -> str:
        return self.key.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Api:
    """``protocol`` is HTTP or WEBSOCKET; ``routes`` are in the order in which they are tried."""

    id: str
    region: str
    protocol: str
    cors: Cors | None
    stages: Mapping[str, Mapping[str, str]]
    routes: tuple[Route, ...]


class Found(NamedTuple):
    route: Route
    path_parameters: dict[str, str]


def find(api: Api, method: str, path: str) -> Found | None:
    """The route of a path: a full match wins over a greedy one, this over ``$default``; an exact method wins over
    ANY.
    """
    for route in api.routes:
        matched = route.pattern.fullmatch(path)
        if matched and route.method in (method, "ANY", DEFAULT):
            return Found(route, dict(zip(route.names, map(unquote, matched.groups()), strict=True)))
    return None


class Apis:
    """The APIs of version 2; kept until something about API Gateway changes."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self._known: dict[str, Api | None] = {}
        self._seen = -1

    def get(self, api: str) -> Api | None:
        changes = self._neighbours.changes("apigateway", "cloudformation")
        if changes != self._seen:
            self._known, self._seen = {}, changes
        if api not in self._known:
            self._known[api] = self._read(api)
        return self._known[api]

    def _read(self, api: str) -> Api | None:
        with self._neighbours.held("apigatewayv2"):
            for region, backend in self._neighbours.backends("apigatewayv2"):
                if api in backend.apis:
                    return _api(backend.apis[api], region)
        return None


def _api(api: Any, region: str) -> Api:
    routes = [_route(api, route) for route in api.routes.values()]
    return Api(
        id=api.api_id,
        region=region,
        protocol=api.protocol_type,
        cors=configured(api.cors_configuration),
        stages={name: dict(stage.stage_variables or {}) for name, stage in api.stages.items()},
        routes=tuple(sorted(routes, key=_rank)),
    )


def _route(api: Any, route: Any) -> Route:
    path = route.route_key.partition(" ")[2]
    integration = api.integrations.get((route.target or "").removeprefix("integrations/"))
    pattern, names = _pattern(path) if path else (re.compile(".*"), ())
    if not is_route_key(route.route_key):  # made by an older version, which did not refuse it
        pattern, names = _NOWHERE, ()
    return Route(
        key=route.route_key,
        authorization=route.authorization_type or "NONE",
        integration=integration.to_json() if integration else None,
        pattern=pattern,
        names=names,
        authorizer=_authorizer(api, route),
    )


def _authorizer(api: Any, route: Any) -> Authorizer | TokenAuthorizer | None:
    found = api.authorizers.get(route.authorizer_id)
    if found is None or found.authorizer_type != _KINDS.get(route.authorization_type):
        return None
    if found.authorizer_type == "JWT":
        told = found.jwt_config or {}
        named = {name.lower(): value for name, value in told.items()}
        return TokenAuthorizer(
            tuple(found.identity_source or ("$request.header.Authorization",)),
            str(named.get("issuer") or ""),
            tuple(named.get("audience") or ()),
            tuple(route.authorization_scopes or ()),
        )
    return authorizer(
        found.authorizer_uri,
        "REQUEST",
        found.identity_source,
        version=str(found.auth_payload_format_version or "2.0"),
        simple=str(found.enable_simple_response).lower() == "true",
    )


def _rank(route: Route) -> tuple[bool, bool, int, int, bool]:
    path = route.key.partition(" ")[2]
    return (not path, "+}" in path, path.count("{"), -len(path), route.method == "ANY")


def _pattern(path: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    text, end, names = "", 0, []
    for found in _PART.finditer(path):
        text += re.escape(path[end : found.start()]) + ("(.+)" if found[2] else "([^/]+)")
        names.append(found[1])
        end = found.end()
    return re.compile(text + re.escape(path[end:])), tuple(names)
