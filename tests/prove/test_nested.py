"""Machines in machines, and children of Distributed Maps: what happens in them is walked too."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sfn_emulator.asl.parse import load
from sfn_emulator.command.front_door import front_door
from sfn_emulator.prove.claims import claims
from sfn_emulator.prove.machine import UnprovableError
from sfn_emulator.prove.nested import nested_machines
from sfn_emulator.prove.walk.findings import Finding, Walked
from sfn_emulator.prove.walk.walk import walk
from tests.prove.sagas import ALWAYS, catch, task

START = "arn:aws:states:::states:startExecution"
HOTEL = "arn:aws:states:eu-west-1:123456789012:stateMachine:BookHotel"
FAILED = [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "Undone"}]


def trip(resource: str = f"{START}.sync:2", **fields: Any) -> dict[str, Any]:
    """A saga whose first step is another machine."""
    book = {
        "Type": "Task",
        "Resource": resource,
        "Parameters": {"StateMachineArn": HOTEL, "Input": {"nights.$": "$.nights"}},
        "ResultPath": "$.hotel",
        "Catch": catch("Cancel"),
        "Next": "Fly",
    }
    return {
        "StartAt": "Book",
        "States": {
            "Book": {**book, **fields},
            "Fly": task("fly", ResultPath="$.flight", Catch=catch("Return"), Next="Done"),
            "Return": task("return", ResultPath=None, Retry=ALWAYS, Catch=catch("Note"), Next="Cancel"),
            "Cancel": task("cancel", ResultPath=None, Retry=ALWAYS, Catch=catch("Note"), Next="Undone"),
            "Note": task("note", Next="Repair"),
            "Done": {"Type": "Succeed"},
            "Undone": {"Type": "Fail"},
            "Repair": {"Type": "Fail"},
        },
    }


def hotel(**pay: Any) -> dict[str, Any]:
    """Reserves, then pays."""
    return {
        "StartAt": "Reserve",
        "States": {"Reserve": task("reserve", Next="Pay"), "Pay": {**task("pay", End=True), **pay}},
    }


CLAIMS: dict[str, Any] = {
    "undo": {"Book": "Cancel", "Fly": "Return"},
    "repeatable": ["Cancel", "Return"],
    "undone": ["Undone"],
}


def walked(outer: dict[str, Any], inner: dict[str, Any], faults: int = 1, **told: Any) -> Walked:
    nested = {"Book": load(json.dumps(inner))}
    return walk(load(json.dumps(outer)), claims(**{**CLAIMS, **told}), faults=faults, nested=nested)


def story(finding: Finding) -> list[str]:
    return [f"{name}: {outcome}" for name, outcome in finding.deeds]


def about(result: Walked) -> list[tuple[str, ...]]:
    return [finding.hit.about for finding in result.counterexamples]


def test_effects_in_a_nested_machine_are_those_of_the_step_that_starts_it() -> None:
    assert walked(trip(), hotel(), faults=2).counterexamples == ()


def test_a_step_whose_machine_failed_half_way_must_be_undone_and_the_path_goes_through_it() -> None:
    result = walked(trip(Catch=[*FAILED, *catch("Cancel")]), hotel())
    (found,) = result.counterexamples
    assert found.hit.about == ("Book", "'Undone'")
    assert story(found) == [
        "Book/Reserve: answered",
        "Book/Pay: failed with SomeOtherError (its effect happened, its answer was lost)",
        "Book: failed with States.TaskFailed (its effect happened, its answer was lost)",
    ]


def test_a_nested_machine_that_fails_before_its_first_effect_leaves_nothing() -> None:
    failing = {"StartAt": "No", "States": {"No": {"Type": "Fail"}}}
    assert walked(trip(Catch=FAILED), failing, faults=0).counterexamples == ()


def test_the_claims_may_name_tasks_inside() -> None:
    """The machine gives back itself what it reserved; where it does not, the effect inside is what stands."""
    giving = hotel(Catch=catch("Release"))
    giving["States"]["Release"] = task("release", Retry=ALWAYS, Next="Failed")
    giving["States"]["Failed"] = {"Type": "Fail"}
    outer = {**trip(Catch=FAILED, Next="Done"), "StartAt": "Book"}
    outer["States"] = {name: outer["States"][name] for name in ("Book", "Done", "Undone")}
    told = {"undo": {"Book/Reserve": "Book/Release"}, "reads": ["Book/Pay"], "repeatable": ["Book/Release"]}
    by_itself = claims(**told, undone=["Undone"])
    inside = {"Book": load(json.dumps(giving))}
    assert ("Book/Reserve", "'Undone'") not in about(walk(load(json.dumps(outer)), by_itself, faults=0, nested=inside))
    giving["States"]["Release"]["Type"] = "Pass"
    for field in ("Resource", "Retry"):
        del giving["States"]["Release"][field]
    del told["repeatable"]
    kept = claims(undo={"Book/Reserve": "Book/Pay"}, undone=["Undone"])
    left = walk(load(json.dumps(outer)), kept, faults=1, nested={"Book": load(json.dumps(giving))})
    assert ("Book/Reserve", "'Undone'") in about(left)


def test_its_input_decides_the_way_through_it() -> None:
    long = [{"Variable": "$.nights", "NumericGreaterThan": 7, "Next": "No"}]
    states = {
        "Long": {"Type": "Choice", "Choices": long, "Default": "Reserve"},
        "No": {"Type": "Fail"},
        "Reserve": task("reserve", End=True),
    }
    outer = trip(Parameters={"StateMachineArn": HOTEL, "Input": {"nights": 9}}, Catch=catch("Undone"))
    told = walked(outer, {"StartAt": "Long", "States": states}, faults=0)
    assert told.counterexamples == ()
    assert "no outcome reaches 'Fly'" in [f.hit.text for f in told.findings]


def test_start_sync_execution_answers_with_the_status_and_a_choice_sees_it() -> None:
    outer = trip("arn:aws:states:::aws-sdk:sfn:startSyncExecution", Next="Ok")
    succeeded = [{"Variable": "$.hotel.Status", "StringEquals": "SUCCEEDED", "Next": "Fly"}]
    outer["States"]["Ok"] = {"Type": "Choice", "Choices": succeeded, "Default": "Undone"}
    (found,) = walked(outer, hotel()).counterexamples
    assert story(found)[-1] == "Book: answered"
    outer["States"]["Ok"]["Default"] = "Cancel"
    assert walked(outer, hotel()).counterexamples == ()


def test_a_machine_that_starts_itself_is_walked_so_deep_and_no_deeper(tmp_path: Path) -> None:
    again = trip(Parameters={"StateMachineArn": "${BookHotelMachineArn}", "Input": {}})
    (tmp_path / "book-hotel.asl.json").write_text(json.dumps(again))
    found = nested_machines(load(json.dumps(again)), tmp_path, {}, {})
    assert [machine is not None for machine in found.values()] == [True, True, True, False]
    result = walk(load(json.dumps(again)), claims(**CLAIMS), faults=0, nested=found)
    assert any("of which no definition was found" in bound for bound in result.bounds)


def test_a_task_that_starts_no_machine_cannot_be_nested() -> None:
    with pytest.raises(UnprovableError, match=r"no Task 'Fly' starts a state machine .* there are 'Book'"):
        nested_machines(load(json.dumps(trip())), Path(), {"Fly": "fly.asl.json"}, {})


@pytest.mark.parametrize("way", ["beside", "claims", "option", "nowhere"])
def test_the_definition_is_found_beside_it_or_where_it_is_told(tmp_path: Path, way: str) -> None:
    (tmp_path / "trip.asl.json").write_text(json.dumps(trip(Catch=catch("Undone"))))
    name = "BookHotel.asl.json" if way == "beside" else "other.json"
    (tmp_path / name).write_text(json.dumps(hotel()))
    told: dict[str, Any] = {"undo": CLAIMS["undo"], "undone": ["Undone"]}
    if way == "claims":
        told["nested"] = {"Book": "other.json"}
    (tmp_path / "saga.yaml").write_text(json.dumps(told))
    more = ["--nested", f"Book={tmp_path / name}"] if way == "option" else []
    result = CliRunner().invoke(front_door, ["prove", str(tmp_path / "trip.asl.json"), *more])
    assert result.exit_code == 3
    assert ("Book/Reserve: answered" in result.output) == (way != "nowhere")
    assert ("of which no definition was found" in result.output) == (way == "nowhere")


# -- Distributed Maps

TAKE = {"StartAt": "Take", "States": {"Take": task("take", End=True)}}
APART = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
READER = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}}


def distributed(faults: int, inner: dict[str, Any] = TAKE, **fields: Any) -> Walked:
    state = {"Type": "Map", "ItemProcessor": {**APART, **inner}, "Catch": catch("Undone"), "Next": "Done", **fields}
    state["Catch"] = [{"ErrorEquals": ["Sold"], "Next": "Give"}, *state["Catch"]]
    ends = {"Done": {"Type": "Succeed"}, "Give": task("give", Next="Undone"), "Undone": {"Type": "Fail"}}
    definition = {"StartAt": "Each", "States": {"Each": state, **ends}}
    return walk(load(json.dumps(definition)), claims(undo={"Take": "Give"}), faults=faults)


def texts(result: Walked) -> str:
    return "\n".join(finding.hit.text for finding in result.findings)


def test_a_failed_child_fails_the_map_with_the_threshold_and_not_with_its_own_error() -> None:
    threshold = "the unhandled error States.ExceedToleratedFailureThreshold"
    assert threshold in texts(distributed(1, Catch=[{"ErrorEquals": ["SomeOtherError"], "Next": "Undone"}]))
    caught = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Undone"}]
    assert threshold not in texts(distributed(1, Catch=caught))


@pytest.mark.parametrize("tolerated", [{"ToleratedFailureCount": 1}, {"ToleratedFailurePercentage": 50}])
def test_tolerated_failures_let_the_map_go_on(tolerated: dict[str, Any]) -> None:
    assert "'Undone'" not in texts(distributed(1, **tolerated, MaxConcurrency=2)).replace("no outcome reaches", "")
    assert "'Undone' means undone, but the effect of 'Take'" in texts(distributed(2, **tolerated))


def test_a_reader_and_a_writer_can_fail() -> None:
    caught = [{"ErrorEquals": ["States.ResultWriterFailed"], "Next": "Undone"}]
    result = distributed(1, ItemReader=READER, ResultWriter=WRITER, Catch=caught)
    told = {line for finding in result.counterexamples for line in story(finding)}
    assert "Each (ItemReader): answered" in told
    assert "Each (ResultWriter): failed with States.ResultWriterFailed at every attempt (nothing happened)" in told
    assert "Map 'Each': its ItemReader finds no items or 2" in result.bounds


def test_items_come_in_batches() -> None:
    sold = [{"Variable": "$.BatchInput.kind", "StringEquals": "sold", "Next": "Take"}]
    states = {"Which": {"Type": "Choice", "Choices": sold, "Default": "No"}, "No": {"Type": "Fail"}, **TAKE["States"]}
    batcher = {"MaxItemsPerBatch": 10, "BatchInput": {"kind": "sold"}}
    result = distributed(0, {"StartAt": "Which", "States": states}, ItemBatcher=batcher)
    assert "no outcome reaches 'No'" in texts(result)
