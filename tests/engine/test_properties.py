"""A generated definition is refused with problems, or runs to an end with a well-formed history."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfn_emulator.engine.clock import VirtualClock
from sfn_emulator.engine.driver import Alone, Driver
from sfn_emulator.engine.local.execution import Execution, LocalTasks, identity, program_of, start_locally
from sfn_emulator.engine.ports import Effect, Signal
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.errors import DefinitionError
from tests.engine.machines import LAMBDA, check_history

pytestmark = pytest.mark.filterwarnings("ignore:The recursion limit will not be reset")  # jsonata-python sets its own

PATHS = st.sampled_from(
    [
        *("$", "$.a", "$.b", "$.a.b", "$[0]", "$[-1]", "$[0:2]", "$.a[*]", "$..b", "$..*", "$['a', 'b']"),
        *("$.a[?(@.b > 1)]", "$.a.length()", "$.a.sum()"),
        *("$$.State.Name", "$$.Map.Item.Value", "$$.Execution.Input.a"),
    ]
)
REFERENCES = st.sampled_from(["$", "$.a", "$.b.c", None])
TEMPLATES = st.sampled_from(
    [
        {"a.$": "$"},
        {"a.$": "$.a", "b": [1, {"c.$": "$$.Execution.Input"}]},
        {"b.$": "States.Array($.a, 1)"},
        {"a.$": "States.MathAdd($.a, 1)"},
        {"a": 1, "b": {"a": [{"b": 2}, 3]}},
        {"a.$": "States.Format('{}-{}', $.a, $.b)"},
        {"a.$": "States.ArrayUnique($.a)"},
        {"b.$": "States.JsonMerge($.a, $.b, false)"},
        {"a.$": "States.StringToJson($.a)"},
        {"a.$": "States.ArrayRange($.a, 9, $.b)"},
        {"b.$": "States.ArrayPartition($.a, $.b)"},
        {"a.$": "States.UUID()"},
    ]
)
EXPRESSIONS = st.sampled_from(
    [
        "{% $states.input %}",
        "{% $states.input.a %}",
        "{% $states.input.a + 1 %}",
        "{% $states.context.State.Name %}",
        "{% [1, 2, 3] %}",
        "{% {'a': 1} %}",
        "{% $uuid() %}",
        "{% $count($states.input.a) > 1 %}",
        "{% $states.result %}",
        "{% $states.errorOutput.Error %}",
        "{% $v0 %}",
        "{% $v1 & 'x' %}",
        "{% $map($states.input.a, function($x) { $x + 1 }) %}",
        "{% $sort($states.input) %}",
        "{% $states.input.**.b %}",
        "{% $states.input{a: $} %}",
        "{% $partition($states.input.a, 2) %}",
        "{% $string($states.input) %}",
        "{% $random() & $now() %}",
        "{% $error('boom') %}",
        "{% function($x) { $x } %}",
        "{% 1 / 0 %}",
        "{% null %}",
        "literal",
    ]
)
ERRORS = st.sampled_from([["States.ALL"], ["E"], ["States.TaskFailed"], ["States.Timeout", "F"], ["States.Runtime"]])
RETRY = st.lists(
    st.fixed_dictionaries(
        {"ErrorEquals": ERRORS},
        optional={
            "MaxAttempts": st.integers(0, 2),
            "IntervalSeconds": st.integers(1, 5),
            "BackoffRate": st.sampled_from([1, 2.5]),
            "JitterStrategy": st.sampled_from(["FULL", "NONE"]),
        },
    ),
    max_size=2,
)


@st.composite
def catchers(draw: st.DrawFn, names: list[str], jsonata: bool) -> list[dict[str, Any]]:
    rows = draw(st.lists(ERRORS, max_size=2))
    extra = {"Output": draw(EXPRESSIONS)} if jsonata else {"ResultPath": draw(REFERENCES)}
    return [{"ErrorEquals": row, "Next": draw(st.sampled_from(names)), **draw(some(extra))} for row in rows]


def some(fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any part of the fields."""
    keys = st.sets(st.sampled_from(sorted(fields))) if fields else st.just(set())
    return keys.map(lambda chosen: {key: fields[key] for key in fields if key in chosen})


@st.composite
def flow(draw: st.DrawFn, jsonata: bool, kind: str, depth: int) -> dict[str, Any]:
    if jsonata:
        fields = {"Output": draw(EXPRESSIONS), "Assign": {f"v{depth}": draw(EXPRESSIONS)}}
        if kind in ("Task", "Parallel"):
            fields["Arguments"] = draw(EXPRESSIONS)
        return draw(some(fields))
    fields = {
        "InputPath": draw(st.one_of(PATHS, st.none())),
        "OutputPath": draw(PATHS),
        "Assign": {f"v{depth}": draw(TEMPLATES)},
    }
    if kind in ("Pass", "Task", "Parallel"):
        fields["Parameters"] = draw(TEMPLATES)
        fields["ResultPath"] = draw(REFERENCES)
    if kind in ("Task", "Parallel", "Map"):
        fields["ResultSelector"] = draw(TEMPLATES)
    return draw(some(fields))


@st.composite
def choices(draw: st.DrawFn, names: list[str], jsonata: bool) -> dict[str, Any]:
    target = st.sampled_from(names)
    if jsonata:
        rule = {"Condition": draw(EXPRESSIONS), "Next": draw(target)}
    else:
        test = draw(st.sampled_from([{"IsPresent": True}, {"NumericLessThan": 5}, {"StringEquals": "x"}]))
        rule = {"Variable": draw(PATHS), **test, "Next": draw(target)}
    return {"Type": "Choice", "Choices": [rule]}


@st.composite
def state(draw: st.DrawFn, names: list[str], depth: int, own: str) -> dict[str, Any]:
    """Leads to the next of the names, mostly, so that most definitions are accepted; the last one ends."""
    following = names[names.index(own) + 1 :][:1]
    kinds = ["Pass", "Task", "Task", "Wait", *(["Choice"] if following else ["Succeed", "Fail"])]
    kinds += ["Parallel", "Map"] if depth else []
    kind = draw(st.sampled_from(kinds))
    jsonata = draw(st.booleans())
    language = {"QueryLanguage": "JSONata"} if jsonata else {}
    if kind == "Succeed":
        return {"Type": kind, **language}
    if kind == "Fail":
        return {"Type": kind, "Error": draw(st.sampled_from(["E", "F", "States.Runtime"])), **language}
    if kind == "Choice":
        return {**draw(choices(names, jsonata)), "Default": following[0], **language}
    target = {"Next": following[0]} if following else {"End": True}
    made = {"Type": kind, **language, **target, **draw(flow(jsonata, kind, depth))}
    if kind == "Wait":
        return made | {"Seconds": draw(st.integers(0, 3))}
    if kind == "Pass":
        return made | ({} if jsonata else draw(some({"Result": draw(st.sampled_from([1, {"a": 2}, [1, 2]]))})))
    if kind == "Task":
        made |= {"Resource": LAMBDA} | draw(some({"TimeoutSeconds": draw(st.integers(1, 9))}))
    if kind == "Parallel":
        made["Branches"] = [draw(branch(depth - 1, f"{own}{index}")) for index in range(draw(st.integers(1, 2)))]
    if kind == "Map":
        made["ItemProcessor"] = draw(branch(depth - 1, f"{own}m"))
        made |= draw(some({"Items": draw(EXPRESSIONS)} if jsonata else {"ItemsPath": draw(PATHS)}))
        made |= draw(some({"MaxConcurrency": draw(st.integers(0, 3))}))
        made |= draw(some({"ItemSelector": draw(EXPRESSIONS if jsonata else TEMPLATES)}))
    return made | draw(some({"Retry": draw(RETRY), "Catch": draw(catchers(names, jsonata))}))


@st.composite
def branch(draw: st.DrawFn, depth: int, prefix: str) -> dict[str, Any]:
    names = [f"{prefix}{letter}" for letter in "ABC"[: draw(st.integers(1, 3))]]
    states = {name: draw(state(names, depth, name)) for name in names}
    return {"StartAt": names[0], "States": states}


INPUTS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "2026-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
ANSWER = st.sampled_from(
    [
        {"return": {"a": 1}},
        {"return": [1, 2]},
        {"throw": "E", "cause": "c"},
        {"throw": "F", "after": 3},
        {"return": 1, "after": 20},
        {"return": "x" * 262_143},
        {"throw": "", "cause": ""},
        {"throw": "States.Runtime", "cause": "c"},
        {"submit": {}, "throw": "E", "stage": "SubmitFailed"},
        {"heartbeats": [1, 2], "return": 3, "after": 5},
    ]
)
ANSWERS = st.lists(ANSWER, min_size=1, max_size=4)
DEFINITIONS = branch(2, "S")


def started(definition: dict[str, Any], value: Any, answers: list[Any]) -> Execution | None:
    try:
        return start_locally(json.dumps(definition), text=json.dumps(value), tasks={LAMBDA: answers})
    except DefinitionError as error:
        assert error.problems
        return None


@settings(suppress_health_check=list(HealthCheck))
@given(DEFINITIONS, INPUTS, ANSWERS)
def test_a_definition_is_refused_or_runs_to_an_end(definition: dict[str, Any], value: Any, answers: list[Any]) -> None:
    execution = started(definition, value, answers)
    if execution is not None:
        execution.finish()
        assert execution.status in (Status.SUCCEEDED, Status.FAILED)
        check_history(execution.events)
        assert not execution.run.open_effects()


@settings(max_examples=settings.default.max_examples // 2, suppress_health_check=list(HealthCheck))
@given(DEFINITIONS, INPUTS, ANSWERS)
def test_a_redriven_execution_runs_to_an_end_too(definition: dict[str, Any], value: Any, answers: list[Any]) -> None:
    execution = started(definition, value, answers)
    if execution is not None and execution.finish().status is Status.FAILED and len(execution.events) < 20_000:
        execution.driver.redrive()
        execution.finish()
        assert execution.status in (Status.SUCCEEDED, Status.FAILED)
        check_history(execution.events)


class RecordedRun(Run):
    """A run that keeps every effect it gave."""

    __slots__ = ("given_out",)

    def take_effects(self) -> list[Effect]:
        taken = super().take_effects()
        self.given_out = [*getattr(self, "given_out", []), *taken]
        return taken


class Recorder(Alone):
    """A host that keeps the signals, as a store would."""

    def __init__(self) -> None:
        self.signals: list[tuple[Signal, float]] = []

    def record(self, signal: Signal, at: float) -> None:
        self.signals.append((signal, at))


@settings(max_examples=settings.default.max_examples // 2, suppress_health_check=list(HealthCheck))
@given(DEFINITIONS, INPUTS, ANSWERS, st.integers(1, 50))
def test_a_replay_of_the_signals_gives_the_same_events_and_effects(
    definition: dict[str, Any], value: Any, answers: list[Any], budget: int
) -> None:
    try:
        program = program_of(json.dumps(definition))
    except DefinitionError:
        return
    clock, recorder = VirtualClock(), Recorder()
    first = RecordedRun(program, identity(), value, json.dumps(value))
    Driver(first, clock, LocalTasks({LAMBDA: answers}, clock), host=recorder).start()
    while clock.advance_to_next():
        pass
    again = RecordedRun(program, identity(), value, json.dumps(value))
    again.start(first.events[0].at)
    advance(again, budget)
    for signal, at in recorder.signals:
        again.deliver(signal, at)
        advance(again, budget)
    assert again.events == first.events
    assert again.given_out == first.given_out
    assert (again.status, again.output, again.error) == (first.status, first.output, first.error)


def advance(run: Run, budget: int) -> None:
    while run.advance(budget):
        pass
    run.take_effects()
