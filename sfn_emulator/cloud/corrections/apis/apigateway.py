"""A REST API's definition, imported as API Gateway does: Swagger 2.0 and OpenAPI 3, with their models, validators and
parameters (``x-amazon-apigateway-*`` extensions, API Gateway Developer Guide)."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sfn_emulator.cloud.corrections.apis import apigatewayv2
from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.keeping.moment import is_new
from sfn_emulator.values import dumps

Method = Callable[..., Any]

_VERBS: Final = frozenset(("get", "put", "post", "delete", "options", "head", "patch"))
_ANY: Final = "x-amazon-apigateway-any-method"
_INTEGRATION: Final = "x-amazon-apigateway-integration"
_VALIDATORS: Final = "x-amazon-apigateway-request-validators"
_VALIDATOR: Final = "x-amazon-apigateway-request-validator"
_POOLS: Final = "COGNITO_USER_POOLS"
_PLACES: Final = {"path": "path", "query": "querystring", "header": "header"}


def correct() -> None:
    models: Any = importlib.import_module("moto.apigateway.models")
    backend = models.APIGatewayBackend
    replace(models.Authorizer, "__init__", _authorizer_made)
    replace(models.Resource, "get_path", lambda inner: _path)
    replace(backend, "put_rest_api", _put)
    replace(importlib.import_module("moto.apigateway.responses").APIGatewayResponse, "_get_param", _no_changes)
    replace(backend, "import_rest_api", _imported)
    apigatewayv2.correct()  # both have one signing name, so one module of moto's gets the requests of both


def _authorizer_made(inner: Method) -> Method:
    """moto passes the expression under a misspelt name, ``identiy_validation_expression``, which nobody reads."""

    def make(self: Any, *arguments: Any, **told: Any) -> None:
        expression = told.pop("identiy_validation_expression", None)
        inner(self, *arguments, **{"identity_validation_expression": expression, **told})

    return make


def _no_changes(inner: Method) -> Method:
    """An update without ``patchOperations`` changes nothing; moto fails."""

    def get_param(self: Any, name: str, *default: Any, **named: Any) -> Any:
        told = inner(self, name, *default, **named)
        return [] if told is None and name == "patchOperations" else told

    return get_param


def _path(self: Any) -> str:
    """The path of a resource, from the root. moto goes up by recursion, two calls for every part."""
    parts: list[str] = []
    models, resource = importlib.import_module("moto.apigateway.models"), self
    backend = models.apigateway_backends[self.account_id][self.region_name]
    while resource.parent_id:
        parts.append(resource.path_part)
        resource = backend.get_resource(self.api_id, resource.parent_id)
    return "/" + "/".join(reversed(parts))


def _imported(inner: Method) -> Method:
    def import_rest_api(self: Any, api_doc: dict[str, Any], fail_on_warnings: bool) -> Any:
        info = api_doc.get("info") or {}
        api = self.create_rest_api(name=info.get("title", ""), description=info.get("description", ""))
        return self.put_rest_api(api.id, api_doc, fail_on_warnings=fail_on_warnings, mode="overwrite")

    return import_rest_api


def _put(inner: Method) -> Method:
    exceptions = importlib.import_module("moto.apigateway.exceptions")

    def put_rest_api(
        self: Any, function_id: str, api_doc: dict[str, Any], fail_on_warnings: bool, mode: str = "merge"
    ) -> Any:
        if is_new() and mode not in ("merge", "overwrite"):
            raise exceptions.InvalidOpenApiModeException()
        if is_new() and api_doc.get("swagger") != "2.0" and not str(api_doc.get("openapi", "")).startswith("3"):
            raise exceptions.InvalidOpenApiDocVersionException()
        api = self.get_rest_api(function_id)
        if mode == "overwrite":
            api.resources, api.models, api.request_validators, api.authorizers = {}, {}, {}, {}
            api.default = api.add_child("/")
        _Import(self, api, api_doc).run()
        return self.get_rest_api(function_id)

    return put_rest_api


class _Import:
    """One definition on its way into one API."""

    def __init__(self, backend: Any, api: Any, document: Mapping[str, Any]) -> None:
        self._backend, self._api, self._document = backend, api, document
        self._validators: dict[str, str] = {}
        self._authorizers: dict[str, str] = {}
        self._resources: dict[str, Any] = {found.get_path(): found for found in api.resources.values()}
        """By path: moto would look through all of them, and put each one's path together, for every part of a path."""

    def run(self) -> None:
        self._models()
        for name, told in (self._document.get(_VALIDATORS) or {}).items():
            body, parameters = told.get("validateRequestBody"), told.get("validateRequestParameters")
            self._validators[name] = self._api.create_request_validator(name, body, parameters).id
        for path, item in sorted((self._document.get("paths") or {}).items()):
            resource = self._resource(path)
            shared = item.get("parameters") or []
            for verb, method in item.items():
                if verb.lower() in _VERBS or verb == _ANY:
                    self._method(resource, "ANY" if verb == _ANY else verb.upper(), method or {}, shared)

    def _models(self) -> None:
        components = self._document.get("components") or {}
        schemas = self._document.get("definitions") or components.get("schemas") or {}
        for name, schema in schemas.items():
            whole = {**schema, "definitions": schemas, "components": {"schemas": schemas}}
            self._backend.create_model(
                rest_api_id=self._api.id,
                name=name,
                content_type="application/json",
                description=schema.get("description", ""),
                schema=dumps(whole),
            )

    def _resource(self, path: str) -> Any:
        """The resource of a path, with those above it."""
        found = self._resources["/"]
        so_far = ""
        for part in path.strip("/").split("/"):
            if not part:
                continue
            so_far += f"/{part}"
            if so_far not in self._resources:
                self._resources[so_far] = self._backend.create_resource(self._api.id, found.id, part)
            found = self._resources[so_far]
        return found

    def _method(self, resource: Any, verb: str, method: Mapping[str, Any], shared: list[Any]) -> None:
        where = (self._api.id, resource.id, verb)
        parameters = [row for row in [*shared, *(method.get("parameters") or [])] if isinstance(row, Mapping)]
        validator = self._validators.get(method.get(_VALIDATOR) or self._document.get(_VALIDATOR) or "")
        self._backend.put_method(
            *where,
            self._authorization(method),
            api_key_required=self._wants_key(method),
            request_parameters=dict(_parameters(parameters)),
            request_models=_models_of(method, parameters),
            operation_name=method.get("operationId"),
            authorizer_id=self._authorizer(method),
            authorization_scopes=self._scopes(method),
            request_validator_id=validator,
        )
        for status, told in (method.get("responses") or {}).items():
            headers = {f"method.response.header.{name}": False for name in (told or {}).get("headers") or {}}
            self._backend.put_method_response(*where, str(status), response_models=None, response_parameters=headers)
        integration = method.get(_INTEGRATION)
        if integration:
            self._integrate(where, integration)

    def _schemes(self, method: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        wanted = method.get("security", self._document.get("security") or [])
        components = self._document.get("components") or {}
        known = self._document.get("securityDefinitions") or components.get("securitySchemes") or {}
        return {name: known[name] for row in wanted for name in row if name in known}

    def _authorizer(self, method: Mapping[str, Any]) -> str | None:
        """The id of the authorizer that the method's security asks for: a function, or user pools of Cognito's."""
        for name, scheme in self._schemes(method).items():
            told = scheme.get("x-amazon-apigateway-authorizer") or {}
            if str(told.get("type")).upper() in ("TOKEN", "REQUEST", _POOLS):
                if name not in self._authorizers:
                    self._authorizers[name] = self._add_authorizer(name, scheme, told)
                return self._authorizers[name]
        return None

    def _scopes(self, method: Mapping[str, Any]) -> list[str] | None:
        wanted = method.get("security", self._document.get("security") or [])
        return [scope for row in wanted for scopes in row.values() for scope in scopes or ()] or None

    def _add_authorizer(self, name: str, scheme: Mapping[str, Any], told: Mapping[str, Any]) -> str:
        source = told.get("identitySource")
        if source is None and scheme.get("name") not in (None, "Unused"):
            source = f"method.request.header.{scheme['name']}"
        made = self._backend.create_authorizer(
            self._api.id,
            name,
            str(told["type"]).upper(),
            provider_arns=told.get("providerARNs"),
            authorizer_uri=told.get("authorizerUri"),
            authorizer_credentials=told.get("authorizerCredentials"),
            identity_source=source,
            identiy_validation_expression=told.get("identityValidationExpression"),
            authorizer_result_ttl=told.get("authorizerResultTtlInSeconds"),
        )
        return str(made.id)

    def _authorization(self, method: Mapping[str, Any]) -> str:
        kinds = [scheme.get("x-amazon-apigateway-authtype") for scheme in self._schemes(method).values()]
        if any(str(kind).upper() == _POOLS for kind in kinds):
            return _POOLS
        if "awsSigv4" in kinds or (method.get("x-amazon-apigateway-auth") or {}).get("type") == "AWS_IAM":
            return "AWS_IAM"
        return "CUSTOM" if any(kinds) else "NONE"

    def _wants_key(self, method: Mapping[str, Any]) -> bool:
        return any(
            scheme.get("type") == "apiKey"
            and scheme.get("name", "").lower() == "x-api-key"
            and "x-amazon-apigateway-authtype" not in scheme
            for scheme in self._schemes(method).values()
        )

    def _integrate(self, where: tuple[str, str, str], told: Mapping[str, Any]) -> None:
        self._backend.put_integration(
            *where,
            str(told.get("type", "")).upper(),
            told.get("uri", ""),
            told.get("httpMethod") or where[2],
            credentials=told.get("credentials"),
            request_templates=told.get("requestTemplates"),
            passthrough_behavior=str(told.get("passthroughBehavior") or "when_no_match").upper(),
            timeout_in_millis=told.get("timeoutInMillis"),
            request_parameters=told.get("requestParameters"),
            content_handling=told.get("contentHandling"),
            connection_type=told.get("connectionType"),
        )
        for pattern, response in (told.get("responses") or {}).items():
            self._backend.put_integration_response(
                *where,
                str(response.get("statusCode", "200")),
                "" if pattern == "default" else pattern,
                response.get("responseTemplates") or {},
                response.get("responseParameters") or {},
                content_handling=response.get("contentHandling"),
            )


def _parameters(rows: list[Mapping[str, Any]]) -> Iterator[tuple[str, bool]]:
    for row in rows:
        place = _PLACES.get(row.get("in", ""))
        if place:
            yield f"method.request.{place}.{row['name']}", bool(row.get("required"))


def _models_of(method: Mapping[str, Any], parameters: list[Mapping[str, Any]]) -> dict[str, str]:
    """Content type → name of the model a request's body must fit: Swagger's body parameter, OpenAPI's requestBody."""
    body = next((row.get("schema") for row in parameters if row.get("in") == "body"), None)
    schemas = {"application/json": body} if body else {}
    for kind, content in ((method.get("requestBody") or {}).get("content") or {}).items():
        schemas[kind] = content.get("schema") or {}
    return {kind: schema["$ref"].rpartition("/")[2] for kind, schema in schemas.items() if "$ref" in schema}
