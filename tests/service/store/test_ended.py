"""Executions at hand after their end are told as their rows tell them, and never outlive their rows."""

import pytest

from sfn_emulator.service.store.documents import Store
from tests.service.world import CALLBACK, FAIL, PASS, World


def rows(world: World, execution: str) -> tuple[object, object]:
    """What the service has at hand, and what the row says."""
    return world.service.store.execution(execution), Store(world.service.store.database).execution(execution)


@pytest.mark.parametrize("definition", [PASS, FAIL, CALLBACK])
def test_an_execution_at_hand_is_as_its_row(world: World, definition: dict[str, object]) -> None:
    execution = world.start(world.machine(definition), input='{ "as": "given" }', traceHeader="Root=1-a-b")
    if definition is CALLBACK:
        world.call("StopExecution", executionArn=execution, error="E", cause="c")
    at_hand, row = rows(world, execution)
    assert at_hand == row
    assert row is not None


def test_a_long_one_is_read_from_its_row(world: World) -> None:
    execution = world.start(world.machine(), input=f'"{"x" * 10_000}"')
    assert world.describe(execution)["output"] == f'"{"x" * 10_000}"'


def test_a_redriven_one_is_told_as_it_is_now(world: World) -> None:
    execution = world.start(world.machine(FAIL))
    world.call("RedriveExecution", executionArn=execution)
    assert world.describe(execution)["redriveCount"] == 1
    at_hand, row = rows(world, execution)
    assert at_hand == row


def test_a_forgotten_one_is_gone(world: World) -> None:
    execution = world.start(world.machine())
    (seq, _) = world.service.store.execution(execution) or (0, None)
    world.service.store.forget(seq)
    assert world.service.store.execution(execution) is None


def test_one_that_was_rolled_back_never_was(world: World) -> None:
    store, execution = world.service.store, world.start(world.machine())
    found = store.execution(execution)
    assert found is not None
    store.forget(found[0])
    store.commit()
    store.insert_execution(found[1])
    assert store.execution(execution) is not None
    store.rollback()
    assert store.execution(execution) is None
