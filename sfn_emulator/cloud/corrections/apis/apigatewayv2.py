"""HTTP APIs: the quick create (Target) makes its integration, route and stage, and an import reads AWS's extensions."""

import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.keeping.moment import is_new

_EXTENSION: Final = "x-amazon-apigateway-integration"
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_ANY: Final = "x-amazon-apigateway-any-method"
_ROUTE_KEY: Final = re.compile(
    r"\$default|(?:ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) "
    r"/(?:[^{}/]*(?:\{[\w.-]+\}[^{}/]*)?/)*[^{}/]*(?:\{[\w.-]+(?:\}[^{}/]*|\+\}))?"
)
"""A part of the path holds one parameter at most, and only the last part a greedy one (``http-api-develop-routes``)."""
_MALFORMED: Final = (
    "The provided route key is not formatted properly for HTTP protocol. Format should be "
    '"<HTTP METHOD> /<RESOURCE PATH>" or "$default"'
)
_GUARDS: Final = {"request": "CUSTOM", "jwt": "JWT"}
"""An authorizer's type in a definition → its routes' AuthorizationType."""
_OPEN: Final = "NONE"
"""The security that SAM gives to a route which its API's default authorizer does not guard."""
_STAGE: Final = "$default"
_SETTINGS: Final = (
    "api_key_selection_expression",
    "cors_configuration",
    "description",
    "disable_schema_validation",
    "disable_execute_api_endpoint",
    "route_selection_expression",
    "version",
)


def correct() -> None:
    models: Any = importlib.import_module("moto.apigatewayv2.models")
    responses: Any = importlib.import_module("moto.apigatewayv2.responses")
    replace(responses.ApiGatewayV2Response, "create_api", _created)
    replace(models.Api, "import_api", _imported)
    for name in ("create_route", "update_route"):
        replace(models.ApiGatewayV2Backend, name, _formatted)
    responses.ApiGatewayV2Response.import_api = _import_api


def _formatted(inner: Callable[..., Any]) -> Callable[..., Any]:
    """moto takes any text for a route's key."""

    def with_route(self: Any, **named: Any) -> Any:
        key = named.get("route_key")
        if key is not None and self.get_api(named["api_id"]).protocol_type == "HTTP":
            _check_key(key)
        return inner(self, **named)

    return with_route


def is_route_key(key: str) -> bool:
    return _ROUTE_KEY.fullmatch(key) is not None


def _check_key(key: str) -> None:
    if is_new() and not is_route_key(key):
        exceptions: Any = importlib.import_module("moto.apigatewayv2.exceptions")
        raise exceptions.BadRequestException(_MALFORMED)


def _created(inner: Callable[..., Any]) -> Callable[..., Any]:
    def create_api(self: Any) -> Any:
        import orjson

        told = inner(self)
        asked = orjson.loads(self.body)
        if asked.get("target"):
            api = self.apigatewayv2_backend.get_api(orjson.loads(told[2])["apiId"])
            _quick(self.apigatewayv2_backend, api, asked)
        return told

    return create_api


def _import_api(self: Any) -> Any:
    """ImportApi, which moto lacks."""
    import orjson

    body = orjson.loads(self.body)["body"]
    backend = self.apigatewayv2_backend
    blank = dict.fromkeys(_SETTINGS)
    api = backend.create_api(**{**blank, "name": "", "protocol_type": "HTTP", "tags": {}})
    try:
        backend.reimport_api(api.api_id, body, self._get_param("failOnWarnings") == "true")
    except Exception:
        backend.delete_api(api.api_id)
        raise
    return 201, {}, orjson.dumps(api.to_json()).decode()


def _quick(backend: Any, api: Any, asked: Mapping[str, Any]) -> None:
    """API Gateway API reference, CreateApi: ``target``, ``routeKey`` and ``credentialsArn``."""
    target = asked["target"]
    kind = "AWS_PROXY" if target.startswith("arn:") else "HTTP_PROXY"
    version = "2.0" if kind == "AWS_PROXY" else "1.0"
    integration = _integration(api, {"type": kind, "uri": target, "payloadFormatVersion": version, **_role(asked)})
    _add_route(api, asked.get("routeKey") or _STAGE, integration)
    backend.create_stage(api.api_id, {"stageName": _STAGE, "autoDeploy": True})


def _role(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"credentials": asked["credentialsArn"]} if asked.get("credentialsArn") else {}


def _integration(api: Any, told: Mapping[str, Any]) -> str:
    made = api.create_integration(
        connection_type=told.get("connectionType", "INTERNET"),
        description="",
        integration_method=told.get("httpMethod"),
        integration_type=str(told.get("type")).upper(),
        integration_uri=told.get("uri"),
        credentials_arn=told.get("credentials"),
        payload_format_version=str(told.get("payloadFormatVersion", "1.0")),
        integration_subtype=told.get("integrationSubtype"),
        request_parameters=told.get("requestParameters"),
        response_parameters=told.get("responseParameters"),
        timeout_in_millis=told.get("timeoutInMillis"),
    )
    return str(made.id)


class Guard(NamedTuple):
    """A route's guard: AuthorizationType, the authorizer's id, and the scopes of which a token must have one."""

    authorization: str | None = None
    authorizer: str | None = None
    scopes: tuple[str, ...] = ()


def _add_route(api: Any, key: str, integration: str, guard: Guard = Guard()) -> None:  # noqa: B008
    _check_key(key)
    api.create_route(
        api_key_required=False,
        authorization_scopes=list(guard.scopes),
        authorization_type=guard.authorization,
        authorizer_id=guard.authorizer,
        route_key=key,
        target=f"integrations/{integration}",
    )


def _imported(inner: Callable[..., Any]) -> Callable[..., Any]:
    """moto drops the subtype, the parameters, ``$default`` and any-method (``http-api-open-api``)."""

    def import_api(self: Any, body_str: str, fail_on_warnings: bool) -> None:
        import yaml

        inner(self, body_str, fail_on_warnings)
        self.routes.clear()
        self.integrations.clear()
        body = yaml.safe_load(body_str)
        components = body.get("components", {})
        known = components.get("x-amazon-apigateway-integrations", {})
        guards = _guards(self, components.get("securitySchemes") or {})
        for path, details in body.get("paths", {}).items():
            for method, told in details.items():
                if (method in _METHODS or method == _ANY) and _EXTENSION in told:
                    integration = _integration(self, _resolved(told[_EXTENSION], known))
                    key = _route_key(path, method)
                    guard = _guard(told.get("security", body.get("security")), guards, key)
                    _add_route(self, key, integration, guard)

    return import_api


def _guard(asked: Any, guards: Mapping[str, Guard], where: str) -> Guard:
    """The first scheme a route asks for. moto's refusal for one that the definition does not have, or not as an
    authorizer: its calls would be refused, each of them."""
    for row in asked or ():
        for name, scopes in row.items():
            if name == _OPEN:
                continue
            if name not in guards and is_new():
                exceptions: Any = importlib.import_module("moto.apigatewayv2.exceptions")
                raise exceptions.BadRequestException(
                    f"Invalid OpenAPI input: {where} asks for the security scheme '{name}', which is no authorizer "
                    "(x-amazon-apigateway-authorizer of type request or jwt, x-amazon-apigateway-authtype awsSigv4)."
                )
            return guards.get(name, Guard())._replace(scopes=tuple(scopes or ()))
    return Guard()


def _guards(api: Any, schemes: Mapping[str, Any]) -> dict[str, Guard]:
    """The authorizers of a definition, by their schemes' names."""
    made: dict[str, Guard] = {}
    for name, scheme in schemes.items():
        told = scheme.get("x-amazon-apigateway-authorizer") or {}
        kind = str(told.get("type")).lower()
        if scheme.get("x-amazon-apigateway-authtype") == "awsSigv4":
            made[name] = Guard("AWS_IAM")
        elif kind in _GUARDS:
            made[name] = Guard(_GUARDS[kind], _authorizer(api, name, told, kind))
    return made


def _authorizer(api: Any, name: str, told: Mapping[str, Any], kind: str) -> str:
    sources = told.get("identitySource") or []
    sources = sources if isinstance(sources, list) else str(sources).split(",")
    made = api.create_authorizer(
        auth_creds_arn=told.get("authorizerCredentials"),
        auth_payload_format_version=told.get("authorizerPayloadFormatVersion"),
        auth_result_ttl=told.get("authorizerResultTtlInSeconds"),
        authorizer_type=kind.upper(),
        authorizer_uri=told.get("authorizerUri"),
        enable_simple_response=told.get("enableSimpleResponses"),
        identity_source=[source.strip() for source in sources],
        identity_validation_expr=None,
        jwt_config=told.get("jwtConfiguration"),
        name=name,
    )
    return str(made.id)


def _resolved(told: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    return dict(known.get(str(told["$ref"]).rpartition("/")[2], {})) if "$ref" in told else told


def _route_key(path: str, method: str) -> str:
    if path.lstrip("/") == _STAGE:
        return _STAGE
    return f"{'ANY' if method == _ANY else method.upper()} {path}"
