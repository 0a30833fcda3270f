"""The errors of refused calls in a Task: the Java SDKs' texts, as recorded.

Version 1 (optimised integrations): ``DynamoDB.ResourceNotFoundException``, "… (Service: AmazonDynamoDBv2; Status
Code: 400; Error Code: ResourceNotFoundException; Request ID: …; Proxy: null)".
Version 2 (AWS SDK integrations): ``S3.NoSuchKeyException``, "… (Service: S3, Status Code: 404, Request ID: …,
Extended Request ID: …) (SDK Attempt Count: 1)".
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.errors import StateError
from sfn_emulator.tasks.sdk.naming import exception_name, service_prefix, uncapitalized


class ServiceV1(NamedTuple):
    """One service in the Java SDK 1: the prefix of its errors, its display name, its base exception."""

    prefix: str
    service: str
    base: str

    def error(self, code: str, message: str, status: int, request_id: str, shape: str | None = None) -> StateError:
        name = _exception_v1(shape) if shape else self.base
        cause = (
            f"{message} (Service: {self.service}; Status Code: {status}; Error Code: {code}; "
            f"Request ID: {request_id}; Proxy: null)"
        )
        return StateError(f"{self.prefix}.{name}", cause)


def _exception_v1(shape: str) -> str:
    return shape if shape.endswith("Exception") else f"{shape}Exception"


def error_v2(
    service_id: str, message: str, status: int, request_id: str, shape: str | None, host_id: str = ""
) -> StateError:
    """An error the SDK has no shape for is the service's base exception: ``Ec2.Ec2Exception``."""
    prefix = service_prefix(service_id)
    name = exception_name(shape) if shape else f"{prefix}Exception"
    extended = f", Extended Request ID: {host_id}" if host_id else ""
    cause = (
        f"{message} (Service: {prefix}, Status Code: {status}, Request ID: {request_id}{extended}) "
        "(SDK Attempt Count: 1)"
    )
    return StateError(f"{prefix}.{name}", cause)


def no_answer() -> tuple[type[Exception], ...]:
    """The error when no answer came, or none that can be read."""
    from botocore.eventstream import ParserError
    from botocore.exceptions import BotoCoreError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    return BotoCoreError, ResponseParserError, ParserError, HTTPError


def unreachable(prefix: str, error: Exception) -> StateError:
    """The error when no answer came at all (the endpoint is down, the connection broke), or when it is no answer of
    that service.
    """
    return StateError(f"{prefix}.SdkClientException", _sentence(error))


def _sentence(error: Exception) -> str:
    from botocore.exceptions import BotoCoreError, HTTPClientError, ParamValidationError

    if isinstance(error, ParamValidationError):
        return str(error.kwargs["report"])
    if not isinstance(error, BotoCoreError):
        return "Unable to unmarshall response: it is not what the service's model says"
    if type(error) is HTTPClientError:
        return "Unable to execute HTTP request: the connection broke"
    return f"Unable to execute HTTP request: {error}"


class Refusal(NamedTuple):
    """An error answer, whichever SDK will report it."""

    code: str
    message: str
    status: int
    request_id: str
    host_id: str
    shape: str | None


def refusal(error: Any, service_model: Any, request_id: str) -> Refusal:
    """The refusal in a botocore ``ClientError``; ``request_id`` is used if the answer has none."""
    said = error.response.get("Error", {})
    about = error.response.get("ResponseMetadata", {})
    code = str(said.get("Code", ""))
    shape = _shape_name(service_model, code) or _shape_name(service_model, str(said.get("QueryErrorCode", "")))
    return Refusal(
        code,
        str(said.get("Message") or said.get("message") or "null"),
        int(about.get("HTTPStatusCode", 400)),
        str(about.get("RequestId") or request_id),
        str(about.get("HostId") or ""),
        shape,
    )


def bodiless(said: Refusal, operation: Any) -> Refusal:
    """The SDK's error for an answer to HEAD, which has no body: there is no text, and 404 is the operation's only
    error (``S3.NoSuchBucketException``).
    """
    errors = [str(shape.name) for shape in operation.error_shapes]
    shape = errors[0] if said.status == 404 and len(errors) == 1 else None
    return said._replace(message="", shape=shape)


def _shape_name(service_model: Any, code: str) -> str | None:
    shape = service_model.shape_for_error_code(code) if code else None
    return str(shape.name) if shape is not None else None


def nulls(operation: Any, arguments: Mapping[str, Any]) -> Refusal | None:
    """A service's refusal of required parameters that are null: our neighbours check less than AWS."""
    shape = operation.input_shape
    missing = [name for name in shape.required_members if name not in arguments] if shape is not None else []
    if not missing:
        return None
    said = _NULLS.get(operation.service_model.service_name, _validation)(missing)
    return said._replace(shape=_shape_name(operation.service_model, said.code))


def _validation(missing: list[str]) -> Refusal:
    errors = f"{len(missing)} validation error{'s' if len(missing) > 1 else ''} detected: "
    rows = (
        f"Value null at '{uncapitalized(name)}' failed to satisfy constraint: Member must not be null"
        for name in missing
    )
    return Refusal("ValidationException", errors + "; ".join(rows), 400, "", "", None)


def _sqs(missing: list[str]) -> Refusal:
    return Refusal("MissingParameter", f"The request must contain the parameter {missing[0]}.", 400, "", "", None)


def _sns(missing: list[str]) -> Refusal:
    return Refusal("InvalidParameter", f"Invalid parameter: {missing[0]}", 400, "", "", None)


_NULLS: Final[dict[str, Callable[[list[str]], Refusal]]] = {"sqs": _sqs, "sns": _sns}
