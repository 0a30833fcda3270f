"""No execution holds up another, and one that takes too much memory ends; in a real server."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from sfn_emulator.engine.run import Run, Status
from sfn_emulator.errors import OutOfMemoryError
from sfn_emulator.service.running.turns import Sliced
from tests import waiting
from tests.processes import Process, running

NUMBERS = count()
ROLE = "arn:aws:iam::123456789012:role/r"
LONG = "$count($sort([1..20000], function($a, $b){ $a < $b }))"
EACH = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory", "--time", "real") as process:
        yield process


def started(server: Process, expression: str, **fields: Any) -> str:
    client = server.client("stepfunctions")
    state = {"Type": "Pass", "End": True, "QueryLanguage": "JSONata", "Output": f"{{% {expression} %}}"}
    name = f"m{next(NUMBERS)}"
    arn = client.create_state_machine(
        name=name, definition=json.dumps({"StartAt": "A", "States": {"A": state}, **fields}), roleArn=ROLE
    )
    return str(client.start_execution(stateMachineArn=arn["stateMachineArn"])["executionArn"])


def kinds(client: Any, arn: str) -> list[str]:
    return [event["type"] for event in client.get_execution_history(executionArn=arn)["events"]]


def ended(server: Process, arn: str) -> Any:
    return waiting.ended(server.client("stepfunctions"), arn)


def test_others_are_answered_while_long_evaluations_go_on(server: Process) -> None:
    client = server.client("stepfunctions")
    arns = [started(server, LONG) for _ in range(2)]
    asked = 0
    while client.describe_execution(executionArn=arns[0])["status"] == "RUNNING":
        asked += 1
    assert asked > 3
    assert {ended(server, arn)["status"] for arn in arns} <= {"SUCCEEDED", "FAILED"}


MINUTES = "$count($map([1..20000], function($i){ $count($map([1..500], function($j){ $j })) }))"


def test_a_stop_gives_up_an_evaluation_that_has_minutes_to_go(server: Process) -> None:
    arn, client = started(server, MINUTES), server.client("stepfunctions")
    stopped = client.stop_execution(executionArn=arn)["stopDate"]
    told = client.describe_execution(executionArn=arn)
    assert (told["status"], told["stopDate"]) == ("ABORTED", stopped)
    assert kinds(client, arn) == ["ExecutionStarted", "PassStateEntered", "ExecutionAborted"]
    client.redrive_execution(executionArn=arn)
    assert client.describe_execution(executionArn=arn)["status"] == "RUNNING"
    client.stop_execution(executionArn=arn)
    assert kinds(client, arn)[2:] == ["ExecutionAborted", "ExecutionRedriven", "ExecutionAborted"]


def test_the_time_out_of_an_execution_gives_up_its_evaluation(server: Process) -> None:
    arn = started(server, MINUTES, TimeoutSeconds=1)
    assert ended(server, arn)["status"] == "TIMED_OUT"
    assert kinds(server.client("stepfunctions"), arn)[1:] == ["PassStateEntered", "ExecutionTimedOut"]


def test_an_execution_ends_when_its_evaluation_ended(server: Process) -> None:
    told = ended(server, started(server, LONG))
    assert told["stopDate"] > told["startDate"]


def test_after_a_kill_the_server_is_ready_though_evaluations_have_minutes_to_go(tmp_path: Path) -> None:
    arguments = ("--port", "0", "--time", "real", "--state-dir", str(tmp_path))
    server = Process(*arguments)
    arns = [started(server, MINUTES) for _ in range(3)]
    server.kill()
    server = Process(*arguments)
    client = server.client("stepfunctions")
    assert {client.describe_execution(executionArn=arn)["status"] for arn in arns} == {"RUNNING"}
    for arn in arns:
        client.stop_execution(executionArn=arn)
        assert ended(server, arn)["status"] == "ABORTED"
        assert kinds(client, arn)[-1] == "ExecutionAborted"
    assert server.stop() == (0, "")


def test_evaluations_that_take_turns_do_not_mix() -> None:
    with running("--in-memory") as server:
        arns = [started(server, f"$sum($map([1..9000], function($x){{ $x * {n} }}))") for n in range(5)]
        assert [json.loads(ended(server, arn)["output"]) for arn in arns] == [n * 9000 * 9001 // 2 for n in range(5)]


def test_an_execution_that_holds_too_much_fails_and_says_so() -> None:
    with running("--in-memory", "--execution-memory", "2") as server:
        client = server.client("stepfunctions", inject_host_prefix=False)
        states = {"M": {"Type": "Map", "ItemProcessor": EACH, "End": True}}
        definition = json.dumps({"StartAt": "M", "States": states})
        arn = client.create_state_machine(name="wide", definition=definition, roleArn=ROLE, type="EXPRESS")
        told = client.start_sync_execution(stateMachineArn=arn["stateMachineArn"], input=json.dumps([1] * 40_000))
    assert (told["status"], told["error"]) == ("FAILED", "States.Runtime")
    assert "more than 2 MB of memory" in told["cause"]


class Deaf:
    """A run that holds more and more, and does not hear the first time that it is too much: Python swallows what is
    raised while a finaliser runs."""

    aside_at: Any = None
    gives_way = is_ending = False
    status = Status.RUNNING

    def __init__(self) -> None:
        self.held: list[bytes] = []
        self.heard = 0

    def advance(self, budget: int) -> bool:
        while True:
            try:
                self.grow()
            except OutOfMemoryError:
                self.heard += 1
                if self.heard == 2:
                    raise

    def grow(self) -> None:
        while True:
            self.held.append(bytes(range(256)) * 4_096)


def test_an_error_that_was_swallowed_is_raised_again() -> None:
    loop = asyncio.new_event_loop()
    turns, run = Sliced(loop, 16), Deaf()
    with pytest.raises(OutOfMemoryError):
        for _ in range(10_000):
            turns.advance(cast(Run, run), 1)
    loop.close()
    assert run.heard == 2
    assert len(run.held) < 512


class Long:
    """A run whose turn goes on until it has been set aside; the first ring of its slice is lost."""

    aside_at: Any = None
    gives_way = is_ending = False
    status = Status.RUNNING

    def __init__(self) -> None:
        self.set_aside = False

    def advance(self, budget: int) -> bool:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        signal.sigwait({signal.SIGALRM})
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
        give_up = time.monotonic() + waiting.PATIENCE
        while not self.set_aside and time.monotonic() < give_up:
            pass
        return False


def test_a_turn_whose_slice_rang_too_early_is_set_aside_all_the_same() -> None:
    loop = asyncio.new_event_loop()
    turns, run = Sliced(loop, 512), Long()
    assert turns.advance(cast(Run, run), 1) is None
    run.set_aside = True
    while (more := turns.advance(cast(Run, run), 1)) is None:
        pass
    loop.close()
    assert more is False


class Holding:
    """A run that is under way until it may end."""

    aside_at: Any = None
    gives_way = is_ending = False
    status = Status.RUNNING

    def __init__(self) -> None:
        self.may_end = False
        self.rounds = 0

    def advance(self, budget: int) -> bool:
        while not self.may_end:
            self.rounds += 1
        return False


def test_of_executions_that_hold_too_much_together_only_the_oldest_goes_on() -> None:
    loop = asyncio.new_event_loop()
    turns, runs = Sliced(loop, 100), [Holding() for _ in range(4)]
    oldest, other, third, late = runs

    def goes_on(run: Holding) -> bool:
        before = run.rounds
        loop.run_until_complete(asyncio.sleep(0))  # a new round, with a slice of its own
        turns.advance(cast(Run, run), 1)
        return run.rounds > before

    for run in (oldest, other, third):
        while not goes_on(run):
            pass
        turns._weigh(run.aside_at, 70 << 20)
    assert not any(goes_on(run) for run in (other, third, late))
    assert goes_on(oldest)
    oldest.may_end = True
    assert turns.advance(cast(Run, oldest), 1) is False
    assert goes_on(other)
    assert goes_on(late)
    assert not goes_on(third)
    for run in (other, third, late):
        run.may_end = True
        assert turns.advance(cast(Run, run), 1) is False
    loop.close()


def test_a_round_in_which_turns_have_used_their_slice_begins_no_more() -> None:
    loop = asyncio.new_event_loop()
    turns, first, second = Sliced(loop, 100), Holding(), Holding()
    while turns.advance(cast(Run, first), 1) is None and not first.rounds:
        pass
    second.may_end = True
    assert turns.advance(cast(Run, second), 1) is None
    loop.run_until_complete(asyncio.sleep(0))
    assert turns.advance(cast(Run, second), 1) is False
    first.may_end = True
    assert turns.advance(cast(Run, first), 1) is False
    loop.close()
