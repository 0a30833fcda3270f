"""The refusals of operations: an error code of the API with AWS's message.

Codes are shapes of botocore's ``stepfunctions`` model (or of AWS's common errors); messages are as recorded on AWS
where a recording exists, and follow the same pattern elsewhere.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final


class ApiError(Exception):
    """An answer of status 4xx or 5xx. ``code`` is the wire's ``__type``; ``extra`` are further members of its shape."""

    def __init__(self, code: str, message: str, *, status: int = 400, extra: Mapping[str, str] | None = None) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.extra = extra or {}
        super().__init__(f"{code}: {message}")


_WORDS: Final = {
    "InvalidArn": "Invalid Arn: '{}'",
    "InvalidName": "Invalid Name: '{}'",
    "InvalidToken": "Invalid Token: '{}'",
    "InvalidDefinition": "Invalid State Machine Definition: '{}'",
    "InvalidExecutionInput": "Invalid State Machine Execution Input: '{}'",
    "InvalidOutput": "Invalid Output: '{}'",
    "InvalidLoggingConfiguration": "Invalid Logging Configuration: {}",
    "InvalidEncryptionConfiguration": "Invalid Encryption Configuration: {}",
    "InvalidTracingConfiguration": "Invalid Tracing Configuration: {}",
    "StateMachineDoesNotExist": "State Machine Does Not Exist: '{}'",
    "StateMachineAlreadyExists": "State Machine Already Exists: '{}'",
    "StateMachineDeleting": "State Machine is deleting: '{}'",
    "StateMachineLimitExceeded": "State Machine limit exceeded: {}",
    "ExecutionDoesNotExist": "Execution Does Not Exist: '{}'",
    "ExecutionAlreadyExists": "Execution Already Exists: '{}'",
    "ExecutionNotRedrivable": "{}",
    "ExecutionLimitExceeded": "Execution limit exceeded: {}",
    "ActivityDoesNotExist": "Activity Does Not Exist: '{}'",
    "ActivityAlreadyExists": "Activity Already Exists: '{}'",
    "ActivityLimitExceeded": "Activity limit exceeded: {}",
    "ActivityWorkerLimitExceeded": "Activity worker limit exceeded: {}",
    "ResourceNotFound": "Resource not found: '{}'",
    "TaskDoesNotExist": "Task does not exist: '{}'",
    "TaskTimedOut": "Task Timed Out: '{}'",
    "TooManyTags": "{}",
    "ConflictException": "{}",
    "ValidationException": "{}",
    "ServiceQuotaExceededException": "{}",
    "MissingRequiredParameter": "{}",
}


def refuse(code: str, subject: str, **extra: str) -> ApiError:
    """The error ``code`` about ``subject``, in AWS's words for that code."""
    return ApiError(code, _WORDS[code].format(subject), extra=extra)


class Reason(StrEnum):
    """The values of a ValidationException's ``reason`` (shape ValidationExceptionReason)."""

    LABELED_ARN = "API_DOES_NOT_SUPPORT_LABELED_ARNS"
    MISSING_PARAMETER = "MISSING_REQUIRED_PARAMETER"
    COMPLETED_MAP_RUN = "CANNOT_UPDATE_COMPLETED_MAP_RUN"
    ROUTING = "INVALID_ROUTING_CONFIGURATION"


def invalid(reason: Reason, message: str) -> ApiError:
    return ApiError("ValidationException", message, extra={"reason": reason})


def validation_errors(problems: Sequence[str]) -> ApiError:
    """The error for all of the model's constraints that a request violates (the form is recorded)."""
    count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
    return ApiError("ValidationException", count + "; ".join(problems))


TYPE_NOT_SUPPORTED: Final = "This operation is not supported by this type of state machine"


def type_not_supported() -> ApiError:
    """The refusal of an operation that only the other type of state machine has (recorded)."""
    return ApiError("StateMachineTypeNotSupported", TYPE_NOT_SUPPORTED)


def store_unavailable(reason: str, done: str = "written") -> ApiError:
    """The error for a state directory that can't be written (full, read-only) or read. Nothing was changed; reads go
    on as far as possible.
    """
    return ApiError("ServiceUnavailable", f"The state directory cannot be {done}: {reason}", status=503)
