"""A deployed REST API for its data plane, read from moto's API Gateway backend."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.rest.authorizers import Authorizer, authorizer
from sfn_emulator.cloud.rest.tokens import PoolAuthorizer, pools

POOLS: Final = "COGNITO_USER_POOLS"
_KINDS: Final = {"CUSTOM": ("TOKEN", "REQUEST"), POOLS: (POOLS,)}
"""A method's AuthorizationType → its authorizer's."""
_VARIABLE: Final = re.compile(r"\$\{stageVariables\.([\w-]+)\}")


@dataclass(frozen=True, slots=True)
class Method:
    """``integration`` is as GetIntegration shows it; ``responses`` are the method's own, by status code."""

    resource_id: str
    resource_path: str
    http_method: str
    authorization: str
    api_key_required: bool
    integration: Mapping[str, Any]
    required: tuple[str, ...] = ()
    body_schema: Mapping[str, Any] | None = None
    authorizer: Authorizer | PoolAuthorizer | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One deployed stage of one API."""

    api: str
    region: str
    account: str
    name: str
    deployment: str
    variables: Mapping[str, str]
    methods: tuple[Method, ...]
    api_keys: frozenset[str] = frozenset()
    patterns: tuple[tuple[re.Pattern[str], Method], ...] = field(default=(), repr=False)


class Found(NamedTuple):
    method: Method
    path_parameters: dict[str, str]


def find(stage: Stage, http_method: str, path: str) -> Found | None:
    """The method of a path. Literal parts win over parameters, these over ``{proxy+}``; an exact method wins over
    ANY.
    """
    for pattern, method in stage.patterns:
        if method.http_method not in (http_method, "ANY"):
            continue
        matched = pattern.fullmatch(path) or pattern.fullmatch(path.rstrip("/") or "/")
        if matched:
            return Found(method, {name: unquote(value) for name, value in matched.groupdict().items()})
    return None


class Stages:
    """The deployed stages; kept until something about API Gateway changes."""

    def __init__(self, neighbours: Neighbours, account: str) -> None:
        self._neighbours, self._account = neighbours, account
        self._known: dict[tuple[str, str], Stage | None] = {}
        self._seen = -1

    def get(self, api: str, stage: str) -> Stage | None:
        changes = self._neighbours.changes("apigateway", "cloudformation")
        if changes != self._seen:
            self._known, self._seen = {}, changes
        key = (api, stage)
        if key not in self._known:
            self._known[key] = self._read(api, stage)
        return self._known[key]

    def _read(self, api: str, name: str) -> Stage | None:
        with self._neighbours.held("apigateway"):
            for region, backend in self._neighbours.backends("apigateway"):
                found = backend.apis.get(api)
                if found is not None and name in found.stages:
                    return _stage(found, found.stages[name], region, self._account, backend)
        return None


def _stage(api: Any, stage: Any, region: str, account: str, backend: Any) -> Stage:
    variables = {str(k): str(v) for k, v in (stage.variables or {}).items()}
    methods = tuple(
        _method(api, resource, method, variables)
        for resource in api.resources.values()
        for method in resource.resource_methods.values()
        if method.method_integration is not None
    )
    ranked = sorted(methods, key=lambda method: (_rank(method.resource_path), method.http_method == "ANY"))
    return Stage(
        api=api.id,
        region=region,
        account=account,
        name=stage.name,
        deployment=stage.deployment_id or "",
        variables=variables,
        methods=methods,
        api_keys=frozenset(key.value for key in backend.keys.values()),
        patterns=tuple((_pattern(method.resource_path), method) for method in ranked),
    )


def _method(api: Any, resource: Any, method: Any, variables: Mapping[str, str]) -> Method:
    integration = method.method_integration.to_json()
    uri = _VARIABLE.sub(lambda found: variables.get(found[1], ""), integration.get("uri") or "")
    required, schema = _validation(api, method)
    return Method(
        resource_id=resource.id,
        resource_path=resource.get_path(),
        http_method=method.http_method,
        authorization=method.authorization_type or "NONE",
        api_key_required=str(method.api_key_required).lower() == "true",
        integration={**integration, "uri": uri},
        required=required,
        body_schema=schema,
        authorizer=_authorizer(api, method, variables),
    )


def _authorizer(api: Any, method: Any, variables: Mapping[str, str]) -> Authorizer | PoolAuthorizer | None:
    """The authorizer; ``None`` for none."""
    found = api.authorizers.get(method.authorizer_id)
    if found is None or found.type not in _KINDS.get(method.authorization_type, ()):
        return None
    source, pattern = found.identity_source, found.identity_validation_expression or ""
    if found.type == POOLS:
        return PoolAuthorizer(
            (source or "method.request.header.Authorization",),
            pools(found.provider_arns or ()),
            tuple(method.authorization_scopes or ()),
            pattern,
        )
    uri = _VARIABLE.sub(lambda name: variables.get(name[1], ""), found.authorizer_uri or "")
    return authorizer(uri, found.type, source, pattern=pattern)


def _validation(api: Any, method: Any) -> tuple[tuple[str, ...], Mapping[str, Any] | None]:
    validator = api.request_validators.get(method.request_validator_id) if method.request_validator_id else None
    if validator is None:
        return (), None
    parameters = method.request_parameters or {} if validator.validate_request_parameters else {}
    required = tuple(name for name, needed in parameters.items() if str(needed).lower() == "true")
    models = method.request_models or {} if validator.validate_request_body else {}
    wanted = models.get("application/json")
    model = next((m for m in api.models.values() if m.name == wanted), None)
    return required, _schema(model)


def _schema(model: Any) -> Mapping[str, Any] | None:
    import orjson

    if model is None or not model.schema:
        return None
    told = orjson.loads(model.schema) if isinstance(model.schema, str) else model.schema
    return told if isinstance(told, dict) else None


def _rank(path: str) -> tuple[int, int, int]:
    return ("+}" in path, path.count("{"), -len(path))


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{([^{}]+)\}", path)
    text = ""
    for index, part in enumerate(parts):
        if index % 2 == 0:
            text += re.escape(part)
        else:
            name = re.sub(r"\W", "_", part.rstrip("+"))
            text += f"(?P<{name}>.+)" if part.endswith("+") else f"(?P<{name}>[^/]+)"
    return re.compile(text)
