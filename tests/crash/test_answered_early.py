"""A worker may answer before the server knows that its message was taken. A success that it got survives a kill."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.life import Life
from tests.crash.machines import CALLBACK, ROLE
from tests.crash.participants import Participants
from tests.waiting import PATIENCE, ended


@pytest.fixture
def participants() -> Iterator[Participants]:
    some = Participants()
    yield some
    some.close()


@pytest.fixture
def life(tmp_path: Path, participants: Participants) -> Iterator[Life]:
    one = Life(tmp_path / "state", f"--endpoint=sqs={participants.url}")
    yield one
    one.end()


def test_an_answer_that_was_heard_before_its_message_was_taken_survives_a_kill(
    life: Life, participants: Participants
) -> None:
    life.begin()
    client = life.client()
    machine = client.create_state_machine(name="m", definition=json.dumps(CALLBACK), roleArn=ROLE)["stateMachineArn"]
    participants.taking.clear()
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    token = participants.messages.get(timeout=PATIENCE)["token"]
    client.send_task_success(taskToken=token, output='{"answered":true}')
    life.kill()
    participants.taking.set()
    life.begin()

    with pytest.raises(client.exceptions.TaskTimedOut):
        client.send_task_success(taskToken=token, output="{}")
    assert _ended(client, execution)["output"] == '{"answered":true}'


def _ended(client: Any, execution: str) -> Any:
    try:
        return ended(client, execution)
    except AssertionError:
        raise AssertionError(client.get_execution_history(executionArn=execution)["events"][-1]) from None
