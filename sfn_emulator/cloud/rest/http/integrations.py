"""The integrations of HTTP APIs: a call of a route goes to a function or to an operation of Step Functions."""

import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from sfn_emulator.cloud.requests.message import Reply, Request
from sfn_emulator.cloud.rest.authorizers import FUNCTION
from sfn_emulator.cloud.rest.faults import GatewayError, signed
from sfn_emulator.cloud.rest.http.definition import Api
from sfn_emulator.cloud.rest.http.mapping import mapped
from sfn_emulator.cloud.rest.http.payload import Call, event_1, event_2, reply_2
from sfn_emulator.cloud.rest.integrations import Ask, proxied

_VARIABLE: Final = re.compile(r"\$\{stageVariables\.([\w-]+)\}")
_OPERATIONS: Final[dict[str, tuple[str, Mapping[str, str]]]] = {
    "StepFunctions-StartExecution": (
        "StartExecution",
        {"StateMachineArn": "stateMachineArn", "Name": "name", "Input": "input"},
    ),
    "StepFunctions-StartSyncExecution": (
        "StartSyncExecution",
        {"StateMachineArn": "stateMachineArn", "Name": "name", "Input": "input", "TraceHeader": "traceHeader"},
    ),
    "StepFunctions-StopExecution": (
        "StopExecution",
        {"ExecutionArn": "executionArn", "Cause": "cause", "Error": "error"},
    ),
}
"""Subtype → operation and its parameters (``http-api-develop-integrations-aws-services-reference``)."""
_FAULT: Final = "Internal Server Error"


def integrate(api: Api, integration: Mapping[str, Any], call: Call, ask: Ask) -> Reply:
    """The integration's reply. Raises ``GatewayError``."""
    kind, subtype = str(integration.get("integrationType")).upper(), integration.get("integrationSubtype")
    if subtype in _OPERATIONS:
        return _operated(api, integration, call, ask)
    if kind != "AWS_PROXY" or subtype:
        what = f"of subtype {subtype}" if subtype else f"of type {kind}"
        known = "AWS_PROXY to functions and the StepFunctions- subtypes are"
        raise GatewayError(501, f"Integrations {what} are not called here by HTTP APIs; {known}.")
    changing = [name for name in ("requestParameters", "responseParameters") if integration.get(name)]
    if changing:
        raise GatewayError(501, f"{changing[0]} of an HTTP API's function are not applied here.")
    return _proxied(api, integration, call, ask)


def _proxied(api: Api, integration: Mapping[str, Any], call: Call, ask: Ask) -> Reply:
    uri = _VARIABLE.sub(lambda found: call.variables.get(found[1], ""), integration.get("integrationUri") or "")
    found = FUNCTION.match(uri)
    if found is None:
        raise GatewayError(500, _FAULT)
    old = str(integration.get("payloadFormatVersion") or "1.0") == "1.0"
    told = invoke(found["arn"], api.region, event_1(call) if old else event_2(call), ask)
    if told is None:
        raise GatewayError(500, _FAULT)
    try:
        return proxied(orjson.loads(told)) if old else reply_2(told, "text/plain;charset=UTF-8")
    except (ValueError, TypeError, AttributeError, KeyError, binascii.Error):
        raise GatewayError(500, _FAULT) from None


def invoke(arn: str, region: str, event: Mapping[str, Any], ask: Ask) -> bytes | None:
    """The function's answer; ``None`` if it failed or could not be called."""
    path = f"/2015-03-31/functions/{arn}/invocations"
    told = ask(Request("POST", path, "", signed("lambda", region), orjson.dumps(event)))
    failed = told.status != 200 or any(name == "x-amz-function-error" for name, _ in told.headers)
    return None if failed else told.body


def _operated(api: Api, integration: Mapping[str, Any], call: Call, ask: Ask) -> Reply:
    operation, names = _OPERATIONS[integration["integrationSubtype"]]
    given = integration.get("requestParameters") or {}
    stranger = next((name for name in given if name not in (*names, "Region")), None)
    if stranger is not None:
        raise GatewayError(400, f"Parameter: {stranger} does not fit schema for Operation: {operation}.")
    values = {names[name]: mapped(str(text), call) for name, text in given.items() if name in names}
    sent = {name: value for name, value in values.items() if value is not None}
    headers = signed("states", str(given.get("Region") or api.region))
    headers["x-amz-target"] = f"AWSStepFunctions.{operation}"
    headers["content-type"] = "application/x-amz-json-1.0"
    return ask(Request("POST", "/", "", headers, orjson.dumps(sent)))
