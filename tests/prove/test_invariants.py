"""Claims that could not be broken are refused, and no claim is asked about what another one made of the tables."""

import os
import subprocess
import sys
from typing import Any

import pytest

from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.executed.search import prove_executed
from sfn_emulator.prove.faults import Fault, Kind
from sfn_emulator.prove.invariants import Claim, InvariantError, at_the_end, broken, held, invariants_of, sometimes
from tests.prove.worlds import ROOT, careless

LOST = (Fault(0, "Add", Kind.AFTER),)


def claiming(*claims: Claim) -> Saga:
    world = careless()
    return Saga(world.world, world.claims, invariants_of(list(claims)), world.definition)


@at_the_end
def a_failed_run_leaves_the_counter(before: Any, after: Any, execution: Any) -> None:
    assert execution.status == "SUCCEEDED" or after == before


async def later(before: Any) -> None: ...


def yielding(before: Any) -> Any:
    yield before


@pytest.mark.parametrize(("claim", "kind"), [(later, "a coroutine"), (yielding, "a generator")])
def test_a_claim_that_a_call_does_not_run_is_refused(claim: Claim, kind: str) -> None:
    with pytest.raises(InvariantError, match=f"invariant {claim.__name__} is {kind}.*make it a function"):
        invariants_of([at_the_end(claim)])


def test_a_claim_that_returns_no_truth_value_is_broken() -> None:
    assert broken(lambda: 0) == "it returned 0; a claim returns True or False"
    assert [broken(lambda answer=answer: answer) for answer in (None, True)] == [None, None]


def test_a_claim_may_do_with_its_tables_what_it_likes() -> None:
    @at_the_end
    def a_claim_that_forgets_the_counter(before: Any, after: Any, execution: Any) -> None:
        before.clear(), after.clear()
        execution.status = "SUCCEEDED"

    told = claiming(a_claim_that_forgets_the_counter, a_failed_run_leaves_the_counter).tried({}, LOST)
    assert list(told.broken) == ["a_failed_run_leaves_the_counter"]


def test_what_sometimes_happens_may_not_be_askable_of_every_run() -> None:
    assert held(lambda execution: execution["x"] > 1, execution={}) == "KeyError: 'x'"

    @sometimes
    def ten_are_counted(execution: Any) -> bool:
        return bool(execution.output["ten"])

    executed = prove_executed(claiming(ten_are_counted), [{}], 0)
    assert executed.never == ("ten_are_counted (it raised KeyError: 'ten')",)


def test_what_one_fault_makes_true_is_not_vacuous_where_none_was_asked_for() -> None:
    @sometimes
    def the_answer_is_lost(execution: Any) -> bool:
        return bool(execution.status == "FAILED")

    executed = prove_executed(claiming(the_answer_is_lost), [{}], 0)
    assert executed.never == ()
    assert executed.bounds[0].startswith("'the_answer_is_lost' was not true in these runs; it is with: Add: ")


def test_long_words_of_many_claims_are_told_whole() -> None:
    def long_winded(number: int) -> Claim:
        def claim(after: Any) -> None:
            raise AssertionError("在庫が足りません" * 40)

        claim.__name__ = f"在庫_{number}"
        return at_the_end(claim)

    seen = list(claiming(*map(long_winded, range(40))).explored({}, 0))
    assert [len(run.broken) for run in seen] == [40]


def test_without_asserts_there_is_no_proof() -> None:
    saga = str(ROOT / "docs" / "examples" / "order" / "order.asl.json")
    command = [sys.executable, "-O", "-m", "sfn_emulator", "prove", saga, "--faults", "1", "--only", "after"]
    told = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr.startswith("sfn-emulator: Python leaves assert out here (-O, PYTHONOPTIMIZE)")
