"""The interpreters of a Plan: ``apply`` makes its calls, ``preview`` tells them.

Some calls take AWS time. ``apply`` waits for them: by boto3's waiter where there is one. Otherwise it repeats a call
while AWS refuses it with one of ``QUIRKS``, for at most ``PATIENCE`` seconds per call.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jmespath  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from deploy.errors import DeployError
from deploy.planning.instructions import Instruction, Variable
from deploy.planning.plan import Plan
from deploy.targets import Target

PATIENCE: Final = 120.0
_PAUSE: Final = 2.0
_WAIT: Final = {"Delay": 2, "MaxAttempts": 60}


@dataclass(frozen=True)
class Quirk:
    """A refusal that passes by itself. ``text`` must occur in the message."""

    operation: str
    code: str
    text: str = ""


QUIRKS: Final = (
    # a new role takes seconds to be known everywhere
    Quirk("create_function", "InvalidParameterValueException", "assumed"),
    Quirk("update_function_configuration", "InvalidParameterValueException", "assumed"),
    Quirk("create_state_machine", "AccessDeniedException"),
    Quirk("update_state_machine", "AccessDeniedException"),
    Quirk("put_integration", "BadRequestException", "role"),
    # one change of a function at a time
    Quirk("update_function_configuration", "ResourceConflictException", "progress"),
    Quirk("update_function_code", "ResourceConflictException", "progress"),
    Quirk("delete_function", "ResourceConflictException", "progress"),
    Quirk("delete_table", "ResourceInUseException"),
    # the last one of that name is still being deleted
    Quirk("create_state_machine", "StateMachineDeleting"),
    Quirk("create_log_group", "OperationAbortedException"),
    Quirk("put_retention_policy", "OperationAbortedException"),
    # API Gateway allows one deletion in 30 s, and few changes a second
    Quirk("", "TooManyRequestsException"),
)


def preview(plan: Plan) -> Iterator[str]:
    """A line for each change."""
    return (str(instruction) for instruction in plan.instructions if instruction.verb)


def apply(
    plan: Plan,
    target: Target,
    report: Callable[[Instruction], None] = lambda instruction: None,
    pause: Callable[[float], None] = time.sleep,  # noqa: TID251  AWS's own time, which nobody can skip
) -> None:
    """Makes the calls in order, reporting each once done. Raises ``DeployError`` naming the first that AWS refuses."""
    variables: dict[str, Any] = {}
    for instruction in plan.instructions:
        request = {key: _filled(value, variables) for key, value in instruction.request.items()}
        try:
            answer = _call(instruction, request, target, pause)
            _wait(instruction, target)
        except (BotoCoreError, ClientError) as error:
            raise DeployError(
                f"could not {instruction} on {target.name}: {error}; run deploy again to go on"
            ) from error
        for name, expression in instruction.saves.items():
            variables[name] = jmespath.search(expression, answer)
            if variables[name] is None:
                raise DeployError(f"could not {instruction}: {target.name} answered without {expression}")
        if instruction.verb:
            report(instruction)


def _call(instruction: Instruction, request: Mapping[str, Any], target: Target, pause: Callable[[float], None]) -> Any:
    method = getattr(target.client(instruction.service), instruction.operation)
    waited = 0.0
    while True:
        try:
            return method(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] in instruction.tolerates:
                return {}
            if not _passes(instruction.operation, error) or waited >= PATIENCE:
                raise
        pause(_PAUSE)
        waited += _PAUSE


def _passes(operation: str, error: ClientError) -> bool:
    code, text = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    return any(q.operation in ("", operation) and q.code == code and q.text in text for q in QUIRKS)


def _wait(instruction: Instruction, target: Target) -> None:
    if not instruction.waiter:
        return
    waiter = target.client(instruction.service).get_waiter(instruction.waiter)
    try:
        waiter.wait(**instruction.awaited, WaiterConfig=_WAIT)
    except WaiterError as error:
        raise DeployError(f"{instruction.what}: not ready on {target.name} ({error}); run deploy again") from error


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(value, Variable):
        return variables[value.name]
    if isinstance(value, Mapping):
        return {key: _filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    return value
