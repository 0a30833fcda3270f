"""The saga proved: each fault around each call, on the real handlers; the claims are statemachine/invariants.py."""

from pathlib import Path

import pytest

from sfn_emulator.coverage.covered import covered
from sfn_emulator.coverage.recording import Recording, read
from sfn_emulator.coverage.reports.text import text, total
from sfn_emulator.prove.claims import inputs_of
from sfn_emulator.prove.decorator import placed, proving
from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.faults import TRANSIENT
from sfn_emulator.prove.interleaving import interleave

ROOT = Path(__file__).parents[2]
DEFINITION = ROOT / "statemachine" / "definition.asl.json"
SAGA = ROOT / "statemachine" / "saga.yaml"


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    return tmp_path_factory.mktemp("coverage")


@pytest.fixture(scope="module")
def runs(notes):
    """Each single fault, and the pairs and triples that lead into compensations and repairs."""
    told = proving(DEFINITION, saga=SAGA)
    saga = Saga(told.world, told.claims, told.invariants, watch=Recording(notes).watch)
    saga.warm_up(inputs_of(told.claims)[0])
    return list(saga.in_depth(inputs_of(told.claims)[0]))


def test_whatever_fails_the_saga_keeps_its_claims(runs):
    assert {run.placement: run.broken for run in runs if run.broken} == {}
    assert len(runs) > 100


def test_whatever_fails_once_and_is_not_a_compensation_the_saga_succeeds_or_is_undone(runs):
    once = [run for run in runs if len(run.placement) == 1]
    ends = {(run.status, run.placement[0].kind in TRANSIENT) for run in once}
    assert ends == {("SUCCEEDED", True), ("SUCCEEDED", False), ("FAILED", False)}


def test_every_claim_of_what_sometimes_happens_comes_true(runs):
    happened = {name for run in runs for name in run.sometimes}
    assert happened == set(proving(DEFINITION, saga=SAGA).invariants.sometimes)


def test_the_proof_takes_every_state_rule_retrier_and_catcher(runs, notes):
    found = covered(read([notes]), [DEFINITION])
    assert total(found) == 100, text(found)


def test_two_sagas_at_once_end_as_one_after_the_other():
    saga = proving(DEFINITION, saga=SAGA)
    assert interleave(saga, inputs_of(saga.claims), 6).failing == ()


@pytest.mark.parametrize(
    ("late", "failing"), [((0, "Place Order"), (1, "Update Inventory")), ((1, "Update Inventory"), (2, "Make Payment"))]
)
def test_a_step_delivered_after_its_compensation_writes_nothing(late, failing):
    given = inputs_of(proving(DEFINITION, saga=SAGA).claims)[0]
    result = placed(DEFINITION, saga=SAGA, given=given, faults=[(*late, "late"), (*failing, "after")])
    result.check()
    assert result.tried.execution.error == "OrderCompensated"
    assert [step.ended for step in result.tried.steps].count("delivered again, late") == 1
