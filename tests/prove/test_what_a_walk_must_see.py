"""Sagas that look right and are not: for each there is one way to what it leaves behind, and the walk goes it.

Beside most of them stands the right one, which is proved.
"""

import json
from typing import Any

import pytest

from sfn_emulator.asl.parse import load
from sfn_emulator.prove.claims import claims
from sfn_emulator.prove.walk.findings import Walked
from sfn_emulator.prove.walk.rules import Rule
from sfn_emulator.prove.walk.walk import walk
from tests.prove.sagas import ALWAYS, BUSY, CLAIMS, SAGA, catch, task

ENDS: dict[str, Any] = {"Done": {"Type": "Succeed"}, "Undone": {"Type": "Fail"}}
NOTING: dict[str, Any] = {"Note": task("note", Next="Repair"), "Repair": {"Type": "Fail"}}
RELEASE = task("release", ResultPath=None, Retry=ALWAYS, Catch=catch("Note"), Next="Undone")
RESERVE: dict[str, Any] = {
    "undo": {"Reserve": "Release"},
    "repeatable": ["Reserve", "Release"],
    "undone": ["Undone"],
}


def walked(states: dict[str, Any], told: dict[str, Any], faults: int = 2, **more: Any) -> Walked:
    first = next(iter(states))
    return walk(load(json.dumps({"StartAt": first, "States": states, **more})), claims(**told), faults=faults)


def broken(states: dict[str, Any], told: dict[str, Any], faults: int = 2, **more: Any) -> set[Rule]:
    return {finding.hit.rule for finding in walked(states, told, faults, **more).counterexamples}


def choice(*rules: tuple[str, Any, str], default: str, variable: str = "$.r.status") -> dict[str, Any]:
    made = [{"Variable": variable, operator: operand, "Next": target} for operator, operand, target in rules]
    return {"Type": "Choice", "Choices": made, "Default": default}


def asking(**choices: dict[str, Any]) -> dict[str, Any]:
    """Reserve, then the Choices; what goes to Undone without Release leaves the reservation."""
    first = next(iter(choices))
    reserve = task("reserve", ResultPath="$.r", Catch=catch("Release"), Next=first)
    return {"Reserve": reserve, **choices, "Release": RELEASE, **NOTING, **ENDS}


# -- what a value may be


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("StringEquals", "OK"), ("StringEquals", "PENDING")),
        (("NumericGreaterThan", 5), ("NumericLessThan", -10)),
        (("IsPresent", False), ("StringMatches", "PEND*")),
    ],
)
def test_what_one_choice_leaves_open_another_may_ask(first: tuple[str, Any], second: tuple[str, Any]) -> None:
    def two(behind: str) -> dict[str, Any]:
        return asking(Ready=choice((*first, "Done"), default="Late"), Late=choice((*second, behind), default="Release"))

    assert broken(two("Undone"), RESERVE) == {Rule.NOT_UNDONE}
    assert broken(two("Release"), RESERVE) == set()


def test_a_value_is_the_same_under_another_name() -> None:
    renamed = {"Type": "Pass", "Parameters": {"r": {"state.$": "$.r.status"}}, "Next": "Late"}
    late = choice(("StringEquals", "PENDING", "Undone"), default="Release", variable="$.r.state")
    ready = choice(("StringEquals", "OK", "Done"), default="Rename")
    assert broken(asking(Ready=ready, Rename=renamed, Late=late), RESERVE) == {Rule.NOT_UNDONE}


PATHS = ["String", "Numeric", "Boolean", "Timestamp"]


@pytest.mark.parametrize("operator", [f"{kind}EqualsPath" for kind in PATHS] + ["StringLessThanPath"])
def test_two_unknown_values_may_be_alike_and_may_differ(operator: str) -> None:
    for alike, otherwise in (("Undone", "Done"), ("Done", "Undone")):
        states = asking(Alike=choice((operator, "$.want", alike), default=otherwise))
        assert broken(states, RESERVE) == {Rule.NOT_UNDONE}


@pytest.mark.parametrize(("operator", "known"), [("NumericEqualsPath", 100), ("StringEqualsPath", "abc")])
def test_an_unknown_value_may_be_the_known_one(operator: str, known: Any) -> None:
    given = {"Given": {"Type": "Pass", "Result": known, "ResultPath": "$.want", "Next": "Reserve"}}
    states = {**given, **asking(Alike=choice((operator, "$.want", "Undone"), default="Done"))}
    assert broken(states, RESERVE) == {Rule.NOT_UNDONE}


def test_an_error_that_only_a_choice_knows_may_come() -> None:
    def why(refused: str) -> dict[str, Any]:
        asked = choice(("StringEquals", "Card.Refused", refused), default="Refund", variable="$.error.Error")
        pay = {**SAGA["States"]["Pay"], "Catch": catch("Why")}
        return {**SAGA["States"], "Pay": pay, "Why": asked}

    assert Rule.NOT_UNDONE in broken(why("Undone"), CLAIMS)
    assert broken(why("Refund"), CLAIMS) == set()


def jsonata(*rules: tuple[str, str], default: str) -> dict[str, Any]:
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Release"}]
    made = [{"Condition": f"{{% {condition} %}}", "Next": target} for condition, target in rules]
    return {
        "Reserve": task("reserve", Catch=caught, Next="Which"),
        "Which": {"Type": "Choice", "Choices": made, "Default": default},
        "Release": task(
            "release", Retry=ALWAYS, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Note"}], Next="Undone"
        ),
        **NOTING,
        **ENDS,
    }


@pytest.mark.parametrize(
    ("rules", "default"),
    [
        ([(f"$states.input.s in {[chr(n) for n in range(65, 80)]}", "Done")], "Undone"),
        ([*((f"$states.input.n < {n}", "Release") for n in (10, 20, 30)), ("$states.input.n > 40", "Undone")], "Done"),
    ],
)
def test_a_condition_may_name_many_values(rules: list[tuple[str, str]], default: str) -> None:
    assert broken(jsonata(*rules, default=default), RESERVE, QueryLanguage="JSONata") == {Rule.NOT_UNDONE}


# -- what happens at once


LOOK = {"StartAt": "Look", "States": {"Look": task("look", End=True)}}
TAKE = {"StartAt": "Take", "States": {"Take": task("take", End=True)}}
TAKING: dict[str, Any] = {
    "undo": {"Take": "Give"},
    "reads": ["Look"],
    "repeatable": ["Take", "Give"],
    "undone": ["Undone"],
}
GIVE = task("give", ResultPath=None, Retry=ALWAYS, Catch=catch("Note"), Next="Undone")


def both(first: dict[str, Any], second: dict[str, Any], **more: Any) -> dict[str, Any]:
    parallel = {"Type": "Parallel", "Branches": [first, second], "ResultPath": None, "Next": "Done"}
    return {"Both": {**parallel, **more}}


@pytest.mark.parametrize("branches", [(LOOK, TAKE), (TAKE, LOOK)])
def test_what_a_failed_branch_aborts_may_be_done_after_its_compensation(branches: Any) -> None:
    at_once = {**both(*branches, Catch=catch("Give")), "Give": GIVE, **NOTING, **ENDS}
    assert broken(at_once, TAKING, 1) == {Rule.TOO_EARLY}
    hold = {"Type": "Wait", "Seconds": 10, "Next": "Give"}
    later = {**both(*branches, Catch=catch("Hold")), "Hold": hold, "Give": GIVE, **NOTING, **ENDS}
    assert broken(later, {**TAKING, "ends_within": 5}, 1) == set()


def test_what_a_failed_branch_aborts_stands_where_nobody_catches_that() -> None:
    undoing = {
        "Take": task("take", ResultPath=None, Catch=catch("Give"), End=True),
        "Give": task("give", ResultPath=None, Retry=ALWAYS, Catch=catch("Note"), Next="Gave"),
        "Note": task("note", End=True),
        "Gave": {"Type": "Fail"},
    }
    states = {**both(LOOK, {"StartAt": "Take", "States": undoing}), "Done": {"Type": "Succeed"}}
    assert broken(states, {**TAKING, "undone": None} | {"undone": []}, 1) == {Rule.NOT_UNDONE}


def test_a_branch_may_lag_behind_one_that_fails_later() -> None:
    """Give runs in its branch, unless the other one fails before it could."""
    undoing = {
        "Take": task("take", ResultPath=None, Catch=catch("Give"), Next="Give"),
        "Give": task("give", ResultPath=None, Retry=ALWAYS, End=True),
    }
    skipped = [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Look again"}]
    looking = {
        "Look": task("look", ResultPath=None, Catch=skipped, Next="Look again"),
        "Look again": task("look", ResultPath=None, End=True),
    }
    branches = [{"StartAt": "Take", "States": undoing}, {"StartAt": "Look", "States": looking}]
    states = {**both(*branches, Catch=catch("Undone")), **ENDS}
    told = {**TAKING, "reads": ["Look", "Look again"], "ends_within": 1}
    assert Rule.NOT_UNDONE in broken(states, told, 1)


# -- what is done twice


def test_a_retried_parallel_does_again_what_is_in_it() -> None:
    hold = {"Hold": {"Type": "Wait", "Seconds": 10, "Next": "Give"}}
    states = {**both(TAKE, LOOK, Retry=BUSY, Catch=catch("Hold")), **hold, "Give": GIVE, **NOTING, **ENDS}
    told = {**TAKING, "ends_within": 5}
    assert broken(states, {**told, "repeatable": ["Give"]}) == {Rule.NOT_REPEATABLE}
    assert broken(states, told) == set()


def test_a_step_that_a_catcher_leads_back_to_is_done_again() -> None:
    again = [{"ErrorEquals": ["Busy"], "ResultPath": None, "Next": "Hold"}, *catch("Give")]
    states = {
        "Take": task("take", ResultPath=None, Catch=again, Next="Done"),
        "Hold": {"Type": "Wait", "Seconds": 5, "Next": "Take"},
        "Give": GIVE,
        **NOTING,
        **ENDS,
    }
    told = {name: value for name, value in TAKING.items() if name != "reads"}
    assert broken(states, {**told, "repeatable": ["Give"]}) == {Rule.NOT_REPEATABLE}
    assert broken(states, told) == set()


# -- what is undone in part, and what ends before it


def each(name: str, inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    processor = {"StartAt": next(iter(inner)), "States": inner}
    return {name: {"Type": "Map", "ItemsPath": "$.items", "ResultPath": None, "ItemProcessor": processor, **more}}


def test_a_compensation_that_fails_for_one_item_leaves_that_one() -> None:
    giving = task("give", Retry=ALWAYS, Catch=catch("Skip"), End=True)
    hold = {"Hold": {"Type": "Wait", "Seconds": 10, "Next": "Give each"}}
    states = {
        **each("Take each", {"Take": task("take", End=True)}, Catch=catch("Hold"), Next="Done"),
        **hold,
        **each("Give each", {"Give": giving, "Skip": {"Type": "Pass", "End": True}}, Next="Undone"),
        **ENDS,
    }
    told = {"undo": {"Take": "Give"}, "repeatable": ["Give"], "ends_within": 5}
    assert broken(states, told) == {Rule.NOT_UNDONE}


def test_a_time_out_may_come_although_there_were_heartbeats() -> None:
    def caught(behind_time_out: str) -> dict[str, Any]:
        catching = [
            {"ErrorEquals": ["States.HeartbeatTimeout"], "ResultPath": None, "Next": "Release"},
            {"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": behind_time_out},
            *catch("Release"),
        ]
        limits = {"TimeoutSeconds": 60, "HeartbeatSeconds": 10}
        reserve = task("reserve", ResultPath="$.r", Catch=catching, Next="Done", **limits)
        return {"Reserve": reserve, "Release": RELEASE, **NOTING, **ENDS}

    assert broken(caught("Undone"), {**RESERVE, "ends_within": 5}) == {Rule.NOT_UNDONE}
    assert broken(caught("Release"), {**RESERVE, "ends_within": 5}) == set()


def test_a_compensation_of_what_a_loop_repeats_is_said_to_undo_it_all() -> None:
    again = choice(("BooleanEquals", True, "Reserve"), default="Look", variable="$.again")
    look = task("look", ResultPath=None, Catch=catch("Release"), Next="Done")
    result = walked({**asking(Again=again), "Look": look}, {**RESERVE, "reads": ["Look"]})
    assert result.counterexamples == ()
    assert "'Reserve' may be done more than once: 'Release' is taken to undo them all" in result.bounds


def test_a_compensation_outside_of_a_map_is_said_to_undo_all_items() -> None:
    hold = {"Hold": {"Type": "Wait", "Seconds": 10, "Next": "Give"}}
    taking = each("Take each", {"Take": task("take", End=True)}, Catch=catch("Hold"), Next="Done")
    told = {**TAKING, "reads": [], "ends_within": 5}
    result = walked({**taking, **hold, "Give": GIVE, **NOTING, **ENDS}, told)
    assert result.counterexamples == ()
    assert "'Give' is in fewer Maps: it is taken to undo 'Take' for every item" in result.bounds


def test_an_execution_that_times_out_undoes_nothing() -> None:
    told = {**CLAIMS, "ends_within": 1}
    assert broken(SAGA["States"], told, TimeoutSeconds=30) == {Rule.NOT_UNDONE}
    quick = {
        name: {**state, "TimeoutSeconds": 2} if state["Type"] == "Task" else state
        for name, state in SAGA["States"].items()
    }
    result = walked(quick, told, TimeoutSeconds=30)
    assert result.counterexamples == ()
    assert "the machine's TimeoutSeconds (30) ends what one Task alone may outlast" in result.bounds
