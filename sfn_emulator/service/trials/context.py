"""The context object a TestState request may bring, checked in AWS's words (recorded)."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from sfn_emulator.asl.text.source import DEPTH_LIMIT
from sfn_emulator.query.java.jackson import read_with_texts
from sfn_emulator.service.errors import ApiError, refuse
from sfn_emulator.values import Value, loads

Check: TypeAlias = Callable[[str, Value], str | None]
"""(path, value) → its faults."""


_NO_TASK: Final = (
    "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' "
    "service integration pattern"
)


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


class Written(NamedTuple):
    """A context object, and the texts of the values in it as they were written."""

    context: dict[str, Any]
    texts: tuple[tuple[Value, str], ...]


def read_context(text: str, *, in_a_map: bool, waits: bool) -> Written:
    """``Map`` may be given only for a state that is inside a Map, ``Task`` only for one that ``waits`` for a task."""
    try:
        loads(text)
        context, texts = read_with_texts(text, DEPTH_LIMIT)
    except ValueError:
        raise _invalid("must be valid JSON") from None
    if not isinstance(context, dict):
        raise _invalid("must be a JSON object")
    if "Map" in context and not in_a_map:
        raise _invalid("'Map' field is not supported when mocking a Context object")
    if "Task" in context and not waits:
        raise _invalid(_NO_TASK)
    problem = _members("", context, _IN_A_MAP if in_a_map else _CONTEXT)
    if problem is not None:
        raise _invalid(problem)
    return Written(context, texts)


def _invalid(problem: str) -> ApiError:
    return refuse("ValidationException", f"Invalid Context object provided: {problem}")
