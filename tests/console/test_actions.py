"""The page's actions, as a person takes them, seen by their effect on the server."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from tests.console.conftest import Saga
from tests.console.page import Page, wait_for

ROLE = "arn:aws:iam::123456789012:role/r"
WAITS: dict[str, Any] = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": "", "MessageBody": {"Token.$": "$$.Task.Token"}},
            "Catch": [
                {"ErrorEquals": ["States.Timeout", "Declined"], "Next": "Sorry"},
                {"ErrorEquals": ["States.ALL"], "Next": "Sorry"},
            ],
            "Next": "Glad",
        },
        "Glad": {"Type": "Succeed"},
        "Sorry": {"Type": "Fail", "Error": "Sorry"},
    },
}


def machine(saga: Saga, name: str, definition: dict[str, Any]) -> str:
    made = saga.states.create_state_machine(name=name, definition=json.dumps(definition, indent=2), roleArn=ROLE)
    return str(made["stateMachineArn"])


@pytest.fixture(scope="module")
def asking(saga: Saga) -> str:
    """A machine that waits for somebody's answer."""
    url = saga.server.client("sqs").create_queue(QueueName="questions")["QueueUrl"]
    WAITS["States"]["Ask"]["Parameters"]["QueueUrl"] = url
    return machine(saga, "asking", WAITS)


def started(saga: Saga, arn: str, given: Any = None) -> str:
    return str(saga.states.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"])


def state_of(saga: Saga, arn: str) -> Any:
    return saga.states.describe_execution(executionArn=arn)


def test_an_execution_is_started_with_an_old_input_as_template(page: Page, saga: Saga) -> None:
    echo = machine(saga, "echo", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    started(saga, echo, {"n": 1})
    page.open("executions", machine=echo)
    page.click("Start…")
    field = page.one("dialog textarea")
    wait_for(lambda: json.loads(str(field.get_attribute("value"))) == {"n": 1})
    field.clear()
    field.send_keys('{"n": 2')
    page.says("JSON", "dialog .hint")
    assert not page.one("dialog .primary").is_enabled()
    field.send_keys("}")
    page.one("dialog input").send_keys("second")
    page.press_on("dialog .primary")
    wait_for(lambda: page.outcomes().get("A") == "done")
    assert json.loads(state_of(saga, page.arn)["input"]) == {"n": 2}
    assert page.arn.endswith(":second")


def test_a_long_input_is_shown_from_its_beginning(page: Page, saga: Saga) -> None:
    long = machine(saga, "wordy", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    started(saga, long, {"n": list(range(60))})
    page.open("executions", machine=long)
    page.click("Start…")
    field = page.one("dialog textarea")
    wait_for(lambda: int(str(field.get_attribute("scrollHeight"))) > 900)
    wait_for(lambda: (field.get_attribute("scrollTop"), field.get_attribute("selectionStart")) == ("0", "0"))


def test_executions_tell_when_they_ended_as_the_list_is_sorted_by_it(page: Page, saga: Saga) -> None:
    short = machine(saga, "short", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    arn = started(saga, short)
    wait_for(lambda: state_of(saga, arn)["status"] == "SUCCEEDED")
    ended = state_of(saga, arn)["stopDate"].astimezone(UTC)
    page.open("executions", machine=short)
    page.one(".list a.row")
    wait_for(lambda: page.texts(".list a.row > span")[4] == f"{ended:%m-%d %H:%M:%S}")


def test_an_execution_is_started_by_the_alias_another_was_started_by(page: Page, saga: Saga) -> None:
    echo = machine(saga, "aliased", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    version = saga.states.publish_state_machine_version(stateMachineArn=echo)["stateMachineVersionArn"]
    route = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = saga.states.create_state_machine_alias(name="prod", routingConfiguration=route)["stateMachineAliasArn"]
    page.open("execution", started(saga, alias))
    page.click("Start like this…")
    page.says("Start aliased:prod", "dialog h2")
    page.one("dialog input").send_keys("alike")
    page.press_on("dialog .primary")
    wait_for(lambda: page.arn.endswith(":alike"))
    assert state_of(saga, page.arn)["stateMachineAliasArn"] == alias


def test_a_refusal_of_the_server_is_told_in_the_dialog(page: Page, saga: Saga) -> None:
    page.open("execution", saga.arn("undone"))
    page.click("Start like this…")
    page.one("dialog input").send_keys("undone")
    page.press_on("dialog .primary")
    page.says("Execution Already Exists", "dialog [role=alert]")


def test_an_execution_is_stopped(page: Page, saga: Saga, asking: str) -> None:
    arn = started(saga, asking)
    page.open("execution", arn)
    wait_for(lambda: page.outcomes().get("Ask") == "waiting")
    page.says("so far", ".facts")
    page.click("Stop…")
    page.click("Stop", "dialog")
    wait_for(lambda: page.outcomes().get("Ask") == "aborted")
    wait_for(lambda: "so far" not in page.text(".facts"))
    assert state_of(saga, arn)["status"] == "ABORTED"


def test_a_failed_execution_is_redriven(page: Page, saga: Saga) -> None:
    missing = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
    missing["Parameters"] = {"QueueUrl": f"{saga.server.url}/123456789012/later", "MessageBody": "x"}
    arn = started(saga, machine(saga, "late", {"StartAt": "Send", "States": {"Send": missing}}))
    page.open("execution", arn)
    wait_for(lambda: page.outcomes().get("Send") == "failed")
    saga.server.client("sqs").create_queue(QueueName="later")
    page.click("Redrive…")
    page.click("Redrive", "dialog")
    wait_for(lambda: page.outcomes().get("Send") == "done")
    page.says("2 attempts", "svg")
    page.says("redriven 1×", ".facts")


def test_a_waiting_task_is_answered_and_its_token_is_masked_until_asked_for(
    page: Page, saga: Saga, asking: str
) -> None:
    arn = started(saga, asking)
    page.open("execution", arn)
    page.says("•••", ".token")
    page.click("called with", ".chain")
    page.says("Token", ".panel-body .json")
    page.says("•••", ".panel-body .json")
    assert "AQ" not in page.text(".panel-body .json")
    page.open("execution", arn, view="events", event=3)
    page.says("•••", ".event-detail")
    assert "AQ" not in page.text(".event-detail")
    page.open("execution", arn)
    page.click("Show the token")
    wait_for(lambda: page.text(".token").startswith("AQ"))
    page.click("It succeeded…")
    field = page.one("dialog textarea")
    field.clear()
    field.send_keys('{"said": ')
    page.says("JSON", "dialog .hint")
    assert not page.one("dialog .primary").is_enabled()
    field.send_keys('"yes"}')
    page.click("Send success", "dialog")
    wait_for(lambda: page.outcomes().get("Glad") == "done")
    assert json.loads(state_of(saga, arn)["output"]) == {"said": "yes"}


def test_a_waiting_task_is_made_to_fail(page: Page, saga: Saga, asking: str) -> None:
    arn = started(saga, asking)
    page.open("execution", arn)
    page.click("It failed…")
    page.click("Send failure", "dialog")
    wait_for(lambda: page.outcomes().get("Sorry") == "failed")
    assert page.outcomes()["Ask"] == "caught"
    page.press_on('[data-state="Ask"]')
    page.says("Declined", ".reason")


def test_a_history_is_opened_from_a_file(page: Page, saga: Saga, tmp_path: Path) -> None:
    """As ``aws stepfunctions get-execution-history`` prints it, and its definition beside it."""
    pages = saga.states.get_paginator("get_execution_history").paginate(executionArn=saga.arn("undone"))
    history, definition = tmp_path / "production.json", tmp_path / "definition.json"
    history.write_text(json.dumps({"events": [e for p in pages for e in p["events"]]}, default=str))
    told = saga.states.describe_state_machine_for_execution(executionArn=saga.arn("undone"))
    definition.write_text(told["definition"])
    page.open()
    page.click("Open a history…")
    page.one("dialog")
    first, second = page.all("dialog input[type=file]")
    first.send_keys(str(history))
    second.send_keys(str(definition))
    page.click("Open", "dialog")
    wait_for(lambda: page.outcomes().get("Revert Inventory") == "compensated")
    taken = page.browser.execute_script("return document.querySelectorAll('.edge.taken').length")
    assert taken == 9
    page.says("from production.json", ".facts")
    assert page.texts(".view > .head button:not(.quiet)") == ["Write a test…"]  # it has ended
    assert not page.all("#start-again")


def test_a_history_without_definition_or_times_is_shown_as_far_as_it_goes(
    page: Page, saga: Saga, tmp_path: Path
) -> None:
    history = tmp_path / "alone.json"
    told = saga.states.get_execution_history(executionArn=saga.arn("undone"))["events"]
    history.write_text(json.dumps({"events": [{**event, "timestamp": "a timestamp"} for event in told]}))
    page.open()
    page.click("Open a history…")
    page.one("dialog")
    page.all("dialog input[type=file]")[0].send_keys(str(history))
    page.click("Open", "dialog")
    page.says("came without its definition")
    page.click("Table")
    page.says("Revert Inventory", ".stage .long")
    assert not [text for text in (page.text(".facts"), page.text(".side .facts")) if " s" in text]
    assert "from" not in page.text(".side .facts")
    page.click("Timeline")
    page.says("This history tells no times", ".stage")


def test_a_file_without_a_history_is_refused_in_the_dialog(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text('{"Records": []}')
    page.open()
    page.click("Open a history…")
    page.one("dialog")
    page.all("dialog input[type=file]")[0].send_keys(str(file))
    page.click("Open", "dialog")
    page.says("other.json: not an execution's history", "dialog [role=alert]")


def test_a_download_opens_again(page: Page, saga: Saga) -> None:
    page.open("execution", saga.arn("undone"))
    link = page.one("a[download]")
    assert link.get_attribute("download") == "undone.history.json"
    script = "const done = arguments[1]; fetch(arguments[0]).then(r => r.json()).then(done)"
    told = page.browser.execute_async_script(script, link.get_attribute("href"))
    assert (len(told["events"]) > 20, told["execution"]["name"]) == (True, "undone")
    assert "Revert Inventory" in told["definition"]
