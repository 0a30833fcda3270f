"""The REST API's methods as API Gateway calls: POST through to the saga, OPTIONS for browsers (CORS)."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from deploy.wanted.resources import RestApi

_ALLOW: Final = {
    "Access-Control-Allow-Origin": "'*'",
    "Access-Control-Allow-Methods": "'OPTIONS,POST'",
    "Access-Control-Allow-Headers": "'Content-Type'",
}
_ORIGIN: Final = {"Access-Control-Allow-Origin": "'*'"}
_STARTED: Final = '{"message": "Processed", "executionArn": $input.json(\'$.executionArn\')}'
_REFUSED: Final = "{\"message\": $input.json('$.message')}"
_ANSWERS: Final = (("200", "", _STARTED), ("400", r"4\d{2}", _REFUSED), ("500", r"5\d{2}", _REFUSED))


class Call(NamedTuple):
    """A call on the root resource; the caller adds ``restApiId`` and ``resourceId``."""

    operation: str
    request: Mapping[str, Any]


def calls(api: RestApi) -> tuple[Call, ...]:
    """The calls that make both methods, in their order."""
    return (*_post(api), *_options())


def fingerprint(api: RestApi) -> str:
    """The description of the deployment. It changes whenever ``calls`` would make something else."""
    return "saga " + hashlib.sha256(json.dumps(calls(api)).encode()).hexdigest()


def _post(api: RestApi) -> Iterator[Call]:
    yield Call("put_method", {"httpMethod": "POST", "authorizationType": "NONE"})
    integration: dict[str, Any] = {
        "httpMethod": "POST",
        "type": "AWS" if api.template else "AWS_PROXY",
        "integrationHttpMethod": "POST",
        "uri": api.uri,
        "credentials": api.role,
    }
    if api.template:
        integration |= {"passthroughBehavior": "NEVER", "requestTemplates": {"application/json": api.template}}
    yield Call("put_integration", integration)
    if api.template:
        for status, selection, template in _ANSWERS:
            yield from _answer("POST", status, _ORIGIN, selection, template)


def _options() -> Iterator[Call]:
    yield Call("put_method", {"httpMethod": "OPTIONS", "authorizationType": "NONE"})
    template = {"application/json": '{"statusCode": 200}'}
    yield Call("put_integration", {"httpMethod": "OPTIONS", "type": "MOCK", "requestTemplates": template})
    yield from _answer("OPTIONS", "200", _ALLOW, "", "")


def _answer(method: str, status: str, headers: Mapping[str, str], selection: str, template: str) -> Iterator[Call]:
    names = {f"method.response.header.{name}": value for name, value in headers.items()}
    where = {"httpMethod": method, "statusCode": status}
    yield Call("put_method_response", {**where, "responseParameters": dict.fromkeys(names, False)})
    response: dict[str, Any] = {
        **where,
        "responseParameters": names,
        "responseTemplates": {"application/json": template},
    }
    if selection:
        response["selectionPattern"] = selection
    yield Call("put_integration_response", response)
