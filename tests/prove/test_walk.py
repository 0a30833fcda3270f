"""What the walk finds in sagas with one thing wrong, and that it finds nothing in those that are right."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.asl.parse import load
from sfn_emulator.prove.claims import claims, read_claims
from sfn_emulator.prove.machine import read_source
from sfn_emulator.prove.walk.findings import Finding, Walked
from sfn_emulator.prove.walk.rules import Rule
from sfn_emulator.prove.walk.walk import walk
from tests.prove.sagas import ALWAYS, CLAIMS, SAGA, catch, machine, task

ROOT = Path(__file__).parents[2]


SKIPPING = [{"ErrorEquals": ["Declined"], "ResultPath": "$.error", "Next": "Refund"}, *catch("Release")]
"""Only one error of the payment leads to its compensation."""


def walked(changes: dict[str, Any] | None = None, faults: int = 2, **told: Any) -> Walked:
    return walk(machine(changes), claims(**{**CLAIMS, **told}), faults=faults)


def only(result: Walked, rule: Rule) -> Finding:
    """The one finding there is; nothing else may be wrong."""
    assert {finding.hit.rule for finding in result.counterexamples} == {rule}
    return result.counterexamples[0]


def story(finding: Finding) -> list[str]:
    return [f"{name}: {outcome}" for name, outcome in finding.deeds]


def test_a_saga_that_compensates_is_proved() -> None:
    result = walked()
    assert result.findings == ()
    assert result.whole


def test_a_lost_answer_that_skips_its_compensation_leaves_its_effect() -> None:
    found = next(f for f in walked({"Pay": {"Catch": SKIPPING}}).counterexamples if f.hit.rule is Rule.NOT_UNDONE)
    assert found.hit.text == "'Undone' means undone, but the effect of 'Pay' may stand: 'Refund' did not undo it"
    assert found.faults == 1
    assert story(found) == [
        "Reserve: answered",
        "Pay: failed with SomeOtherError (its effect happened, its answer was lost)",
        "Release: answered",
    ]


def test_an_error_that_nobody_takes_leaves_what_was_done() -> None:
    result = walked({"Pay": {"Catch": SKIPPING[:1]}})
    texts = [finding.hit.text for finding in result.counterexamples]
    assert any(
        "the unhandled error SomeOtherError of 'Pay' means undone, but the effect of 'Reserve'" in t for t in texts
    )


def test_a_success_after_something_was_undone_is_told() -> None:
    found = only(walked({"Release": {"Next": "Done"}, "Undone": None}, undone=[]), Rule.NOT_DONE)
    assert found.hit.text == "'Done' means done, but 'Reserve' was undone"


def test_a_success_after_a_step_that_failed_is_told() -> None:
    result = walked({"Pay": {"Catch": [SKIPPING[0], *catch("Done")]}})
    assert "'Done' means done, but 'Pay' failed and was not done" in [f.hit.text for f in result.counterexamples]


def test_a_compensation_may_not_run_while_its_step_may_still_be_working() -> None:
    timed = {"Pay": {"TimeoutSeconds": 5}}
    found = only(walked(timed), Rule.TOO_EARLY)
    assert "may not have ended: nothing says how long its work may go on" in found.hit.text
    assert "its work may go on for 3 s" in only(walked(timed, ends_within={"Pay": 8}), Rule.TOO_EARLY).hit.text
    assert walked(timed, ends_within=5).findings == ()


def test_waiting_before_the_compensation_lets_the_step_end() -> None:
    waits = {
        "Pay": {"TimeoutSeconds": 5, "Catch": catch("Hold")},
        "Hold": {"Type": "Wait", "Seconds": 10, "Next": "Refund"},
    }
    assert walked(waits, ends_within=15).findings == ()
    assert only(walked(waits, ends_within=16), Rule.TOO_EARLY)


def test_compensations_out_of_order_are_told() -> None:
    swapped = {
        "Pay": {"Catch": catch("Release")},
        "Release": {"Next": "Refund", "Catch": catch("Note")},
        "Refund": {"Next": "Undone"},
    }
    found = only(walked(swapped), Rule.OUT_OF_ORDER)
    assert found.hit.text == "'Release' undoes 'Reserve' while 'Pay', which came after it, still stands"


def test_compensations_side_by_side_have_no_order() -> None:
    branches = [
        {"StartAt": "Refund", "States": {"Refund": task("refund", Retry=ALWAYS, End=True)}},
        {"StartAt": "Release", "States": {"Release": task("release", Retry=ALWAYS, End=True)}},
    ]
    undo = {"Type": "Parallel", "Branches": branches, "ResultPath": None, "Catch": catch("Note"), "Next": "Undone"}
    both = {
        "Refund": None,
        "Release": None,
        "Reserve": {"Catch": catch("Undo")},
        "Pay": {"Catch": catch("Undo")},
        "Undo": undo,
    }
    assert walked(both).findings == ()


def test_a_compensation_that_nobody_guards_is_told() -> None:
    result = walked({"Release": {"Retry": None, "Catch": None}})
    texts = [finding.hit.text for finding in result.counterexamples]
    assert "the compensation 'Release' can fail (SomeOtherError), and is neither retried nor caught" in texts


def test_a_compensation_that_fails_unrecorded_is_told() -> None:
    result = walked({"Refund": {"Retry": None, "Catch": catch("Repair")}})
    texts = [finding.hit.text for finding in result.counterexamples]
    assert texts == [
        "the compensation 'Refund' failed, was neither retried nor recorded, and the saga ended in 'Repair'"
    ]


def test_data_that_a_path_never_wrote_is_told_where_a_compensation_reads_it() -> None:
    reads = {"Refund": {"Parameters": {"id.$": "$.paid.id"}}}
    found = next(f for f in walked(reads).counterexamples if f.hit.rule is Rule.NEVER_WRITTEN)
    assert found.hit.text.startswith("'Refund' reads data that nothing wrote on this path:")
    assert "'$.paid.id'" in found.hit.text
    assert "u0000" not in found.hit.text
    assert found.faults == 1


def test_data_of_the_input_and_of_answers_is_taken_to_be_there() -> None:
    reads = {"id.$": "$.order.id", "n.$": "States.MathAdd($.order.n, 1)", "price.$": "$.reserved.price"}
    assert walked({"Refund": {"Parameters": reads}}).findings == ()


def test_a_retried_step_must_be_said_to_be_repeatable() -> None:
    found = only(walked(repeatable=["Reserve", "Refund", "Release"]), Rule.NOT_REPEATABLE)
    assert found.hit.about == ("Pay",)
    assert story(found)[1:] == [
        "Pay: failed with Busy once (its effect happened, its answer was lost)",
        "Pay: answered",
    ]


def test_a_task_that_only_reads_may_be_retried_and_leaves_nothing() -> None:
    look = {"Look": task("look", Retry=ALWAYS, ResultPath="$.seen", Catch=catch("Undone"), Next="Reserve")}
    base = {**SAGA, "StartAt": "Look"}
    assert walk(machine(look, base), claims(**CLAIMS, reads=["Look"])).findings == ()
    assert walk(machine(look, base), claims(**CLAIMS)).counterexamples


def test_an_effect_that_nothing_undoes_is_told_where_everything_should_be_undone() -> None:
    mail = {"Reserve": {"Next": "Mail"}, "Mail": task("mail", ResultPath=None, Catch=catch("Release"), Next="Pay")}
    found = only(walked(mail), Rule.NOT_UNDONE)
    assert found.hit.text == "'Undone' means undone, but the effect of 'Mail' may stand: nothing undoes it"


def test_states_that_no_outcome_reaches_are_a_warning() -> None:
    choice = {
        "Reserve": {"Next": "Which"},
        "Which": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.reserved.n", "NumericGreaterThan": 5, "Next": "Pay"},
                {"And": [
                    {"Variable": "$.reserved.n", "NumericGreaterThan": 9},
                    {"Variable": "$.reserved.n", "NumericLessThan": 3},
                ], "Next": "Never"},
            ],
            "Default": "Release",
        },
        "Never": {"Type": "Succeed"},
    }  # fmt: skip
    (found,) = walked(choice).findings
    assert (found.hit.rule, found.hit.about, found.is_warning) == (Rule.UNREACHED, ("Never",), True)


def test_states_that_need_more_faults_than_were_tried_are_not_called_unreached() -> None:
    assert walked(faults=0).findings == ()


def test_a_loop_without_bound_is_a_warning() -> None:
    poll = {
        "Reserve": {"Next": "Hold"},
        "Hold": {"Type": "Wait", "Seconds": 5, "Next": "Ready"},
        "Ready": task("ready", ResultPath="$.ready", Retry=ALWAYS, Catch=catch("Release"), Next="Is ready"),
        "Is ready": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.ready.yes", "BooleanEquals": True, "Next": "Pay"}],
            "Default": "Hold",
        },
    }
    (found,) = walked(poll, reads=["Ready"]).findings
    assert found.hit.text == "nothing bounds how often this goes round: 'Hold' → 'Is ready' → 'Ready'"


def test_a_loop_that_counts_has_a_bound() -> None:
    counted = {
        "StartAt": "Zero",
        "States": {
            "Zero": {"Type": "Pass", "Result": {"n": 0}, "Next": "Work"},
            "Work": task("work", ResultPath="$.done", Next="Count"),
            "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough"},
            "Enough": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericGreaterThanEquals": 3, "Next": "End"}],
                "Default": "Work",
            },
            "End": {"Type": "Succeed"},
        },
    }
    assert walk(load(json.dumps(counted)), claims(), faults=0).findings == ()


JSONATA = {
    "QueryLanguage": "JSONata",
    "StartAt": "Reserve",
    "States": {
        "Reserve": task(
            "reserve",
            Assign={"reserved": "{% $states.result.id %}"},
            Output="{% $merge([$states.input, {'status': $states.result.status}]) %}",
            Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Release"}],
            Next="Ok",
        ),
        "Ok": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.status = 'OK' %}", "Next": "Done"}],
            "Default": "Release",
        },
        "Release": task("release", Arguments="{% {'id': $states.input.order} %}", Retry=ALWAYS, Next="Undone"),
        "Done": {"Type": "Succeed"},
        "Undone": {"Type": "Fail"},
    },
}


def test_jsonata_is_walked_as_well() -> None:
    told = claims(undo={"Reserve": "Release"}, repeatable=["Release"])
    result = walk(load(json.dumps(JSONATA)), told, faults=1)
    assert [(f.hit.rule, f.hit.about[0]) for f in result.findings] == [(Rule.NOT_UNDONE, "Reserve")]
    assert "the unhandled error SomeOtherError of 'Release'" in result.findings[0].hit.text
    broken = json.loads(json.dumps(JSONATA).replace('"Default": "Release"', '"Default": "Undone"'))
    found = next(f for f in walk(load(json.dumps(broken)), told, faults=0).counterexamples)
    assert found.hit.rule is Rule.NOT_UNDONE
    assert found.assumed["Reserve.status"] == "something else"


def test_iterations_and_distributed_children_have_effects_too() -> None:
    inner = {"StartAt": "Take", "States": {"Take": task("take", End=True)}}
    for processor in (inner, {**inner, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}):
        each = {
            "StartAt": "Each",
            "States": {
                "Each": {
                    "Type": "Map",
                    "ItemsPath": "$.items",
                    "ItemProcessor": processor,
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undone"}],
                    "Next": "Done",
                },
                "Done": {"Type": "Succeed"},
                "Undone": {"Type": "Fail"},
            },
        }
        result = walk(load(json.dumps(each)), claims(repeatable=["Take"]), faults=1)
        assert result.places >= 3
        assert any("unknown items are none or 2" in bound for bound in result.bounds)


def each(name: str, task_name: str, **more: Any) -> dict[str, Any]:
    inner = {"StartAt": task_name, "States": {task_name: task(task_name.lower(), End=True)}}
    return {name: {"Type": "Map", "ItemsPath": "$.items", "ResultPath": None, "ItemProcessor": inner, **more}}


def test_items_that_nobody_knows_are_as_many_wherever_they_are_asked_for() -> None:
    """What a Map over them did, a Map over them undoes."""
    giving = each("Give each", "Give", Next="Undone")
    giving["Give each"]["ItemProcessor"]["States"]["Give"]["Retry"] = ALWAYS
    taking = each("Take each", "Take", Catch=catch("Hold"), Next="Done")
    ends = {"Done": {"Type": "Succeed"}, "Undone": {"Type": "Fail"}}
    hold = {"Hold": {"Type": "Wait", "Seconds": 10, "Next": "Give each"}}
    both = json.dumps({"StartAt": "Take each", "States": {**taking, **hold, **giving, **ends}})
    told = claims(undo={"Take": "Give"}, repeatable=["Give"], ends_within=5)
    assert not walk(load(both), told, faults=1).counterexamples
    other = both.replace('"$.items"', '"$.others"', 1)
    assert walk(load(other), told, faults=1).counterexamples


def test_a_map_over_thousands_of_items_is_walked_with_a_dozen_and_says_so() -> None:
    items = {"Items": {"Type": "Pass", "Result": {"items": list(range(9000))}, "Next": "Take each"}}
    states = {**items, **each("Take each", "Take", End=True)}
    result = walk(load(json.dumps({"StartAt": "Items", "States": states})), claims(), faults=1)
    assert "Map 'Take each': 12 of its 9000 items are walked" in result.bounds


def test_a_path_is_a_history_with_the_answers_that_were_assumed() -> None:
    choice = {
        "Pay": {"Next": "Is paid"},
        "Is paid": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.paid.status", "StringEquals": "OK", "Next": "Done"}],
            "Default": "Undone",
        },
    }
    found = next(f for f in walked(choice, faults=0).counterexamples if f.hit.about[0] == "Pay")
    entered = [event.detail.name for event in found.events if event.type.endswith("StateEntered")]
    assert entered == ["Reserve", "Pay", "Is paid", "Undone"]
    assert found.events[-1].type == "ExecutionFailed"
    succeeded = [event.detail.output for event in found.events if event.type == "LambdaFunctionSucceeded"]
    assert succeeded == ["?Reserve", {"status": "something else"}]


@pytest.mark.parametrize("faults", [0, 1, 2, 3])
def test_more_faults_never_find_less(faults: int) -> None:
    broken = {"Pay": {"Catch": SKIPPING}, "Release": {"Catch": catch("Repair"), "Retry": None}}
    fewer = {f.hit.about for f in walked(broken, faults=faults).counterexamples}
    assert fewer <= {f.hit.about for f in walked(broken, faults=faults + 1).counterexamples}


# -- speed: in ways walked, which nothing else on the machine spoils; `python -m benchmarks prove` tells the seconds


def test_this_projects_saga_is_proved_with_two_faults_in_few_ways() -> None:
    source = read_source(ROOT / "statemachine" / "definition.asl.json")
    told = read_claims(ROOT / "statemachine" / "saga.yaml")
    result = walk(source.machine, told, faults=2)
    assert (result.findings, result.whole) == ((), True)
    assert result.ways < 1_500


def long_saga(steps: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Steps with a Choice on the answer, their compensations, and a note of each that fails: 4 states a step, and 3."""
    states: dict[str, Any] = {}
    for n in range(steps):
        back, on = f"Undo{n}", f"Do{n + 1}" if n + 1 < steps else "Done"
        ok = [{"Variable": f"$.do{n}.status", "StringEquals": "OK", "Next": on}]
        busy = [{"ErrorEquals": ["Lambda.TooManyRequestsException"]}]
        states[f"Do{n}"] = task(
            "do", ResultPath=f"$.do{n}", TimeoutSeconds=9, Retry=busy, Catch=catch(back), Next=f"Ok{n}"
        )
        states[f"Ok{n}"] = {"Type": "Choice", "Choices": ok, "Default": back}
        after = f"Undo{n - 1}" if n else "Undone"
        states[back] = task("undo", ResultPath=None, Retry=ALWAYS, Catch=catch(f"Note{n}"), Next=after)
        states[f"Note{n}"] = task("note", ResultPath="$.repair", Next="Repair")
    ends = {"Done": {"Type": "Succeed"}, "Undone": {"Type": "Fail"}, "Repair": {"Type": "Fail"}}
    told = {
        "undo": {f"Do{n}": f"Undo{n}" for n in range(steps)},
        "repeatable": [f"{what}{n}" for what in ("Do", "Undo", "Note") for n in range(steps)],
        "undone": ["Undone"],
        "ends_within": 5,
    }
    return {"StartAt": "Do0", "States": {**states, **ends}}, told


def test_ways_grow_with_the_square_of_the_steps_for_two_faults() -> None:
    def walked_with(steps: int) -> Walked:
        definition, told = long_saga(steps)
        return walk(load(json.dumps(definition)), claims(**told), faults=2)

    result = walked_with(12)
    assert (result.findings, result.whole) == ((), True)
    assert result.ways < 5 * walked_with(6).ways
    assert re.match(r"up to 2 faults at once \(2 reached\)", result.bounds[0])


def test_a_walk_that_was_cut_off_says_so() -> None:
    result = walk(machine(), claims(**CLAIMS), most=5)
    assert not result.whole
    assert any("the walk stopped after 5 places" in bound for bound in result.bounds)
