"""An execution started again at a state of another, through the console's own action and after a killed server."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Process, running

ROLE = "arn:aws:iam::123456789012:role/r"
ASSIGNED: dict[str, Any] = {
    "StartAt": "First",
    "States": {
        "First": {"Type": "Pass", "Assign": {"seen": 1}, "Next": "Last"},
        "Last": {
            "Type": "Pass",
            "Parameters": {"given.$": "$", "whole.$": "$$.Execution.Input", "seen.$": "$seen"},
            "End": True,
        },
    },
}


class Console:
    """The JSON interface, asked as the page does."""

    def __init__(self, server: Process) -> None:
        self.server, self.states = server, server.client("stepfunctions")
        page = urllib.request.urlopen(f"{server.url}/_sfn/").read().decode()
        found = re.search(r'name="token" content="([^"]+)"', page)
        assert found is not None
        self._token = found[1]

    def tell(self, what: str, **body: Any) -> tuple[int, dict[str, Any]]:
        headers = {"x-sfn-token": self._token, "content-type": "application/json"}
        request = urllib.request.Request(f"{self.server.url}/_sfn/api/{what}", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def ask(self, what: str) -> Any:
        return json.load(urllib.request.urlopen(f"{self.server.url}/_sfn/api/{what}"))

    def machine(self, name: str, definition: Any, kind: str = "STANDARD") -> str:
        made = self.states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE, type=kind)
        return str(made["stateMachineArn"])

    def ran(self, machine: str, given: Any, name: str) -> str:
        started = self.states.start_execution(stateMachineArn=machine, input=json.dumps(given), name=name)
        return str(started["executionArn"])

    def ended(self, arn: str) -> Any:
        while (told := self.states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            pass
        return told


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running("--in-memory", "--time", "skip") as server:
        yield Console(server)


@pytest.fixture(scope="module")
def first(console: Console) -> str:
    arn = console.ran(console.machine("assigned", ASSIGNED), {"n": 1}, "first")
    console.ended(arn)
    return arn


def test_it_begins_at_the_state_with_the_data_and_variables_that_are_given(console: Console, first: str) -> None:
    told = {"arn": first, "state": "Last", "event": 4, "data": '{"n": 2}', "variables": '{"seen": 9}', "name": "second"}
    status, answer = console.tell("again", **told)
    assert status == 200, answer
    assert answer["executionArn"] == first.replace(":first", ":second")
    ended = console.ended(answer["executionArn"])
    assert json.loads(ended["output"]) == {"given": {"n": 2}, "whole": {"n": 1}, "seen": 9}
    events = console.states.get_execution_history(executionArn=answer["executionArn"])["events"]
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert json.loads(events[0]["executionStartedEventDetails"]["input"]) == {"n": 1}
    assert json.loads(events[1]["stateEnteredEventDetails"]["input"]) == {"n": 2}


def test_both_tell_of_each_other(console: Console, first: str) -> None:
    _, answer = console.tell("again", arn=first, state="Last", data="{}", variables='{"seen": 0}', name="linked")
    outline = console.ask(f"execution?arn={answer['executionArn']}")
    assert outline["execution"]["origin"] == {"execution": first, "state": "Last"}
    again = console.ask(f"execution?arn={first}")["execution"]["again"]
    assert ("linked", "Last") in {(one["name"], one["state"]) for one in again}
    assert "origin" not in console.ask(f"execution?arn={first}")["execution"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"state": "None"}, "There is no state 'None'"),
        ({"state": "Last", "data": "{"}, "Invalid State Machine Execution Input"),
        ({"state": "Last", "variables": "[]"}, "Variables are an object"),
        ({"state": "Last", "variables": "{"}, "Invalid State Machine Execution Input"),
        ({"state": "Last", "name": "first"}, "Execution Already Exists"),
        ({"state": "Last", "name": "a b"}, "Invalid Name"),
        ({"state": "Last", "data": 5}, "'data' is not of the right type"),
        ({"state": "Last", "event": "x"}, "'event' is not of the right type"),
        ({}, "There is no state ''"),
        ({"state": "Last", "arn": "nonsense"}, "Invalid Arn"),
        (
            {"state": "Last", "arn": "arn:aws:states:us-east-1:123456789012:execution:assigned:none"},
            "no such execution",
        ),
    ],
)
def test_an_impossible_start_is_refused_in_a_sentence(
    console: Console, first: str, told: dict[str, Any], said: str
) -> None:
    status, answer = console.tell("again", **{"arn": first, "data": "{}", **told})
    assert 400 <= status < 500
    assert said in answer["message"]


def test_a_state_inside_a_map_is_refused(console: Console) -> None:
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
    each = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": inner, "End": True}}}
    arn = console.ran(console.machine("each", each), [1], "each")
    console.ended(arn)
    status, answer = console.tell("again", arn=arn, state="In", data="{}")
    assert status == 400
    assert "top level" in answer["message"]


def test_it_runs_by_the_definition_it_ran_by_or_by_the_one_of_now(console: Console) -> None:
    def says(word: str) -> dict[str, Any]:
        return {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Result": word, "End": True}}}

    machine = console.machine("changing", says("old"))
    arn = console.ran(machine, {}, "told")
    console.ended(arn)
    console.states.update_state_machine(stateMachineArn=machine, definition=json.dumps(says("new")))
    for current, word in ((False, '"old"'), (True, '"new"')):
        _, answer = console.tell("again", arn=arn, state="Say", data="{}", current=current)
        assert console.ended(answer["executionArn"])["output"] == word


def test_an_express_execution_is_started_again_and_both_are_kept(console: Console) -> None:
    machine = console.machine("quick", ASSIGNED, "EXPRESS")
    console.states.start_execution(stateMachineArn=machine, input='{"n": 1}', name="quick-1")

    def listed() -> list[Any]:
        return list(console.ask(f"executions?machine={machine}")["executions"])

    while not listed() or listed()[0]["status"] == "RUNNING":
        pass
    (one,) = listed()
    status, answer = console.tell("again", arn=one["arn"], state="Last", data="5", variables='{"seen": 0}')
    assert status == 200, answer
    assert ":express:quick:" in answer["executionArn"]
    while any(row["status"] == "RUNNING" for row in listed()):
        pass
    newest, oldest = listed()
    assert (newest["again"], oldest["again"]) == ("Last", None)
    told = console.ask(f"execution?arn={answer['executionArn']}")["execution"]
    assert told["output"] == {"given": 5, "whole": {"n": 1}, "seen": 0}
    assert console.ask(f"execution?arn={one['arn']}")["execution"]["again"][0]["state"] == "Last"


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_the_children_of_a_map_run_are_listed_page_by_page(console: Console, kind: str) -> None:
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
    processor = {**inner, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}}
    each = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": processor, "End": True}}}
    arn = console.ran(console.machine(f"apart-{kind}", each), list(range(130)), "apart")
    assert console.ended(arn)["status"] == "SUCCEEDED"
    run = console.states.list_map_runs(executionArn=arn)["mapRuns"][0]["mapRunArn"]
    names, following = [], ""
    while following or not names:
        told = console.ask(f"executions?map_run={run}&limit=50&before={following}")
        names += [one["name"] for one in told["executions"]]
        following = told["next"]
    assert (len(names), len(set(names))) == (130, 130)
    status, answer = console.tell("again", arn=told["executions"][0]["arn"], state="In", data="1")
    assert (status, "start its parent" in answer["message"]) == (400, True)


def test_it_goes_on_after_a_killed_server_and_is_redriven_where_it_failed(tmp_path: Path) -> None:
    rests = {"Type": "Wait", "Seconds": 3, "Next": "Tell"}
    tell = {"Type": "Pass", "Parameters": {"seen.$": "$seen", "n.$": "$.n"}, "Next": "Ask"}
    ask = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True, "ResultPath": None}
    where = "http://127.0.0.1:8083/123456789012/later"
    ask["Parameters"] = {"QueueUrl": where, "MessageBody.$": "States.JsonToString($)"}
    begin = {"Type": "Pass", "Assign": {"seen": 1}, "Next": "Rest"}
    definition = {"StartAt": "Begin", "States": {"Begin": begin, "Rest": rests, "Tell": tell, "Ask": ask}}
    state = str(tmp_path / "state")
    server = Process("--port", "0", "--state-dir", state)
    console = Console(server)
    arn = console.ran(console.machine("rests", definition), {"n": 1}, "first")
    _, answer = console.tell("again", arn=arn, state="Rest", data='{"n": 2}', variables='{"seen": 7}', name="second")
    server.kill()
    with running("--state-dir", state) as again:
        console = Console(again)
        second = answer["executionArn"]
        assert console.ended(second)["status"] == "FAILED"
        queue = again.client("sqs").create_queue(QueueName="later")["QueueUrl"]
        console.states.redrive_execution(executionArn=second)
        assert json.loads(console.ended(second)["output"]) == {"seen": 7, "n": 2}
        (message,) = again.client("sqs").receive_message(QueueUrl=queue)["Messages"]
        assert json.loads(message["Body"]) == {"seen": 7, "n": 2}
        assert console.ask(f"execution?arn={second}")["execution"]["origin"]["execution"] == arn
