"""Step Functions Local's mock configuration file: answers instead of calls, by state machine, test case and state.

    {"StateMachines": {NAME: {"TestCases": {CASE: {STATE: RESPONSE}}}},
     "MockedResponses": {RESPONSE: {"0": {"Return": …}, "1-2": {"Throw": {"Error": …, "Cause": …}}}}}

The numbers count a state's invocations within one execution: retries, loops and Map iterations alike. A state that the
test case does not name is really run. Source: `Configuration file for mocked service integrations`.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from sfn_emulator.asl.resource import Family, Pattern, Resource
from sfn_emulator.engine.ports import (
    StartTask,
    TaskBegun,
    TaskFailed,
    Tasks,
    TaskSubmitted,
    TaskSucceeded,
    Tell,
    Work,
)
from sfn_emulator.tasks.patterns import Finished, refused
from sfn_emulator.values import UNSET, Unset, Value, loads

_RANGE: Final = re.compile(r"(0|[1-9][0-9]*)(?:-(0|[1-9][0-9]*))?")
_EXECUTIONS: Final = 10_000
"""Executions whose invocations are counted at once; the oldest is forgotten first."""


class MockFileError(Exception):
    """A mock configuration can't be used; the text says what is wrong, and where."""


@dataclass(frozen=True, slots=True)
class Response:
    """One invocation's answer: ``output``, or ``error`` with ``cause``."""

    output: Value | Unset = UNSET
    error: str = ""
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Responses:
    """A named response: invocations from ``first`` to ``last`` get it."""

    name: str
    ranges: tuple[tuple[int, int, Response], ...]

    def at(self, invocation: int) -> Response | None:
        return next((told for first, last, told in self.ranges if first <= invocation <= last), None)


Cases = Mapping[tuple[str, str], Mapping[str, Responses]]
"""(state machine name, test case) → state → responses."""


def read(path: Path) -> Cases:
    """The test cases of a file. Raises ``MockFileError``."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise MockFileError(f"The mock configuration {path} can't be read: {(error.strerror or error)}.") from None
    try:
        return parse(loads(text))
    except ValueError as error:
        raise MockFileError(f"The mock configuration {path} is not JSON: {error}.") from None
    except MockFileError as error:
        raise MockFileError(f"The mock configuration {path} is not usable: {error}") from None


def parse(document: Value) -> Cases:
    """The test cases in a text. Raises ``MockFileError`` for the first fault."""
    top = _object(document, "the file")
    if top and not top.keys() & {"StateMachines", "MockedResponses"}:
        raise MockFileError(f"it has neither StateMachines nor MockedResponses, but {', '.join(sorted(top))}.")
    responses = {
        name: _responses(name, value)
        for name, value in _object(top.get("MockedResponses", {}), "MockedResponses").items()
    }
    cases: dict[tuple[str, str], dict[str, Responses]] = {}
    for machine, told in _object(top.get("StateMachines", {}), "StateMachines").items():
        where = f"StateMachines.{machine}"
        listed = _object(_object(told, where).get("TestCases", {}), f"{where}.TestCases")
        for case, states in listed.items():
            cases[machine, case] = _states(states, f"{where}.TestCases.{case}", responses)
    return cases


def _object(value: Value, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MockFileError(f"{where} must be a JSON object.")
    return value


def _states(value: Value, where: str, responses: Mapping[str, Responses]) -> dict[str, Responses]:
    found = {}
    for state, name in _object(value, where).items():
        if not isinstance(name, str) or name not in responses:
            raise MockFileError(f"{where}.{state} names the response {name!r}, which MockedResponses does not have.")
        found[state] = responses[name]
    return found


def _responses(name: str, value: Value) -> Responses:
    where = f"MockedResponses.{name}"
    ranges: list[tuple[int, int, Response]] = []
    for key, told in _object(value, where).items():
        matched = _RANGE.fullmatch(key)
        if matched is None or int(matched[2] or matched[1]) < int(matched[1]):
            raise MockFileError(f'{where}.{key}: invocations are a number ("0") or a range ("1-2").')
        ranges.append((int(matched[1]), int(matched[2] or matched[1]), _response(told, f"{where}.{key}")))
    ranges.sort(key=lambda entry: entry[0])
    for before, after in pairwise(ranges):
        if after[0] <= before[1]:
            raise MockFileError(f"{where}: invocation {after[0]} is answered twice.")
    return Responses(name, tuple(ranges))


def _response(value: Value, where: str) -> Response:
    told = _object(value, where)
    if set(told) == {"Return"}:
        return Response(output=told["Return"])
    if set(told) == {"Throw"}:
        thrown = _object(told["Throw"], f"{where}.Throw")
        error, cause = thrown.get("Error"), thrown.get("Cause")
        if isinstance(error, str) and (cause is None or isinstance(cause, str)):
            return Response(error=error, cause=cause)
        raise MockFileError(f"{where}.Throw needs an Error and a Cause, both strings.")
    raise MockFileError(f"{where} must have either Return or Throw.")


class MockedTasks:
    """``Tasks`` that answer for the states a test case names, and pass on all others."""

    def __init__(self, tasks: Tasks, cases: Cases) -> None:
        self._tasks = tasks
        self._cases = cases
        self._counts: OrderedDict[str, dict[str, int]] = OrderedDict()

    def supports(self, resource: Resource) -> str | None:
        return self._tasks.supports(resource)

    def start(self, effect: StartTask, tell: Tell) -> Work:
        identity = effect.request.identity
        if identity.test_case is None:
            return self._tasks.start(effect, tell)
        machine = identity.machine_name.partition("/")[0]  # a Map Run's child is called NAME/LABEL
        case = self._cases.get((machine, identity.test_case))
        if case is None:
            return refused(
                effect,
                tell,
                f"The mock configuration has no test case '{identity.test_case}' for the state machine '{machine}'.",
            )
        responses = case.get(effect.request.state)
        if responses is None:
            return self._tasks.start(effect, tell)
        return self._answer(effect, tell, responses)

    def _answer(self, effect: StartTask, tell: Tell, responses: Responses) -> Work:
        invocation = self._count(effect)
        told = responses.at(invocation)
        if told is None:
            return refused(
                effect,
                tell,
                f"The mocked response '{responses.name}' has no answer for invocation {invocation} of the state "
                f"'{effect.request.state}'.",
            )
        _tell(effect, told, tell)
        return Finished()

    def _count(self, effect: StartTask) -> int:
        """This invocation's number. A task that was under way before a crash gets no new one."""
        request = effect.request
        counts = self._counts.setdefault(request.identity.execution_arn, {})
        self._counts.move_to_end(request.identity.execution_arn)
        if len(self._counts) > _EXECUTIONS:
            self._counts.popitem(last=False)
        number = max(counts.get(request.state, 0), request.attempt)
        counts[request.state] = number + 1
        return number


def _tell(effect: StartTask, told: Response, tell: Tell) -> None:
    resource = effect.request.resource
    if resource.family is Family.ACTIVITY:
        tell(TaskBegun(effect.id, None))
    if isinstance(told.output, Unset):
        tell(TaskFailed(effect.id, told.error, told.cause))
        return
    if resource.pattern is not Pattern.REQUEST_RESPONSE and isinstance(effect.submitted, Unset):
        tell(TaskSubmitted(effect.id, told.output))
    tell(TaskSucceeded(effect.id, told.output))
