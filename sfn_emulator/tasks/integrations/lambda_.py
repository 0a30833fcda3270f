"""Lambda: a function's ARN as the Resource (payload in, payload out), and the optimised ``lambda:invoke``.

A failed function's ``errorType`` is the error, and its payload is the cause: as it came, but written again by
``lambda:invoke``. Texts: recorded, and `Invoke an AWS Lambda function with Step Functions`.
"""

import base64
from asyncio import Future
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

from sfn_emulator.engine.ports import Clock, TaskRequest, Work
from sfn_emulator.errors import StateError
from sfn_emulator.service.running.causes import caused_by
from sfn_emulator.tasks.clients import Clients, operation_model
from sfn_emulator.tasks.patterns import Ask, Call, Done, cause_of, on_thread, outcome_of
from sfn_emulator.tasks.ports import InvokeResult, Lambdas
from sfn_emulator.tasks.sdk import wire
from sfn_emulator.tasks.sdk.failures import ServiceV1, no_answer, nulls, refusal, unreachable
from sfn_emulator.tasks.sdk.naming import member_v1
from sfn_emulator.tasks.sdk.shapes import Parameters, Rules, json_or_text, no_string
from sfn_emulator.tasks.workers import Workers
from sfn_emulator.values import Value, dumps, is_json, loads

_LONG: Final = 256 * 1024
"""Bytes of an answer from which on it is read on a thread. No state takes such a result, but it may be an error."""
_LOGS: Final = ("None", "Tail")
LAMBDA: Final = ServiceV1("Lambda", "AWSLambda", "AWSLambdaException")


class Invocation(NamedTuple):
    """A function to be invoked. ``read`` makes the Task's result of the answer; it raises ``StateError`` if the
    function failed.
    """

    function: str
    payload: bytes
    read: Callable[[InvokeResult], Value]
    qualifier: str | None = None
    context: dict[str, Any] | None = None


Plan = Callable[[TaskRequest], Invocation | None]
"""The invocation that a Task asks for; ``None`` if only the Lambda API itself can do it. Raises ``StateError``."""


def invoked(lambdas: Lambdas, workers: Workers, plan: Plan, elsewhere: Call | None = None) -> Ask:
    """Invokes functions: on the host's thread where a warm worker is free, else on a thread of ``workers``."""

    def call(request: TaskRequest) -> Value:
        invocation = plan(request)
        if invocation is None:
            assert elsewhere is not None, "only such a plan has no invocation"
            return elsewhere(request)
        return invocation.read(_invoke(lambdas, request, invocation))

    def begin(request: TaskRequest, tell: Done) -> bool:
        invocation = outcome_of(lambda: plan(request))
        if not isinstance(invocation, Invocation):
            return False

        def hear(answer: Future[InvokeResult]) -> None:
            read = partial(_read, invocation, answer)
            if answer.exception() is None and len(answer.result().payload) > _LONG:
                workers.run(read, tell)
            else:
                tell(outcome_of(read))

        function, payload, _, qualifier, context = invocation
        with caused_by(cause_of(request)):
            answer = lambdas.begin(function, payload, qualifier, client_context=context)
        if answer is not None:
            answer.add_done_callback(hear)
        return answer is not None

    slowly = on_thread(workers, call)

    def ask(request: TaskRequest, done: Done) -> Work:
        return workers.expect(partial(begin, request), done) or slowly(request, done)

    return ask


def _read(invocation: Invocation, answer: Future[InvokeResult]) -> Value:
    return invocation.read(answer.result())


def by_arn(request: TaskRequest) -> Invocation:
    """The function's ARN is the Resource; the result is the answer's payload, parsed."""
    return Invocation(request.resource.arn, dumps(request.input).encode(), _payload_of)


def _payload_of(answer: InvokeResult) -> Value:
    if answer.function_error is not None:
        raise _function_failed(answer.payload, str)
    return _payload(answer)


class InvokeAction:
    """``arn:aws:states:::lambda:invoke``; also the call that ``.waitForTaskToken`` submits."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._operation = operation_model("lambda", "invoke")
        self._parameters = Parameters(self._operation.input_shape, Rules(member_v1))

    def problems(self, value: Value) -> list[str]:
        return [*self._parameters.problems(value), *_not_payloads(value)]

    def invocation(self, request: TaskRequest) -> Invocation | None:
        """Raises ``StateError`` for parameters that are refused."""
        given = self._parameters(request.input)
        if "FunctionName" not in given:
            raise _nameless(self._operation, request)
        kind, log = given.get("InvocationType", "RequestResponse"), given.get("LogType", "None")
        if kind != "RequestResponse" or log not in _LOGS:
            return None
        text = payload_text(request.input["Payload"]) if "Payload" in request.input else b"{}"
        context = _client_context(given.get("ClientContext"), request)
        read = partial(self._result, request, tail=log == "Tail")
        return Invocation(given["FunctionName"], text, read, given.get("Qualifier"), context)

    def _result(self, request: TaskRequest, answer: InvokeResult, *, tail: bool) -> Value:
        if answer.function_error is not None:
            raise _function_failed(answer.payload, lambda text: dumps(loads(text)))
        log = getattr(answer, "log", b"") if tail else b""
        return {
            "ExecutedVersion": answer.executed_version,
            **({"LogResult": base64.b64encode(log).decode()} if log else {}),
            "Payload": _payload(answer),
            **self._metadata(answer, request),
            "StatusCode": answer.status_code,
        }

    def elsewhere(self, request: TaskRequest) -> Value:
        """Makes the call by the Lambda API itself."""
        answer = _invoke_elsewhere(self._clients, request, self._parameters(request.input))
        return {**self._metadata(answer, request), "StatusCode": answer.status_code}

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


def _invoke(lambdas: Lambdas, request: TaskRequest, wanted: Invocation) -> InvokeResult:
    try:
        return lambdas.invoke(wanted.function, wanted.payload, wanted.qualifier, client_context=wanted.context)
    except LookupError as error:
        request_id = wire.request_id(f"{request.token}{request.attempt}")
        message = str(error.args[0]) if error.args else str(error)
        raise LAMBDA.error("ResourceNotFoundException", message, 404, request_id, "ResourceNotFoundException") from None
    except Exception as error:
        raise _refused(error, request) from None


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

    def begin(
        self,
        function: str,
        payload: bytes,
        qualifier: str | None = None,
        *,
        client_context: Mapping[str, Any] | None = None,
    ) -> None:
        """Nothing begins: a call over a socket is waited for."""


def _region_of(function: str, default: str) -> str:
    parts = function.split(":")
    return parts[3] if len(parts) > 6 and parts[0] == "arn" else default
