"""Warnings about a definition's error handling, for those who ask for them. They never refuse a definition.

The definition does not say what a Task does. It does show which errors no handler takes, and which handlers can never
get one.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sfn_emulator.asl.text.report import Report
from sfn_emulator.errors import ALL, RUNTIME, TASK_FAILED, TIMEOUT
from sfn_emulator.values import Place

UNGUARDED_TASK: Final = "UNGUARDED_TASK"
ESCAPING_ERRORS: Final = "ESCAPING_ERRORS"
SHADOWED_ERROR: Final = "SHADOWED_ERROR"
UNREACHABLE_HANDLER: Final = "UNREACHABLE_HANDLER"

Raw = Mapping[str, Any]
_RECOVERING: Final = ("Task", "Parallel", "Map")


def advise(definition: Raw, report: Report) -> None:
    """Reports every warning about a definition that has no errors."""
    _branch(definition, (), report, guarded=False)


def _branch(branch: Raw, place: Place, report: Report, *, guarded: bool) -> None:
    states = branch.get("States")
    for name, state in states.items() if isinstance(states, Mapping) else ():
        if isinstance(state, Mapping):
            _state(name, state, (*place, "States", name), report, guarded=guarded)


def _state(name: str, state: Raw, place: Place, report: Report, *, guarded: bool) -> None:
    """``guarded``: a state around this one takes every error."""
    own = [error for catcher in _handlers(state, "Catch") for error in _names(catcher)]
    takes_all = guarded or ALL in own or {TASK_FAILED, TIMEOUT} <= set(own)
    if state.get("Type") in _RECOVERING:
        for field in ("Retry", "Catch"):
            _never_reached(_handlers(state, field), (*place, field), report)
    if state.get("Type") == "Task" and not takes_all:
        _unguarded(name, state, own, place, report)
    for inner, where in _inner(state):
        _branch(inner, (*place, *where), report, guarded=takes_all)


def _unguarded(name: str, state: Raw, own: Sequence[str], place: Place, report: Report) -> None:
    if own:
        text = f"Errors of '{name}' other than {', '.join(own)} end the execution; catch States.ALL to go on from them."
        report.warning((*place, "Catch"), text, ESCAPING_ERRORS)
    else:
        retried = " when its retries are used up" if state.get("Retry") else ""
        text = (
            f"An error of '{name}' ends the execution{retried}, and nothing done before it is undone: it has no Catch."
        )
        report.warning(place, text, UNGUARDED_TASK)


def _never_reached(handlers: Sequence[Raw], place: Place, report: Report) -> None:
    """Error names that an earlier handler takes already, and names that no handler ever sees."""
    seen: dict[str, int] = {}
    for index, handler in enumerate(handlers):
        names = _names(handler)
        lost = [(name, why) for name in names if (why := _why_lost(name, seen)) is not None]
        where = (*place, index)
        if names and len(lost) == len(names):
            text = f"This handler never acts: {'; '.join(f'{name} {why}' for name, why in lost)}."
            report.warning(where, text, UNREACHABLE_HANDLER)
        else:
            for name, why in lost:
                report.warning((*where, "ErrorEquals"), f"{name} {why}.", SHADOWED_ERROR)
        for name in names:
            seen.setdefault(name, index)


def _why_lost(name: str, seen: Mapping[str, int]) -> str | None:
    if name == RUNTIME:
        return "is never seen by a handler"
    for wide in (name, TASK_FAILED, ALL):
        if wide in seen and not (wide == TASK_FAILED and name in (TIMEOUT, ALL)):
            return f"is already taken by {wide} in handler {seen[wide]}"
    return None


def _handlers(state: Raw, field: str) -> list[Raw]:
    told = state.get(field)
    return [handler for handler in told if isinstance(handler, Mapping)] if isinstance(told, list) else []


def _names(handler: Raw) -> list[str]:
    told = handler.get("ErrorEquals")
    return [name for name in told if isinstance(name, str)] if isinstance(told, list) else []


def _inner(state: Raw) -> Iterator[tuple[Raw, Place]]:
    branches = state.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        if isinstance(branch, Mapping):
            yield branch, ("Branches", index)
    for field in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(field), Mapping):
            yield state[field], (field,)
