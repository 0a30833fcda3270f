"""Histories are read as visits: every state on its line of control, with its outcome."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.asl.parse import parse
from sfn_emulator.engine.local.execution import start_locally
from sfn_emulator.engine.ports import Identity
from sfn_emulator.picture.graph import Graph, graph_of
from sfn_emulator.picture.history.file import UnreadableHistoryError, read_history
from sfn_emulator.picture.history.reading import Reading, happened
from sfn_emulator.picture.history.scope import scope_of
from sfn_emulator.picture.history.stages import FAILED, RECORDED, stages, states_by_name
from sfn_emulator.picture.history.visit import OPEN, Happened, Outcome
from tests.conformance.test_cases import CASES
from tests.conformance.test_cases import run as run_case
from tests.picture.history.executions import events_of, machine, run, task, told_of, visits

IDENTITY = Identity("arn:aws:states:us-east-1:123456789012:execution:m:e", "e", "arn:m", "m", "r", 0.0)


@pytest.mark.parametrize("case", CASES)
def test_every_event_of_every_case_finds_its_place(case: dict[str, Any]) -> None:
    """Each state lies in the region it is written in, and follows one that leads to it."""
    text = case["definition"] if isinstance(case["definition"], str) else json.dumps(case["definition"])
    graph = graph_of(json.loads(text))
    ran = run_case(case)
    told = told_of(text, ran)
    assert _as_it_grew(events_of(ran), graph) == told
    _in_their_regions(told, graph)
    ways = {(edge.source, edge.target) for edge in graph.edges}
    starts = {region.start_at for region in graph.regions}
    for number, line in enumerate(told.lines):
        names = [visit.state for visit in told.on(number)]
        assert names[:1] == [] or names[0] in starts
        assert {*pairwise(names)} <= ways | ({(name, name) for name in names} if told.redrives else set())
        assert line.owner is None or number in told.visits[line.owner].lines
    assert not {visit.outcome for visit in told.visits} & OPEN
    if told.status == "FAILED" and not all(visit.left_by for visit in told.visits):
        assert Outcome.FAILED in {visit.outcome for visit in told.visits}
    _told_in_full(text, told)


ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")


def _as_it_grew(events: list[dict[str, Any]], graph: Graph) -> Happened:
    """Read as a page does that looks at a run that is on: it is judged some times before its end."""
    reading, looks = Reading(graph), len(events) // 20 + 1
    for number, event in enumerate(events):
        reading.read(event)
        if number % looks == 0 and event["type"] not in ENDS:
            reading.judged()
    return reading.judged()


def _in_their_regions(told: Happened, graph: Graph) -> None:
    for visit in told.visits:
        owner = told.lines[visit.line].owner
        around = "" if owner is None else told.visits[owner].state
        assert graph.by_id[visit.state].region.rpartition("/")[0] == around
        assert graph.by_id[visit.state].type == visit.type


def _told_in_full(text: str, told: Happened) -> None:
    """The stages of every visit can be computed, and lead to the output that is recorded."""
    model, _ = parse(text)
    assert model is not None
    states = states_by_name(model.body)
    for visit in told.visits:
        made = stages(told, visit, states[visit.state], scope_of(told, visit, IDENTITY))
        assert made[0].name == "input"
        if visit.left_by:
            assert made[-1].name == "output"
            assert FAILED not in {stage.how for stage in made}


def test_stages_between_input_and_output_are_computed_and_say_so() -> None:
    definition = machine(
        Charge=task(
            InputPath="$.order",
            Parameters={"Amount.$": "$.total"},
            ResultSelector={"id.$": "$.Id"},
            ResultPath="$.charge",
            OutputPath="$.charge",
            End=True,
        )
    )
    told = run(definition, {"order": {"total": 7}}, tasks={"Charge": lambda given: {"Id": given["Amount"]}})
    model, _ = parse(json.dumps(definition))
    assert model is not None
    visit = told.visits[0]
    made = stages(told, visit, states_by_name(model.body)["Charge"], scope_of(told, visit, IDENTITY))
    assert [(stage.name, stage.value, stage.how) for stage in made] == [
        ("input", {"order": {"total": 7}}, "recorded"),
        ("after InputPath", {"total": 7}, "computed"),
        ("called with", {"Amount": 7}, "recorded"),
        ("result", {"Id": 7}, "recorded"),
        ("after ResultSelector", {"id": 7}, "computed"),
        ("after ResultPath", {"order": {"total": 7}, "charge": {"id": 7}}, "computed"),
        ("after OutputPath", {"id": 7}, "computed"),
        ("output", {"id": 7}, "recorded"),
    ]
    assert [stage.field for stage in made][1:3] == ["InputPath", "Parameters"]


def test_a_choices_rules_are_shown_one_by_one() -> None:
    rules = [{"Variable": "$.n", "NumericEquals": n, "Next": "End"} for n in (1, 2, 3)]
    definition = machine(Which={"Type": "Choice", "Choices": rules, "Default": "End"}, End={"Type": "Succeed"})
    told = run(definition, {"n": 2})
    model, _ = parse(json.dumps(definition))
    assert model is not None
    made = stages(told, told.visits[0], model.body.states["Which"], scope_of(told, told.visits[0], IDENTITY))
    assert [(stage.name, stage.value, stage.note) for stage in made[1:-1]] == [
        ("rule 1", False, ""),
        ("rule 2", True, "→ End"),
    ]


def test_random_values_are_said_to_be_drawn_anew() -> None:
    definition = machine(Draw={"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}, "End": True})
    told = run(definition)
    model, _ = parse(json.dumps(definition))
    assert model is not None
    made = stages(told, told.visits[0], model.body.states["Draw"], scope_of(told, told.visits[0], IDENTITY))
    assert "random" in made[1].note
    assert made[-1].how == RECORDED


def test_attempts_have_their_errors_and_the_waits_between_them() -> None:
    retry = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 5, "BackoffRate": 2, "MaxAttempts": 3}]
    tries = [{"throw": "Busy", "cause": "one"}, {"throw": "Busy"}, {"return": 1}]
    told = run(machine(Try=task(Retry=retry, End=True)), tasks={"Try": tries})
    (visit,) = told.visits
    assert [(attempt.number, attempt.error, attempt.wait) for attempt in visit.attempts] == [
        (1, "Busy", 5.0),
        (2, "Busy", 10.0),
        (3, None, None),
    ]
    assert (visit.outcome, visit.error) == (Outcome.DONE, None)


def test_a_caught_error_and_what_handles_it_are_told_apart() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Undo"}]
    states = {"Try": task(Catch=catch, Next="Fine"), "Undo": task(Next="Sorry")}
    told = run(
        machine(**states, Fine={"Type": "Succeed"}, Sorry={"Type": "Fail", "Error": "No", "Cause": "way"}),
        tasks={"Try": [{"throw": "Broken"}], "Undo": [{"return": 1}]},
    )
    assert [(visit.state, visit.outcome.value, visit.error) for visit in told.visits] == [
        ("Try", "caught", "Broken"),
        ("Undo", "compensated", None),
        ("Sorry", "failed", "No"),
    ]


def test_an_answer_that_turns_a_saga_back_is_told() -> None:
    states = {
        "Pay": task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Refund"}], Next="Paid?"),
        "Paid?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.Status", "StringEquals": "PAID", "Next": "Done"}],
            "Default": "Refund",
        },
        "Done": {"Type": "Succeed"},
        "Refund": {"Type": "Pass", "End": True},
    }
    told = run(machine(**states), tasks={"Pay": [{"return": {"Status": "ERROR"}}]})
    assert [visit.outcome.value for visit in told.visits] == ["turned", "done", "compensated"]


def _paid_by(answer: str) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": [{"Variable": "$.Status", "StringEquals": answer, "Next": "Cancel"}]}


@pytest.mark.parametrize("answer, outcome", [("REFUNDED", "compensated"), ("ERROR", "turned")])
def test_a_compensation_whose_answer_leads_where_its_own_catcher_leads_is_not_done(answer: str, outcome: str) -> None:
    caught = [{"ErrorEquals": ["States.ALL"]}]
    states = {
        "Pay": task(Catch=[{**caught[0], "Next": "Refund"}], End=True),
        "Refund": task(Catch=[{**caught[0], "Next": "Record"}], Next="Refunded?"),
        "Refunded?": {**_paid_by("REFUNDED"), "Default": "Record"},
        "Record": task(Catch=[{**caught[0], "Next": "Cancel"}], Next="Cancel"),
        "Cancel": {"Type": "Fail", "Error": "No", "Cause": "way"},
    }
    answers = {"Pay": [{"throw": "Broken"}], "Refund": [{"return": {"Status": answer}}], "Record": [{"return": 1}]}
    told = {visit.state: visit.outcome.value for visit in run(machine(**states), tasks=answers).visits}
    assert told.pop("Record", "compensated") == "compensated"
    assert told == {"Pay": "caught", "Refund": outcome, "Refunded?": "compensated", "Cancel": "failed"}


def test_a_run_that_is_on_shows_what_it_waits_for() -> None:
    states = {"Rest": {"Type": "Wait", "Seconds": 60, "End": True}}
    execution = start_locally(machine(**states))
    told = told_of(machine(**states), execution)
    assert (told.status, told.visits[0].outcome, told.visits[0].left) == ("RUNNING", Outcome.WAITING, None)


def test_variables_are_those_of_before_and_after() -> None:
    first = {"Type": "Pass", "Assign": {"a": 1}, "Next": "Second"}
    told = run(machine(First=first, Second={"Type": "Pass", "Assign": {"a": 2, "b": 3}, "End": True}))
    assert [(dict(visit.before), dict(visit.after)) for visit in told.visits] == [
        ({}, {"a": "1"}),
        ({"a": "1"}, {"a": "2", "b": "3"}),
    ]


def test_a_redriven_execution_goes_on_where_it_failed() -> None:
    states = machine(Before={"Type": "Pass", "Next": "Try"}, Try=task(End=True))
    execution = start_locally(states, tasks={"Try": [{"throw": "Broken"}, {"return": 1}]}).finish()
    execution.driver.redrive()
    execution.finish()
    told = told_of(states, execution)
    assert (told.redrives, told.status) == (1, "SUCCEEDED")
    (tried,) = visits(told, "Try")
    assert [attempt.error for attempt in tried.attempts] == ["Broken", None]
    assert tried.outcome is Outcome.DONE


def test_a_long_history_is_read_in_good_time() -> None:
    each = {"StartAt": "Do", "States": {"Do": {"Type": "Pass", "End": True}}}
    told = run(machine(Each={"Type": "Map", "ItemProcessor": each, "End": True}), list(range(5_000)))
    assert len(told.events) > 20_000 - 5
    assert len(visits(told, "Do")) == 5_000
    assert [told.lines[visit.line].index for visit in visits(told, "Do")] == list(range(5_000))


# -- histories of elsewhere


def test_the_aws_clis_output_is_read(tmp_path: Path) -> None:
    definition = machine(A={"Type": "Wait", "Seconds": 90, "End": True})
    events = events_of(start_locally(definition, {"n": 1}).finish())
    for event in events:
        event["timestamp"] = f"2026-01-01T00:0{int(event['timestamp'] % 3600 // 60)}:00.000000+01:00"
    text = json.dumps({"events": events[::-1]}, indent=4)
    history = read_history(text, "history.json")
    told = happened(history.events, graph_of(definition))
    assert told.visits[0].seconds == 60.0
    assert told.visits[0].outcome is Outcome.DONE


@pytest.mark.parametrize("text", ["", "{}", '{"events": []}', '{"events": [{"id": 1}]}', '{"Records": 3}', "[3]"])
def test_a_file_without_a_history_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UnreadableHistoryError, match=r"^h\.json: ") as refused:
        read_history(text, "h.json")
    assert "\n" not in str(refused.value)


def test_a_history_with_holes_is_read_as_far_as_it_goes() -> None:
    definition = machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "End": True})
    events = events_of(start_locally(definition).finish())
    for kept in ([events[2]], events[3:], [{"id": 7, "type": "Invented"}], [{"id": 9, "type": "MapIterationFailed"}]):
        assert happened(kept, graph_of(definition)).events
