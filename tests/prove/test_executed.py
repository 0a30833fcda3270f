"""Faults on the real calls of a saga: the effect of each kind, the counterexamples, and that these are the smallest."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from sfn_emulator.coverage.covered import covered
from sfn_emulator.coverage.recording import Recording, read
from sfn_emulator.prove.claims import claims
from sfn_emulator.prove.decorator import placed, prove
from sfn_emulator.prove.executed.counterexamples import Memory
from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.executed.search import Executed, prove_executed
from sfn_emulator.prove.faults import Fault, Kind, fis_name, throttling
from sfn_emulator.prove.interleaving import interleave
from sfn_emulator.prove.invariants import InvariantError, always, at_the_end, invariants_of, sometimes
from sfn_emulator.prove.machine import UnprovableError, read_source
from sfn_emulator.prove.proof import Proof, Wanted, world_of
from sfn_emulator.prove.proof import prove as whole
from sfn_emulator.prove.report.proof import junit, lines
from sfn_emulator.prove.report.story import story
from sfn_emulator.prove.report.written import write_tests
from sfn_emulator.prove.walk.walk import walk
from sfn_emulator.prove.world.trial import Tried
from tests.prove.worlds import EXAMPLE, REMEMBERING, careless, counter, example

GIVEN = {"item": "soap", "topic": "arn:aws:sns:us-east-1:123456789012:orders"}


def tried(*faults: tuple[int, str, Kind], saga: str = "mended") -> Tried:
    return example(saga).tried(GIVEN, tuple(Fault(*fault) for fault in faults))


def ends(result: Tried) -> list[str]:
    return [f"{step.task}: {step.ended}" for step in result.steps]


def test_without_faults_the_saga_runs_through_on_real_tables() -> None:
    result = tried()
    assert ends(result) == ["Reserve Item: answered", "Charge Card: answered", "Tell Customer: answered"]
    assert result.before["Stock"] == [{"Item": "soap", "InStock": 5}]
    assert result.after["Stock"] == [{"Item": "soap", "InStock": 4}]
    assert (result.execution.status, result.broken) == ("SUCCEEDED", {})


def test_each_run_has_a_world_of_its_own() -> None:
    assert tried().after == tried().after


def test_a_function_is_as_new_in_each_run_and_its_clients_made_on_import_ask_the_world() -> None:
    for _ in range(2):
        result = careless(REMEMBERING).tried({}, ())
        assert result.execution.output == {"calls": 1}
        assert result.after["Counter"] == [{"Id": "n", "N": 1}]


KINDS: dict[Kind, tuple[list[str], int]] = {
    Kind.BEFORE: (["failed with Prove.Injected", "answered", "answered"], 0),
    Kind.AFTER: (["failed with Prove.Injected", "answered", "answered"], 1),
    Kind.THROTTLE: (["failed with DynamoDb.ThrottlingException", "answered", "answered"], 1),
    Kind.TWICE: (["answered", "answered"], 1),
    Kind.LATE: (["answered", "answered", "delivered again, late"], 1),
    Kind.ANSWER: (["answered", "answered"], 1),
    Kind.DIES_BEFORE: (["answered", "answered"], 1),
    Kind.DIES_AFTER: (["no answer", "answered", "answered"], 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_around_a_call_does_what_its_name_says(kind: Kind) -> None:
    outcomes, payments = KINDS[kind]
    result = tried((1, "Charge Card", kind))
    assert [step.ended for step in result.steps][1:] == outcomes
    charged = next(step for step in result.steps if step.fault is not None) if kind is not Kind.DIES_BEFORE else None
    if charged is not None:
        assert len(charged.tables["Payments"]) == (0 if kind is Kind.THROTTLE else payments)
    assert result.broken == {}
    assert result.deaths == (kind in (Kind.DIES_BEFORE, Kind.DIES_AFTER))


def test_an_answer_that_comes_too_late_lets_the_state_time_out() -> None:
    saga = careless()
    result = saga.tried({}, (Fault(0, "Add", Kind.DELAY),))
    assert (result.execution.status, result.execution.error) == ("FAILED", "States.Timeout")
    assert result.after["Counter"] == [{"Id": "n", "N": 1}]


def test_names_are_those_of_the_fault_injection_service() -> None:
    function = careless().tried({}, (Fault(0, "Add", Kind.BEFORE),)).steps[0].resource
    table = tried((1, "Charge Card", Kind.BEFORE)).steps[1].resource
    assert fis_name(Kind.BEFORE, function) == "aws:lambda:invocation-error (preventExecution)"
    assert fis_name(Kind.DELAY, function) == "aws:lambda:invocation-add-delay"
    assert fis_name(Kind.AFTER, table) == "aws:fis:inject-api-internal-error"
    assert throttling(function) == "Lambda.TooManyRequestsException"


@cache
def proved(name: str, most: int, only: tuple[Kind, ...] = ()) -> Executed:
    return prove_executed(example(name), [GIVEN], most, only=only)


def test_one_fault_breaks_the_compact_saga_and_the_smallest_is_told() -> None:
    result = proved("saga", 1)
    found = {one.claim: one for one in result.counterexamples}
    trace = found["an_order_that_failed_leaves_no_trace"]
    assert [fault.short for fault in trace.placement] == ["Reserve Item#0 after"]
    assert trace.given == {"item": "soap"}
    told = list(story(trace.tried))
    assert told[0] == 'given {"item":"soap"}'
    assert told[-3:] == [
        "left over, before (-) and after (+):",
        '    - Stock {"Item":"soap","InStock":5}',
        '    + Stock {"Item":"soap","InStock":2}',
    ]


def test_no_fault_breaks_the_mended_saga() -> None:
    result = proved("mended", 1)
    assert (result.counterexamples, result.never) == ((), ())
    assert result.by_faults == {0: 1, 1: 24}


def test_pairs_of_faults_are_placed_after_each_other_in_every_way() -> None:
    result = proved("mended", 2, only=(Kind.AFTER, Kind.LATE))
    assert result.counterexamples == ()
    assert result.by_faults[2] > result.by_faults[1]
    pairs = {run.placement for run in result.seen if len(run.placement) == 2}
    assert len(pairs) == result.by_faults[2]
    assert all(first.call < second.call for first, second in pairs)


def test_a_claim_that_no_run_makes_true_is_told() -> None:
    @sometimes
    def it_never_happens(execution: Any) -> bool:
        return bool(execution.visited("Nowhere"))

    saga = example("mended")
    other = type(saga)(saga.world, saga.claims, invariants_of([it_never_happens]))
    assert prove_executed(other, [GIVEN], 0).never == ("it_never_happens",)


def test_always_is_asked_after_every_step() -> None:
    @always
    def there_are_five(now: Any) -> bool:
        return bool(now["Stock"][0]["InStock"] == 5)

    saga = example("mended")
    other = type(saga)(saga.world, saga.claims, invariants_of([there_are_five]))
    result = other.tried(GIVEN, (Fault(1, "Charge Card", Kind.BEFORE),))
    assert result.after == result.before
    assert result.broken == {"there_are_five": "it returned False"}


def test_a_placement_that_broke_a_claim_is_kept_and_tried_first(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "order")
    assert memory.placements() == []
    memory.keep(proved("saga", 1).counterexamples)
    first = memory.placements()[0]
    again = prove_executed(example("saga"), [GIVEN], 0, first=[first])
    assert again.seen[0].placement == first
    assert again.counterexamples


# -- two sagas at once


def test_two_careless_sagas_lose_an_update_and_the_seed_is_told() -> None:
    result = interleave(careless(), [{}], 10)
    assert result.failing
    lost = result.failing[0]
    assert list(lost.changes) == ['- Counter {"Id":"n","N":2}', '+ Counter {"Id":"n","N":1}']
    again = interleave(careless(), [{}], lost.seed + 1)
    assert again.failing[-1] == lost


def test_two_sagas_with_atomic_writes_end_as_one_after_the_other() -> None:
    assert interleave(example("mended"), [GIVEN], 6).failing == ()


def test_what_runs_take_of_the_definition_is_noted(tmp_path: Path) -> None:
    kept = example("mended")
    saga = Saga(kept.world, kept.claims, kept.invariants, watch=Recording(tmp_path).watch)
    runs = list(saga.explored(GIVEN, 1, [Kind.BEFORE]))
    (found,) = covered(read([tmp_path]))
    caught = {point.state for point in found.taken if point.kind == "catch"}
    assert {run.placement[0].task for run in runs if run.placement} <= caught
    assert found.percent < 100


# -- what is told, and the ways to ask for it


@pytest.fixture(scope="module")
def proof() -> Proof:
    saga = example("saga")
    source = read_source(EXAMPLE / "order.asl.json")
    return Proof(source, saga.claims, walk(source.machine, saga.claims), proved("saga", 1))


def test_junit_has_a_failure_for_each_claim(proof: Proof) -> None:
    suite = ElementTree.fromstring(junit(proof))
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure")) > 5
    names = {case.attrib["name"] for case in suite.findall("testcase")}
    assert "an_order_that_failed_leaves_no_trace" in names


def test_the_lines_tell_how_far_the_proof_goes(proof: Proof) -> None:
    told = "\n".join(lines(proof))
    assert "executed: 2 counterexamples: 21 placements (1 with 0 faults, 20 with 1 fault)" in told
    assert "fault: Reserve Item: fails after the call: done, but the answer is lost (aws:fis:" in told
    assert proof.status == 3


def test_counterexamples_become_tests_that_fail(proof: Proof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tests(tmp_path, proof, EXAMPLE / "saga.yaml")
    assert path is not None
    names: dict[str, Any] = {"__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), names)
    name, test = next((n, t) for n, t in names.items() if n.startswith("test_an_order_that_failed_leaves_no_trace"))
    assert name.endswith("when_reserve_item_0_after")
    with pytest.raises(pytest.fail.Exception, match="left over"):
        test()


def test_a_state_of_somebody_elses_puts_no_code_into_the_tests(proof: Proof, tmp_path: Path) -> None:
    assert proof.executed is not None
    (found, *_) = proof.executed.counterexamples
    named = replace(found, placement=(Fault(0, 'x"""\nORDERS = 1\n"""\\', Kind.AFTER),))
    path = write_tests(tmp_path, replace(proof, executed=replace(proof.executed, counterexamples=(named,))), None)
    assert path is not None
    names: dict[str, Any] = {"__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), names)
    assert "ORDERS" not in names


def test_one_placement_can_be_run_from_python() -> None:
    mended = placed(
        EXAMPLE / "mended.asl.json", saga=EXAMPLE / "mended.yaml", given=GIVEN, faults=[(1, "Charge Card", "after")]
    )
    mended.check()
    assert mended.tried.execution.error == "OrderUndone"


@prove(EXAMPLE / "mended.asl.json", saga=EXAMPLE / "mended.yaml", faults=1, kinds=["after", "late"], given=GIVEN)
def test_no_failure_leaves_a_trace(before: Any, after: Any, execution: Any) -> None:
    assert execution.status == "SUCCEEDED" or after == before


def test_each_placement_is_a_test_of_its_own() -> None:
    (mark,) = test_no_failure_leaves_a_trace.pytestmark  # type: ignore[attr-defined]
    assert "no fault" in mark.args[1]
    assert "Charge Card#1 after" in mark.args[1]
    assert len(mark.args[1]) == 5


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted(claims(), "no.such.module:make"), "setup no.such.module:make: No module named"),
        (Wanted(claims(), "json:make"), "setup json:make: module 'json' has no attribute"),
        (Wanted(claims(), lambda client: client("nothing")), "setup .* failed: UnknownServiceError"),
        (Wanted(claims(), lambda client: None), "setup made none; let it return the ARN"),
        (Wanted(claims(), counter, "json"), "json has no invariants"),
    ],
)
def test_a_world_that_cannot_be_made_is_told(wanted: Wanted, told: str) -> None:
    with pytest.raises((UnprovableError, InvariantError), match=told):
        world_of(wanted)


def test_an_invariant_that_asks_for_the_unknown_is_refused() -> None:
    @at_the_end
    def wrong(tables: Any) -> None: ...

    with pytest.raises(InvariantError, match="invariant wrong: nothing is known of 'tables'; there are after"):
        invariants_of([wrong])


def test_mutants_are_scored_by_the_walk_where_there_is_no_world() -> None:
    source = read_source(EXAMPLE / "mended.asl.json")
    told = whole(source, Wanted(example("mended").claims, None, mutants=True)).score
    assert told is not None
    caught = {mutant.name for mutant in told.caught}
    assert {"Catch of Reserve Item", "compensation Refund Card", "compensation Return Item"} <= caught
    assert "condition of the write in Reserve Item" in {mutant.name for mutant in (*told.caught, *told.survived)}
    assert json.loads(told.caught[0].definition)["StartAt"]
