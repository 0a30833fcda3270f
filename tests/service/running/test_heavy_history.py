"""A heavy history is stored as it grows, and is whole after the server was killed in the middle of a turn."""

import json
from pathlib import Path
from typing import Any

from tests.processes import Process
from tests.waiting import ended

ROLE = "arn:aws:iam::123456789012:role/r"
TURNS, LENGTH = 1_500, 20_000
LOOP = {
    "QueryLanguage": "JSONata",
    "StartAt": "A",
    "States": {
        "A": {
            "Type": "Pass",
            "Output": {"n": "{% $states.input.n + 1 %}", "t": "{% $substring($states.input.t, 1) & 'y' %}"},
            "Next": "B",
        },
        "B": {
            "Type": "Choice",
            "Choices": [{"Condition": f"{{% $states.input.n = {TURNS} %}}", "Next": "C"}],
            "Default": "A",
        },
        "C": {"Type": "Succeed"},
    },
}


def history(client: Any, arn: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event for page in pages for event in page["events"]]


def test_every_event_is_there_after_a_kill(tmp_path: Path) -> None:
    arguments = ("--port", "0", "--state-dir", str(tmp_path))
    server = Process(*arguments)
    try:
        client = server.client("stepfunctions")
        machine = client.create_state_machine(name="m", definition=json.dumps(LOOP), roleArn=ROLE)["stateMachineArn"]
        given = json.dumps({"n": 0, "t": "x" * LENGTH})
        arn = client.start_execution(stateMachineArn=machine, input=given)["executionArn"]
        while len(client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)["events"]) == 0:
            pass
        server.kill()
        server = Process(*arguments)
        client = server.client("stepfunctions")
        ended(client, arn)
        events = history(client, arn)
    finally:
        server.kill()
    assert [event["id"] for event in events] == list(range(1, 4 * TURNS + 5))
    left = [json.loads(e["stateExitedEventDetails"]["output"]) for e in events if e["type"] == "PassStateExited"]
    assert all(value == {"n": n, "t": "x" * (LENGTH - n) + "y" * n} for n, value in enumerate(left, 1))
    assert len(left) == TURNS
