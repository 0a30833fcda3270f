"""The AWS SDK for JavaScript: its error classes and its paginators."""

import pytest

from tests.clients.journey import PASS, ROLE
from tests.clients.refusals import REFUSALS, scene
from tests.clients.speakers import JavaScript, Refused


def test_every_error_comes_as_its_own_class(script: JavaScript) -> None:
    script.region = "sa-east-1"
    scenery = scene(script, script.region)
    for code, refusal in REFUSALS.items():
        operation, told, message = refusal(scenery)
        with pytest.raises(Refused) as refused:
            script(operation, **told)
        assert refused.value.code == code
        assert refused.value.message.startswith(message)
        assert refused.value.of_its_own_class, code
        assert refused.value.status == 400


def test_every_paginator_gives_all_there_is(script: JavaScript) -> None:
    script.region = "ca-central-1"
    for number in range(7):
        script("CreateActivity", name=f"paged-{number}")
    machine = script("CreateStateMachine", name="paged", definition=PASS, roleArn=ROLE)["stateMachineArn"]
    names = [f"e{number}" for number in range(7)]
    executions = [script("StartExecution", stateMachineArn=machine, name=name)["executionArn"] for name in names]
    pages = script.ask("pages", "ListExecutions", {"stateMachineArn": machine}, 3)
    assert [len(page["executions"]) for page in pages] == [3, 3, 1]
    assert [e["name"] for page in pages for e in page["executions"]] == names[::-1]
    history = script.ask("pages", "GetExecutionHistory", {"executionArn": executions[0]}, 2)
    assert [event["type"] for page in history for event in page["events"]] == [
        *("ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded")
    ]
    for operation, key in (("ListActivities", "activities"), ("ListStateMachines", "stateMachines")):
        found = [item for page in script.ask("pages", operation, {}, 2) for item in page[key]]
        assert found == script(operation)[key]
    assert script.ask("pages", "ListMapRuns", {"executionArn": executions[0]}, 2) == [{"mapRuns": []}]
