"""The saga proved: each fault around each call, on the real handlers; the claims are statemachine/invariants.py."""

from pathlib import Path

import pytest

from sfn_emulator.prove.decorator import placed, prove, proving
from sfn_emulator.prove.executed import inputs_of
from sfn_emulator.prove.interleaving import interleave

ROOT = Path(__file__).parents[2]
DEFINITION = ROOT / "statemachine" / "definition.asl.json"
SAGA = ROOT / "statemachine" / "saga.yaml"


@prove(DEFINITION, saga=SAGA, faults=1)
def test_whatever_fails_once_the_saga_keeps_its_claims(before, after, execution):
    if execution.error == "OrderCompensated":
        assert after == before
    else:
        assert execution.status == "SUCCEEDED"


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
