"""The integrations of REST APIs, one function per integration type: each answers a call of a method.

Each gives a ``Reply`` or raises ``GatewayError``, which is one of API Gateway's own answers.
"""

import base64
import binascii
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from sfn_emulator.cloud.requests.message import Headers, Reply, Request
from sfn_emulator.cloud.rest.definition import Method, Stage
from sfn_emulator.cloud.rest.faults import GatewayError, signed
from sfn_emulator.cloud.rest.mapping import Input, Util
from sfn_emulator.cloud.rest.velocity.frame import VtlError
from sfn_emulator.cloud.rest.velocity.template import render
from sfn_emulator.query.bounded import PatternError, matches

Ask = Callable[[Request], Reply]

_log: Final = logging.getLogger(__name__)

_FUNCTION: Final = re.compile(r"/functions/(?P<arn>.+?)/invocations$")
_ACTION: Final = re.compile(r"^arn:aws[\w-]*:apigateway:(?P<region>[\w-]*):(?P<service>[\w.-]+):action/(?P<name>\w+)$")
_PATH: Final = re.compile(r"^arn:aws[\w-]*:apigateway:(?P<region>[\w-]*):(?P<service>[\w.-]+):path/(?P<path>.*)$")
_JSON_TARGETS: Final = {
    "states": ("AWSStepFunctions", "1.0"),
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "events": ("AWSEvents", "1.1"),
    "sqs": ("AmazonSQS", "1.0"),
    "logs": ("Logs_20140328", "1.1"),
    "kinesis": ("Kinesis_20131202", "1.1"),
    "secretsmanager": ("secretsmanager", "1.1"),
    "ssm": ("AmazonSSM", "1.1"),
    "kms": ("TrentService", "1.1"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a deployed method. ``headers`` as the client wrote them but in lower case."""

    stage: Stage
    method: Method
    request: Request
    path: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, list[str]]
    context: Mapping[str, Any]

    @property
    def parameters(self) -> dict[str, dict[str, str]]:
        query = {name: values[-1] for name, values in self.query.items()}
        return {"path": dict(self.path_parameters), "querystring": query, "header": _titled(self.request.headers)}


# -- AWS_PROXY: the function gets the whole request and gives the whole response


def lambda_proxy(call: Call, ask: Ask) -> Reply:
    """AWS_PROXY: the function gets the whole request and makes the whole reply; 502 for any other answer."""
    told = _invoked(call, orjson.dumps(event_of(call)), ask)
    if told.status != 200 or _header(told, "x-amz-function-error"):
        raise GatewayError(502, "Internal server error", "InternalServerErrorException")
    try:
        return proxied(orjson.loads(told.body))
    except (ValueError, TypeError, AttributeError, KeyError, binascii.Error):
        raise GatewayError(502, "Internal server error", "InternalServerErrorException") from None


def event_of(call: Call) -> dict[str, Any]:
    """The event of payload format 1.0 (``set-up-lambda-proxy-integrations``)."""
    headers = _titled(call.request.headers)
    body, encoded = _text(call.request.body)
    return {
        "resource": call.method.resource_path,
        "path": call.path,
        "httpMethod": call.request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in call.query.items()} or None,
        "multiValueQueryStringParameters": dict(call.query) or None,
        "pathParameters": dict(call.path_parameters) or None,
        "stageVariables": dict(call.stage.variables) or None,
        "requestContext": {"resourceId": call.method.resource_id, **call.context},
        "body": body,
        "isBase64Encoded": encoded,
    }


def proxied(answer: Any) -> Reply:
    """A function's answer in format 1.0 as a reply. Raises ValueError, TypeError and the like for an invalid one."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        raise ValueError("no statusCode")
    body = answer.get("body")
    if body is not None and not isinstance(body, str):
        raise ValueError("body is no text")
    content = base64.b64decode(body) if answer.get("isBase64Encoded") and body else (body or "").encode()
    headers = [(str(name).lower(), _plain(value)) for name, value in (answer.get("headers") or {}).items()]
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers = [pair for pair in headers if pair[0] != name.lower()]
        headers += [(name.lower(), _plain(value)) for value in values]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    return Reply(int(answer["statusCode"]), headers, content)


# -- AWS: templates in and out


def aws(call: Call, ask: Ask) -> Reply:
    """AWS: mapping templates around a call of a function or of another service."""
    uri = call.method.integration["uri"]
    payload = _mapped_request(call)
    if ":lambda:path/" in uri:
        told = _invoked(call, payload.encode(), ask)
        failed = told.status != 200 or bool(_header(told, "x-amz-function-error"))
        return _mapped_response(call, told, _error_message(told) if failed else "")
    told = ask(_service_request(call, uri, payload))
    return _mapped_response(call, told, str(told.status))


def mock(call: Call, ask: Ask) -> Reply:
    """MOCK: the request template itself says the status."""
    try:
        told = orjson.loads(_mapped_request(call) or "{}")
        status = int(told["statusCode"])
    except (ValueError, KeyError, TypeError):
        raise GatewayError(500, "Internal server error", "InternalServerErrorException") from None
    return _mapped_response(call, Reply(status, [], b""), str(status))


def unsupported(call: Call, ask: Ask) -> Reply:
    kind = call.method.integration.get("type")
    raise GatewayError(501, f"Integrations of type {kind} are not called here; AWS_PROXY, AWS and MOCK are.")


INTEGRATIONS: Final[dict[str, Callable[[Call, Ask], Reply]]] = {"AWS_PROXY": lambda_proxy, "AWS": aws, "MOCK": mock}


def _invoked(call: Call, payload: bytes, ask: Ask) -> Reply:
    found = _FUNCTION.search(call.method.integration["uri"])
    if found is None:
        raise GatewayError(500, "Internal server error", "InternalServerErrorException")
    headers = signed("lambda", call.stage.region)
    return ask(Request("POST", f"/2015-03-31/functions/{found['arn']}/invocations", "", headers, payload))


def _service_request(call: Call, uri: str, payload: str) -> Request:
    action, path = _ACTION.match(uri), _PATH.match(uri)
    found = action or path
    if found is None:
        raise GatewayError(500, "Internal server error", "InternalServerErrorException")
    service, region = found["service"], found["region"] or call.stage.region
    headers = {**signed(service, region), **_integration_headers(call)}
    method = call.method.integration.get("httpMethod") or "POST"
    if path:
        return Request(method, "/" + path["path"].lstrip("/"), "", headers, payload.encode())
    if service in _JSON_TARGETS:
        prefix, version = _JSON_TARGETS[service]
        headers["x-amz-target"] = f"{prefix}.{found['name']}"
        headers["content-type"] = f"application/x-amz-json-{version}"
        return Request("POST", "/", "", headers, payload.encode())
    headers.setdefault("content-type", "application/x-www-form-urlencoded")
    body = payload if "Action=" in payload else f"Action={found['name']}&{payload}"
    return Request("POST", "/", "", headers, body.encode())


def _integration_headers(call: Call) -> Headers:
    headers: Headers = {}
    for target, source in (call.method.integration.get("requestParameters") or {}).items():
        kind, _, name = target.partition("integration.request.header.")
        if not kind and name:
            headers[name.lower()] = _parameter(call, str(source))
    return headers


def _parameter(call: Call, source: str) -> str:
    if source.startswith("'"):
        return source.strip("'")
    kind, _, name = source.removeprefix("method.request.").partition(".")
    return call.parameters.get(kind, {}).get(name, "")


# -- templates


def _mapped_request(call: Call) -> str:
    templates: Mapping[str, str] = call.method.integration.get("requestTemplates") or {}
    content_type = call.request.headers.get("content-type", "application/json").partition(";")[0].strip()
    body = call.request.body.decode("utf-8", "replace")
    template = templates.get(content_type)
    if template is not None:
        return _rendered(template, _variables(call, body or "{}"))  # an empty request is {} to a template (seen on AWS)
    behaviour = call.method.integration.get("passthroughBehavior") or "WHEN_NO_MATCH"
    if behaviour == "NEVER" or (behaviour == "WHEN_NO_TEMPLATES" and templates):
        raise GatewayError(415, "Unsupported Media Type", "BadRequestException")
    return body


def _mapped_response(call: Call, told: Reply, pattern_subject: str) -> Reply:
    responses: Mapping[str, Any] = call.method.integration.get("integrationResponses") or {}
    chosen = _chosen(responses, pattern_subject)
    if chosen is None:
        raise GatewayError(500, "Internal server error", "InternalServerErrorException")
    body = told.body.decode("utf-8", "replace")
    variables = _variables(call, body)
    template = (chosen.get("responseTemplates") or {}).get("application/json")
    content = _rendered(template, variables) if template else body
    override = variables["context"].get("responseOverride", {})
    headers = _response_headers(chosen.get("responseParameters") or {}, told, Input(body, {}))
    headers |= {str(name).lower(): _plain(value) for name, value in override.get("header", {}).items()}
    headers.setdefault("content-type", "application/json")
    return Reply(int(override.get("status", chosen["statusCode"])), list(headers.items()), content.encode())


def _chosen(responses: Mapping[str, Any], subject: str) -> Mapping[str, Any] | None:
    """The first response whose selectionPattern matches, else the one without a pattern."""
    default: Mapping[str, Any] | None = None
    for response in responses.values():
        pattern = response.get("selectionPattern")
        if not pattern:
            default = default or response
        elif subject and _selects(str(pattern), subject):
            return dict(response)
    return default


def _selects(pattern: str, subject: str) -> bool:
    """Whether the pattern matches. An invalid or too slow pattern selects nothing, and the log says so."""
    try:
        return matches(pattern, subject)
    except PatternError as error:
        _log.warning("A selectionPattern was passed over: %s", error)
        return False


def _response_headers(parameters: Mapping[str, str], told: Reply, body: Input) -> dict[str, str]:
    headers: dict[str, str] = {}
    for target, source in parameters.items():
        name = target.removeprefix("method.response.header.").lower()
        if source.startswith("'"):
            headers[name] = source.strip("'")
        elif source.startswith("integration.response.header."):
            headers[name] = _header(told, source.rpartition(".")[2]) or ""
        elif source.startswith("integration.response.body"):
            headers[name] = _plain(body.path("$" + source.removeprefix("integration.response.body")))
    return headers


def _variables(call: Call, body: str) -> dict[str, Any]:
    context = {"resourceId": call.method.resource_id, **call.context}
    return {
        "input": Input(body, call.parameters),
        "util": Util(),
        "context": context,
        "stageVariables": dict(call.stage.variables),
    }


def _rendered(template: str, variables: dict[str, Any]) -> str:
    """The rendered template. A failure is described in the log; API Gateway's caller learns only that it failed."""
    try:
        return render(template, variables)
    except VtlError as error:
        _log.warning("A mapping template failed: %s", error)
        raise GatewayError(500, "Internal server error", "InternalServerErrorException") from None


# -- small change


def _error_message(told: Reply) -> str:
    try:
        return str(orjson.loads(told.body).get("errorMessage") or "error")
    except (ValueError, AttributeError):
        return "error"


def _header(reply: Reply, name: str) -> str | None:
    return next((value for key, value in reply.headers if key.lower() == name.lower()), None)


def _titled(headers: Headers) -> dict[str, str]:
    return {"-".join(part.capitalize() for part in name.split("-")): value for name, value in headers.items()}


def _text(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return text.replace("\r", "").replace("\n", "")
