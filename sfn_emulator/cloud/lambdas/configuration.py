"""Refuses configurations of functions that Lambda refuses and moto accepts: limits, and variables reserved for Lambda.

Sources: Lambda quotas; "Working with Lambda environment variables" (reserved names, 4 KB in all).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from sfn_emulator.cloud.lambdas.functions import InvokeError

_LIMITS: Final = {"Timeout": ("timeout", 1, 900), "MemorySize": ("memorySize", 128, 10_240)}
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_MOST_BYTES: Final = 4_096
_RESERVED: Final = frozenset(
    (
        *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION"),
        *("AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME"),
        *("AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME"),
        *("AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"),
        *("AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT"),
    )
)
_UNABLE: Final = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided "
)


def check(told: Mapping[str, Any]) -> None:
    """Raises ``InvokeError`` for a CreateFunction or UpdateFunctionConfiguration that Lambda refuses."""
    for field, (name, least, most) in _LIMITS.items():
        value = told.get(field)
        if isinstance(value, int) and not least <= value <= most:
            bound = f"greater than or equal to {least}" if value < least else f"less than or equal to {most}"
            raise InvokeError("ValidationException", _unmet(name, f"Member must have value {bound}", str(value)), 400)
    variables = (told.get("Environment") or {}).get("Variables") or {}
    if all(isinstance(value, str) for value in variables.values()):
        _check_variables(variables)


def _check_variables(variables: Mapping[str, str]) -> None:
    reserved = sorted(_RESERVED.intersection(variables))
    if reserved:
        used = f"Reserved keys used in this request: {', '.join(reserved)}"
        raise _refused(f"{_UNABLE}contains reserved keys that are currently not supported for modification. {used}")
    if any(not _NAME.fullmatch(name) for name in variables):
        pattern = "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: "
        text = _unmet("environment.variables", f"{pattern}[a-zA-Z]([a-zA-Z0-9_])+]")
        raise InvokeError("ValidationException", text, 400)
    if any("\0" in value for value in variables.values()):
        raise _refused(f"{_UNABLE}contains a value with a null character, which no process can be given.")
    size = sum(len(part.encode("utf-8", "surrogatepass")) for pair in variables.items() for part in pair)
    if size > _MOST_BYTES:
        raise _refused(f"{_UNABLE}exceeded the 4KB limit. They have {size} bytes.")


def _unmet(name: str, constraint: str, value: str | None = None) -> str:
    at = "Value" if value is None else f"Value '{value}'"
    return f"1 validation error detected: {at} at '{name}' failed to satisfy constraint: {constraint}"


def _refused(text: str) -> InvokeError:
    return InvokeError("InvalidParameterValueException", text, 400)
