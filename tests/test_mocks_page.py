"""docs/mocks.md: its example does what it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT, Process, running
from tests.waiting import ended

PAGE = (ROOT / "docs" / "mocks.md").read_text()
ROLE = "arn:aws:iam::123456789012:role/machine"


def block(name: str) -> str:
    found = re.search(rf"```json {name}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    mocks: Path = tmp_path_factory.mktemp("mocks") / "mocks.json"
    mocks.write_text(block("mocks"))
    with running("--in-memory", "--time", "skip", "--mocks", str(mocks)) as process:
        process.client("stepfunctions").create_state_machine(
            name="Order", definition=block("definition"), roleArn=ROLE, type="STANDARD"
        )
        yield process


@pytest.mark.parametrize(("case", "status", "retries"), [("PaidAtLast", "paid", 2), ("CardDeclined", "declined", 0)])
def test_the_example_ends_as_the_page_says(server: Process, case: str, status: str, retries: int) -> None:
    assert f"`{case}`" in PAGE
    states = server.client("stepfunctions")
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:Order#{case}"
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    told = ended(states, arn)
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"status": status})
    types = [event["type"] for event in states.get_execution_history(executionArn=arn)["events"]]
    assert types.count("TaskFailed") == retries + (case == "CardDeclined")
