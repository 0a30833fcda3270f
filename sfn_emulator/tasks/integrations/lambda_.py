"""Lambda: a function's ARN as the Resource (payload in, payload out), and the optimised ``lambda:invoke``.

A failed function's ``errorType`` is the error, and its payload is the cause: as it came, but written again by
``lambda:invoke``. Texts: recorded, and `Invoke an AWS Lambda function with Step Functions`.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sfn_emulator.engine.ports import Clock, TaskRequest
from sfn_emulator.errors import StateError
from sfn_emulator.tasks.clients import Clients, operation_model
from sfn_emulator.tasks.ports import InvokeResult, Lambdas
from sfn_emulator.tasks.sdk import wire
from sfn_emulator.tasks.sdk.failures import ServiceV1, no_answer, nulls, refusal, unreachable
from sfn_emulator.tasks.sdk.naming import member_v1
from sfn_emulator.tasks.sdk.shapes import Parameters, Rules, json_or_text, no_string
from sfn_emulator.values import Value, dumps, is_json, loads

_LOGS: Final = ("None", "Tail")
LAMBDA: Final = ServiceV1("Lambda", "AWSLambda", "AWSLambdaException")


def by_arn(lambdas: Lambdas, request: TaskRequest) -> Value:
    """Invokes a function by its ARN; the result is its payload, parsed."""
    answer = _invoke(lambdas, request, request.resource.arn, dumps(request.input).encode(), None)
    if answer.function_error is not None:
        raise _function_failed(answer.payload, str)
    return _payload(answer)


class InvokeAction:
    """``arn:aws:states:::lambda:invoke``; also the call that ``.waitForTaskToken`` submits."""

    def __init__(self, lambdas: Lambdas, clients: Clients, clock: Clock) -> None:
        self._lambdas = lambdas
        self._clients = clients
        self._clock = clock
        self._operation = operation_model("lambda", "invoke")
        self._parameters = Parameters(self._operation.input_shape, Rules(member_v1))

    def problems(self, value: Value) -> list[str]:
        return [*self._parameters.problems(value), *_not_payloads(value)]

    def __call__(self, request: TaskRequest) -> Value:
        given = self._parameters(request.input)
        if "FunctionName" not in given:
            raise _nameless(self._operation, request)
        kind, log = given.get("InvocationType", "RequestResponse"), given.get("LogType", "None")
        if kind != "RequestResponse" or log not in _LOGS:
            answer = _invoke_elsewhere(self._clients, request, given)
            return {**self._metadata(answer, request), "StatusCode": answer.status_code}
        text = payload_text(request.input["Payload"]) if "Payload" in request.input else b"{}"
        context = _client_context(given.get("ClientContext"), request)
        answer = _invoke(self._lambdas, request, given["FunctionName"], text, given.get("Qualifier"), context)
        if answer.function_error is not None:
            raise _function_failed(answer.payload, lambda text: dumps(loads(text)))
        tail = getattr(answer, "log", b"") if log == "Tail" else b""
        return {
            "ExecutedVersion": answer.executed_version,
            **({"LogResult": base64.b64encode(tail).decode()} if tail else {}),
            "Payload": _payload(answer),
            **self._metadata(answer, request),
            "StatusCode": answer.status_code,
        }

    def _metadata(self, answer: InvokeResult, request: TaskRequest) -> dict[str, Value]:
        request_id = wire.request_id(f"{request.token}{request.attempt}")
        headers = wire.lambda_(answer.payload, answer.executed_version, request_id, self._clock.now())
        return wire.metadata(headers, request_id, answer.status_code)


def _not_payloads(value: Value) -> list[str]:
    """Refuses a Payload that is a number, a boolean or null: it must be an object, an array or a text (seen on AWS)."""
    payload = value.get("Payload", "") if isinstance(value, dict) else ""
    return [] if isinstance(payload, str | dict | list) else [no_string("Payload")]


def _nameless(operation: Any, request: TaskRequest) -> StateError:
    said = nulls(operation, {})
    assert said is not None, "Invoke requires a FunctionName"
    request_id = wire.request_id(f"{request.token}{request.attempt}")
    return LAMBDA.error(said.code, said.message, said.status, request_id, said.shape)


def payload_text(payload: Value) -> bytes:
    """The payload that is sent: a text that is JSON as it is, any other value as its JSON (recorded)."""
    sent_as_it_is = isinstance(payload, str) and is_json(payload)
    return (payload if sent_as_it_is else dumps(payload)).encode("utf-8", "surrogatepass")


def _client_context(text: str | None, request: TaskRequest) -> dict[str, Any] | None:
    """Base64 of a JSON object, as Lambda wants it."""
    if text is None:
        return None
    try:
        told = loads(base64.b64decode(text, validate=True))
    except ValueError:
        told = None
    if isinstance(told, dict):
        return told
    code, message = "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."
    raise LAMBDA.error(code, message, 400, wire.request_id(f"{request.token}{request.attempt}"), code)


def _invoke(
    lambdas: Lambdas,
    request: TaskRequest,
    function: str,
    payload: bytes,
    qualifier: str | None,
    context: dict[str, Any] | None = None,
) -> InvokeResult:
    try:
        answer = lambdas.invoke(function, payload, qualifier, client_context=context)
    except LookupError as error:
        request_id = wire.request_id(f"{request.token}{request.attempt}")
        message = str(error.args[0]) if error.args else str(error)
        raise LAMBDA.error("ResourceNotFoundException", message, 404, request_id, "ResourceNotFoundException") from None
    except Exception as error:
        raise _refused(error, request) from None
    return answer


def _refused(error: Exception, request: TaskRequest) -> Exception:
    """The SDK's error for other refusals of the runtime (throttled, too large, no such runtime)."""
    code = getattr(error, "code", None)
    if not isinstance(code, str):
        return error
    shape = operation_model("lambda", "invoke").service_model.shape_for_error_code(code)
    message, status = getattr(error, "message", str(error)), getattr(error, "status", 400)
    request_id = wire.request_id(f"{request.token}{request.attempt}")
    return LAMBDA.error(code, message, status, request_id, shape and shape.name)


def _function_failed(payload: bytes, written: Callable[[str], str]) -> StateError:
    text = payload.decode("utf-8", "replace")
    told = json_or_text(text)
    kind = told.get("errorType") if isinstance(told, dict) else None
    if isinstance(kind, str) and kind:
        return StateError(kind, written(text))
    return StateError(
        "Lambda.Unknown",
        "The cause could not be determined because Lambda did not return an error type. Returned payload: " + text,
    )


def _payload(answer: InvokeResult) -> Value:
    text = answer.payload.decode("utf-8", "replace")
    return json_or_text(text) if text else None


@dataclass(frozen=True, slots=True)
class Invoked:
    """An ``InvokeResult``."""

    payload: bytes
    function_error: str | None = None
    executed_version: str = "$LATEST"
    status_code: int = 200


def _invoke_elsewhere(clients: Clients, request: TaskRequest, arguments: dict[str, Any]) -> InvokeResult:
    """An asynchronous (Event) or DryRun invocation, which only the Lambda API itself can do; it refuses other kinds."""
    from botocore.exceptions import ClientError

    client = clients.client("lambda", request.identity.region)
    try:
        answer = client.invoke(**arguments)
    except ClientError as error:
        seed = wire.request_id(f"{request.token}{request.attempt}")
        said = refusal(error, client.meta.service_model, seed)
        raise LAMBDA.error(said.code, said.message, said.status, said.request_id, said.shape) from None
    except no_answer() as error:
        raise unreachable(LAMBDA.prefix, error) from None
    return _invoked(answer)


def _invoked(answer: dict[str, Any]) -> Invoked:
    return Invoked(
        answer["Payload"].read(),
        answer.get("FunctionError"),
        answer.get("ExecutedVersion") or "$LATEST",
        answer.get("StatusCode", 200),
    )


class ClientLambdas:
    """Functions behind the Lambda API of another endpoint, or of real AWS."""

    def __init__(self, clients: Clients, region: str) -> None:
        self._clients = clients
        self._region = region

    def invoke(
        self,
        function: str,
        payload: bytes,
        qualifier: str | None = None,
        *,
        client_context: Mapping[str, Any] | None = None,
    ) -> InvokeResult:
        from botocore.exceptions import ClientError

        client = self._clients.client("lambda", _region_of(function, self._region))
        arguments: dict[str, Any] = {"FunctionName": function, "Payload": payload}
        if qualifier:
            arguments["Qualifier"] = qualifier
        if client_context is not None:
            arguments["ClientContext"] = base64.b64encode(dumps(client_context).encode()).decode()
        try:
            return _invoked(client.invoke(**arguments))
        except client.exceptions.ResourceNotFoundException as error:
            raise LookupError(error.response["Error"].get("Message", "")) from None
        except ClientError as error:
            said = refusal(error, client.meta.service_model, "")
            raise LAMBDA.error(said.code, said.message, said.status, said.request_id, said.shape) from None
        except no_answer() as error:
            raise unreachable(LAMBDA.prefix, error) from None


def _region_of(function: str, default: str) -> str:
    parts = function.split(":")
    return parts[3] if len(parts) > 6 and parts[0] == "arn" else default
