"""After a restart executions get their signals again. One that takes long to come to where it was holds up nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfn_emulator.engine.run import Run
from tests.service.world import CALLBACK, World


class Held:
    """Turns that are set aside again and again, until they may go on."""

    may_go_on = True

    def advance(self, run: Run, budget: int) -> bool | None:
        return run.advance(budget) if self.may_go_on else None


class Slow(World):
    """The executions of a process that was killed have not come to where they were, until ``go_on``."""

    def __init__(self, directory: Path) -> None:
        self.turns: Held = Held()
        super().__init__(directory)

    def restart(self) -> None:
        self.turns.may_go_on = False
        super().restart()

    def go_on(self) -> None:
        self.turns.may_go_on = True
        self.until(lambda: not self.service.host.is_behind)
        self.settle()


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Slow]:
    made = Slow(tmp_path / "state")
    yield made
    made.close()


def waiting(world: World) -> str:
    execution = world.start(world.machine(CALLBACK))
    world.settle()
    return execution


def token(world: World) -> str:
    return world.hands.attempts[-1].request.token


def test_it_is_running_and_others_begin_and_end(slow: Slow) -> None:
    execution = waiting(slow)
    slow.restart()
    assert slow.status(execution) == "RUNNING"
    assert not slow.hands.attempts
    slow.go_on()
    assert [attempt.submitted for attempt in slow.hands.attempts] == [{}]


def test_an_answer_to_its_token_waits_until_it_knows_the_token(slow: Slow) -> None:
    execution = waiting(slow)
    its = token(slow)
    slow.restart()
    beat = slow.later("SendTaskHeartbeat", taskToken=its)
    answer = slow.later("SendTaskSuccess", taskToken=its, output="1")
    assert not answer.done()
    slow.go_on()
    slow.until(answer.done)
    assert (beat.result(), answer.result()) == ({}, {})
    assert slow.describe(execution)["output"] == "1"


def test_a_token_of_no_execution_is_refused_when_all_have_come_to_where_they_were(slow: Slow) -> None:
    waiting(slow)
    its = token(slow)
    slow.restart()
    strange = slow.later("SendTaskSuccess", taskToken=its[::-1].replace("=", "") + "AQ" * 20, output="1")
    assert strange.result()["__type"].endswith("InvalidToken")
    late = slow.later("SendTaskSuccess", taskToken="AQ" + "A" * 60, output="1")
    assert not late.done()
    slow.go_on()
    slow.until(late.done)
    assert late.result()["__type"].endswith("TaskTimedOut")


def test_it_can_be_stopped(slow: Slow) -> None:
    execution = waiting(slow)
    slow.restart()
    slow.later("StopExecution", executionArn=execution)
    slow.go_on()
    assert slow.status(execution) == "ABORTED"
    assert slow.types(execution)[-1] == "ExecutionAborted"
    assert all(attempt.cancelled for attempt in slow.hands.attempts)


def test_what_is_stored_of_a_long_history_is_shown_meanwhile(slow: Slow) -> None:
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(60)}
    states["S60"] = CALLBACK["States"]["T"]
    execution = slow.start(slow.machine({"StartAt": "S0", "States": states}))
    slow.settle()
    before = slow.types(execution)
    slow.restart()
    shown = slow.types(execution)
    assert shown == before[: len(shown)]
    assert len(shown) > 50
    slow.go_on()
    assert slow.types(execution) == before
