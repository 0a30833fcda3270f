"""The answers of each Task in a recording, in the order of its attempts."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sfn_emulator.picture.history.events import detail, moment, text
from sfn_emulator.picture.history.reading import happened
from sfn_emulator.picture.history.visit import Attempt, Visit
from sfn_emulator.replay.case import Case
from sfn_emulator.values import loads

_PREFIXES: Final = ("LambdaFunction", "Activity", "Task")
_ENDS: Final = ("ScheduleFailed", "StartFailed", "SubmitFailed", "Failed", "TimedOut")


@dataclass(frozen=True, slots=True)
class Answer:
    """One attempt. ``asked`` are the Task's parameters as JSON text; ``script`` is the answer in the form of
    ``engine.local``.
    """

    state: str
    asked: str | None
    script: Mapping[str, Any]


def answers(case: Case) -> list[Answer]:
    """The answers in the order of their Scheduled events."""
    told = happened(case.events)
    by_id = {int(event["id"]): event for event in case.events}
    found = [
        (attempt.event, Answer(visit.state, attempt.input, _script(visit, attempt, number, by_id)))
        for visit in told.visits
        if visit.type == "Task"
        for number, attempt in enumerate(visit.attempts)
    ]
    return [answer for _, answer in sorted(found, key=lambda pair: pair[0])]


def _script(visit: Visit, attempt: Attempt, number: int, by_id: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    following = visit.attempts[number + 1].event if number + 1 < len(visit.attempts) else None
    own = [by_id[id_] for id_ in visit.events if attempt.event <= id_ and (following is None or id_ < following)]
    script: dict[str, Any] = {}
    for event in own:
        script |= dict(_told(event, moment(event) - moment(by_id[attempt.event])))
    return script or {"never": True}


def _told(event: Mapping[str, Any], after: float) -> Iterator[tuple[str, Any]]:
    kind, told = str(event["type"]), detail(event)
    if kind == "TaskSubmitted":
        yield "submit", _value(text(told, "output"))
    elif kind == "ActivityStarted":
        yield "worker", told.get("workerName")
    elif kind in ("LambdaFunctionSucceeded", "ActivitySucceeded", "TaskSucceeded"):
        yield from (("return", _value(text(told, "output"))), ("after", max(0.0, after)))
    else:
        stage = _stage(kind)
        if stage is not None:
            yield from (("throw", told.get("error") or ""), ("cause", text(told, "cause")))
            yield from (("stage", stage), ("after", max(0.0, after)))


def _stage(kind: str) -> str | None:
    ends = {f"{prefix}{end}": end for prefix in _PREFIXES for end in _ENDS}
    return ends.get(kind)


def _value(told: str | None) -> Any:
    return None if told is None else loads(told)


def mocks(case: Case, machine: str) -> str:
    """The answers as a mock configuration (``--mocks``): one test case, each state's attempts by number."""
    states: dict[str, dict[str, Any]] = {}
    for answer in answers(case):
        told = states.setdefault(answer.state, {})
        told[str(len(told))] = _mock(answer.script)
    responses = {f"{state} as recorded": told for state, told in states.items()}
    cases = {"recorded": {state: f"{state} as recorded" for state in states}}
    document = {"StateMachines": {machine: {"TestCases": cases}}, "MockedResponses": responses}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _mock(script: Mapping[str, Any]) -> dict[str, Any]:
    if "return" in script:
        return {"Return": script["return"]}
    return {"Throw": {"Error": script.get("throw", "States.Timeout"), "Cause": script.get("cause") or ""}}
