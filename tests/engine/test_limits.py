"""Sizes, depths, endless loops and answers no one asked for: bounded, with a clear error."""

from itertools import pairwise
from typing import Any

import pytest

from sfn_emulator.engine.local.execution import identity, program_of, run_locally, start_locally
from sfn_emulator.engine.ports import Fired, SetTimer, TaskSucceeded
from sfn_emulator.engine.run import ReplayMismatchError, Run, Status
from tests.engine.machines import LAMBDA, callback, check_history, ended, machine, mapping, parallel, task, types

TOO_LARGE = "returned a result with a size exceeding the maximum number of bytes service limit."
PAYLOAD = 262_144


def test_an_output_of_more_than_256_kib_ends_the_execution() -> None:
    doubled = {"x.$": "States.Format('{}{}', $.s, $.s)"}
    definition = machine({"A": ended(Type="Pass", Parameters=doubled)})
    execution = run_locally(definition, {"s": "x" * (PAYLOAD // 2)})
    assert (execution.error, execution.cause) == ("States.DataLimitExceeded", f"The state/task 'A' {TOO_LARGE}")
    assert types(execution.events) == ["ExecutionStarted", "PassStateEntered", "ExecutionFailed"]


@pytest.mark.parametrize(("letters", "status"), [(PAYLOAD - 2, Status.SUCCEEDED), (PAYLOAD - 1, Status.FAILED)])
def test_a_result_may_have_256_kib_with_its_quotes(letters: int, status: Status) -> None:
    execution = run_locally(machine({"T": task()}), {}, tasks={"T": lambda value: "x" * letters})
    assert execution.status is status


def test_a_result_that_is_too_large_is_the_tasks_failure_and_can_be_caught() -> None:
    states = {"T": task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "C"}]), "C": ended(Type="Pass")}
    execution = run_locally(machine(states), {}, tasks={"T": lambda value: "é" * (PAYLOAD // 2)})
    assert execution.output == {"Error": "States.DataLimitExceeded", "Cause": f"The state/task '{LAMBDA}' {TOO_LARGE}"}
    assert "LambdaFunctionFailed" in types(execution.events)


def test_one_assign_may_hold_256_kib() -> None:
    definition = machine({"A": ended(Type="Pass", Assign={"x.$": "$.s", "y.$": "$.s"})})
    assert run_locally(definition, {"s": "x" * 130_000}).status is Status.SUCCEEDED
    assert run_locally(definition, {"s": "x" * 131_072}).error == "States.DataLimitExceeded"


def test_all_variables_may_hold_10_mib() -> None:
    names = [f"v{index}" for index in range(42)]
    states: dict[str, Any] = {
        name: {"Type": "Pass", "Assign": {f"{name}.$": "$.s"}, "Next": after}
        for name, after in zip(names, [*names[1:], "End"], strict=True)
    }
    definition = machine(states | {"End": {"Type": "Succeed"}})
    assert run_locally(definition, {"s": "x" * 200_000}).status is Status.SUCCEEDED
    assert run_locally(definition, {"s": "x" * 262_000}).error == "States.DataLimitExceeded"


def test_values_that_grow_deeper_and_deeper_are_refused_in_time() -> None:
    deeper = {"Type": "Pass", "Parameters": {"a.$": "$"}, "Next": "More"}
    more = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.stop", "IsPresent": True, "Next": "End"}],
        "Default": "Deeper",
    }
    execution = run_locally(machine({"Deeper": deeper, "More": more, "End": {"Type": "Succeed"}}))
    assert execution.error == "States.Runtime"
    check_history(execution.events)


LOOP = machine(
    {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Variable": "$.x.y", "IsPresent": True, "Next": "C"}], "Default": "A"},
        "C": {"Type": "Succeed"},
    }
)


def test_event_25_000_is_the_failure() -> None:
    execution = run_locally(LOOP)
    assert len(execution.events) == 25_000
    assert execution.events[-1].type == "ExecutionFailed"
    assert execution.cause == "The execution reached the maximum number of history events (25000)."
    execution.driver.redrive()
    assert len(execution.events) == 25_000


@pytest.mark.parametrize("inner", [LOOP["States"], {"Out": mapping(LOOP["States"])}, {"Out": parallel(LOOP["States"])}])
def test_regions_end_at_event_25_000_too(inner: dict[str, Any]) -> None:
    execution = run_locally(machine({"M": mapping(inner)}), [[{}], [{}], [{}]])
    assert (len(execution.events), execution.events[-1].type) == (25_000, "ExecutionFailed")
    check_history(execution.events)


def test_an_execution_whose_last_event_is_number_25_000_succeeds() -> None:
    items = (25_000 - 8) // 4
    states = {"First": {"Type": "Pass", "Next": "M"}, "M": mapping({"A": ended(Type="Pass")})}
    execution = run_locally(machine(states), [1] * items)
    assert (len(execution.events), execution.status) == (25_000, Status.SUCCEEDED)
    assert run_locally(machine(states), [1] * (items + 1)).status is Status.FAILED


def test_an_endless_express_execution_can_be_stopped() -> None:
    run = Run(program_of(LOOP, express=True), identity(express=True), {}, "{}")
    run.start(0)
    assert run.advance(1_000)
    assert run.advance(1_000)
    run.stop("Enough", None, 1)
    assert run.advance(1_000) is False
    assert run.status is Status.ABORTED


def test_an_endless_express_execution_ends_by_itself_in_virtual_time() -> None:
    assert start_locally(LOOP, express=True).status is Status.TIMED_OUT


@pytest.mark.parametrize("signal", [TaskSucceeded(1, None), Fired(7)])
def test_an_answer_to_what_was_never_asked_is_a_mismatch(signal: Any) -> None:
    run = Run(program_of(machine({"W": ended(Type="Wait", Seconds=9)})), identity(), {}, "{}")
    run.start(0)
    run.advance()
    assert isinstance(run.take_effects()[0], SetTimer)
    run.deliver(signal, 1)
    with pytest.raises(ReplayMismatchError, match="effect"):
        run.advance()


def test_a_map_of_40_000_items_stays_within_its_memory() -> None:
    execution = run_locally(machine({"M": mapping({"A": ended(Type="Pass")})}), [1] * 40_000, express=True)
    assert execution.output == [1] * 40_000
    assert execution.run.root is not None
    assert execution.run.root.region is None


def test_states_may_have_strange_names() -> None:
    names = ["__proto__", "States.ALL", "\U0001f600", "Next"]
    states: dict[str, Any] = {name: {"Type": "Pass", "Next": after} for name, after in pairwise(names)}
    execution = run_locally(machine(states | {"Next": callback()}), {}, tasks={"Next": [{"submit": 1, "return": 2}]})
    assert execution.output == 2


def test_an_express_loop_of_tasks_that_answer_at_once_is_timed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfn_emulator.engine.local.execution.TRANSITIONS_LIMIT", 2_000)
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "T"}]
    definition = machine({"T": {**task(), "Catch": catch}})
    assert run_locally(definition, tasks={"T": [{"throw": "E"}]}, express=True).status == "TIMED_OUT"
