"""The context object a TestState request may bring, checked in AWS's words (recorded)."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from sfn_emulator.service.errors import ApiError, refuse
from sfn_emulator.values import Value, loads

Check: TypeAlias = Callable[[str, Value], str | None]
"""(path, value) → what is wrong with it."""


def _anything(path: str, value: Value) -> None:
    return None


def _string(path: str, value: Value) -> str | None:
    return None if isinstance(value, str) else f"{path} must be a string"


def _number(path: str, value: Value) -> str | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    return None if fits else f"{path} must be a number"


def _object(members: Mapping[str, Check]) -> Check:
    def check(path: str, value: Value) -> str | None:
        if not isinstance(value, dict):
            return f"{path} must be an object"
        return _members(path, value, members)

    return check


def _members(path: str, value: Mapping[str, Value], members: Mapping[str, Check]) -> str | None:
    for name, item in value.items():
        if name not in members:
            return f"Field '{name}' is not allowed"
        problem = members[name](f"{path}.{name}" if path else name, item)
        if problem is not None:
            return problem
    return None


_CONTEXT: Final[Mapping[str, Check]] = {
    "Execution": _object(
        {
            "Id": _string,
            "Input": _anything,
            "Name": _string,
            "RoleArn": _string,
            "StartTime": _string,
            "RedriveCount": _number,
            "RedriveTime": _string,
        }
    ),
    "State": _object({"EnteredTime": _string, "Name": _string, "RetryCount": _number}),
    "StateMachine": _object({"Id": _string, "Name": _string}),
    "Task": _object({"Token": _string}),
}
_ITEM: Final = _object({"Index": _number, "Value": _anything, "Key": _string, "Source": _string})
_IN_A_MAP: Final[Mapping[str, Check]] = {**_CONTEXT, "Map": _object({"Item": _ITEM})}


def read_context(text: str, *, in_a_map: bool) -> dict[str, Any]:
    """The context object. ``Map`` may be given only for a state that is inside a Map."""
    try:
        context = loads(text)
    except ValueError:
        raise _invalid("must be valid JSON") from None
    if not isinstance(context, dict):
        raise _invalid("must be a JSON object")
    if "Map" in context and not in_a_map:
        raise _invalid("'Map' field is not supported when mocking a Context object")
    problem = _members("", context, _IN_A_MAP if in_a_map else _CONTEXT)
    if problem is not None:
        raise _invalid(problem)
    return context


def _invalid(problem: str) -> ApiError:
    return refuse("ValidationException", f"Invalid Context object provided: {problem}")
