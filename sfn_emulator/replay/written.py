"""A recorded execution → one pytest file that repeats it: definition, input, and each Task's answers.

The test is run here before its file is returned. So only a test that passes is written, and it compares only data that
is the same in every run.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.parse import load
from sfn_emulator.engine.clock import VirtualClock
from sfn_emulator.engine.local.execution import Execution, identity
from sfn_emulator.engine.program import compile
from sfn_emulator.errors import DefinitionError
from sfn_emulator.picture.graph import graph_of
from sfn_emulator.picture.history.reading import happened
from sfn_emulator.picture.history.visit import Happened
from sfn_emulator.picture.printable import quotable
from sfn_emulator.replay.answers import answers
from sfn_emulator.replay.case import Case
from sfn_emulator.replay.replaying import UnreplayableError
from sfn_emulator.service.running.history import Texts, render, started_of
from sfn_emulator.values import dumps, loads

_WIDTH: Final = 100
_TEXT: Final = '''"""{title} as a test: {ran}.

Its Tasks answer as they did then, and waits take no time. Where the definition is a file of yours, give its path in
place of DEFINITION: then this tells when a change makes such a run go another way.

Written from {arn}
"""

DEFINITION = {definition}

INPUT = {given}

ANSWERS = {answers}


def test_{function}_happens_again(state_machine):
    run = state_machine(DEFINITION{express})
    ran = run(INPUT, tasks=ANSWERS, name={name!r}, start_at={at!r})
{asserts}
'''


def written(case: Case, begun_at: str | None = None) -> tuple[str, str]:
    """A file's name and its text. ``begun_at`` is the state at which it was started, where that is not StartAt.

    Raises ``UnreplayableError`` with the reason if this run can't be repeated.
    """
    recorded = happened(case.events)
    _check(case, recorded)
    definition = json.loads(case.definition)
    given = loads(case.given)
    if begun_at is not None:
        definition = _from(definition, begun_at)
        given = loads(recorded.visits[0].input or "{}")
    script: dict[str, list[Any]] = {}
    for answer in answers(case):
        script.setdefault(answer.state, []).append(_plain(answer.script))
    now, output = _ran(case, definition, given, script)
    _compare(case, recorded, now)
    function = re.sub(r"\W+", "_", case.name).strip("_").lower() or "it"
    text = _TEXT.format(
        title=quotable(case.name),
        name=case.name,
        ran=quotable(_ran_when(case, recorded)),
        arn=quotable(str(case.execution.get("executionArn", "a file"))),
        definition=_literal(definition),
        given=_literal(given),
        answers=_literal(script),
        function=function,
        express=", express=True" if case.express else "",
        at=case.began,
        asserts="\n".join(f"    {line}" for line in _asserts(recorded, now, output)),
    )
    return f"test_{function}.py", text


def _ran_when(case: Case, recorded: Happened) -> str:
    """``it ran from 2026-01-31 12:00:00 UTC, and ended FAILED``; a history may tell no times."""
    if not recorded.started:
        return f"it ended {recorded.status}"
    return f"it ran from {datetime.fromtimestamp(case.began, UTC):%Y-%m-%d %H:%M:%S} UTC, and ended {recorded.status}"


def _from(definition: Mapping[str, Any], state: str) -> dict[str, Any]:
    """The definition from a state on, without states that can't be reached from there (AWS refuses those)."""
    ways: dict[str, set[str]] = {}
    for edge in graph_of(definition).edges:
        ways.setdefault(edge.source, set()).add(edge.target)
    reached, waiting = set[str](), [state]
    while waiting:
        if (at := waiting.pop()) not in reached:
            reached.add(at)
            waiting += ways.get(at, ())
    states = {name: own for name, own in definition["States"].items() if name in reached}
    return {**definition, "StartAt": state, "States": states}


def _check(case: Case, recorded: Happened) -> None:
    """Raises ``UnreplayableError`` for a run that can't be repeated whatever the Tasks answer."""
    reasons = {
        "has no definition": not case.definition,
        "still runs: wait for its end": recorded.status == "RUNNING",
        "was stopped from outside, which a test can't repeat": recorded.status == "ABORTED",
        "was redriven: its Tasks failed and later succeeded, which one run can't repeat": recorded.redrives > 0,
        "has a Distributed Map, whose children are executions of their own": any(
            visit.map_run for visit in recorded.visits
        ),
        "entered no state": not recorded.visits,
    }
    found = next((reason for reason, holds in reasons.items() if holds), None)
    if found is not None:
        raise UnreplayableError(f"{case.name} {found}.")


def _plain(script: Mapping[str, Any]) -> dict[str, Any]:
    """An answer without empty members."""
    told = {name: value for name, value in script.items() if not (name == "cause" and value is None)}
    if "after" in told:
        told["after"] = round(told["after"], 3)
        if not told["after"]:
            del told["after"]
    if told.get("stage") == "Failed":
        del told["stage"]
    return told


def _ran(case: Case, definition: Any, given: Any, script: Mapping[str, Any]) -> tuple[Happened, Any]:
    """The run as the file will see it, made like the ``state_machine`` fixture does."""
    try:
        machine = load(dumps(definition), MachineType.EXPRESS if case.express else MachineType.STANDARD)
    except DefinitionError as error:
        raise UnreplayableError(f"{case.name}: its definition is refused today: {error}") from None
    clock, own = VirtualClock(case.began), identity(case.name, at=case.began, express=case.express)
    execution = Execution(compile(machine), given, dumps(given), identity=own, tasks=script, clock=clock)
    execution.start().finish()
    texts = Texts(started_of(execution.events))
    told = (render(event, number, texts, {}) for number, event in enumerate(execution.events, 1))
    return happened(told), execution.output


def _compare(case: Case, recorded: Happened, now: Happened) -> None:
    was, is_ = [visit.state for visit in recorded.visits], [visit.state for visit in now.visits]
    at = next((n for n, pair in enumerate(zip(was, is_, strict=False)) if len(set(pair)) > 1), min(len(was), len(is_)))
    if was != is_:
        then, there = (states[at] if at < len(states) else "the end" for states in (was, is_))
        raise UnreplayableError(
            f"{case.name} can't be written as a test: run again, {there} follows after {at} states and not {then}. "
            "Its way depends on more than its input and its Tasks' answers."
        )
    if (recorded.status, recorded.error) != (now.status, now.error):
        raise UnreplayableError(
            f"{case.name} can't be written as a test: run again, it ends {now.status} {now.error or ''}"
        )


def _asserts(recorded: Happened, now: Happened, output: Any) -> Iterator[str]:
    yield f"assert ran.status == {recorded.status!r}"
    if recorded.error is not None:
        yield f"assert ran.error == {recorded.error!r}"
        if recorded.cause == now.cause and recorded.cause is not None:
            yield f"assert ran.cause == {recorded.cause!r}"
    yield _equals("ran.visited", [visit.state for visit in now.visits])
    tried: dict[str, int] = {}
    for visit in now.visits:
        tried[visit.state] = tried.get(visit.state, 0) + len(visit.attempts)
    yield from (f"assert ran.attempts({state!r}) == {count}" for state, count in tried.items() if count > 1)
    if recorded.output is None:
        return
    if loads(recorded.output) == output:
        yield _equals("ran.output", output)
    else:
        yield "# The output is not compared: it holds what differs from run to run (ids, times, names, tokens)."


def _equals(what: str, value: Any) -> str:
    return f"assert {what} == {_literal(value, 4)}"


def _literal(value: Any, indent: int = 0) -> str:
    """The value in Python, as a formatter would lay it out."""
    brackets = "{}" if isinstance(value, dict) else "[]" if isinstance(value, list) else ""
    short = repr(value)
    if not brackets or len(short) + indent <= _WIDTH or not value:
        return short
    inner = indent + 4
    members = (
        [f"{name!r}: {_literal(member, inner)}" for name, member in value.items()]
        if isinstance(value, dict)
        else [_literal(member, inner) for member in value]
    )
    lines = "".join(f"{' ' * inner}{member},\n" for member in members)
    return f"{brackets[0]}\n{lines}{' ' * indent}{brackets[1]}"
