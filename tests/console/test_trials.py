"""States tried, started again, and runs written as tests: from the page, as a person does it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.console.conftest import Saga
from tests.console.page import Page, wait_for
from tests.console.test_actions import machine, started, state_of

DOUBLES: dict[str, Any] = {
    "StartAt": "Note",
    "States": {
        "Note": {"Type": "Pass", "Assign": {"by": "me"}, "Next": "Sum"},
        "Sum": {"Type": "Pass", "Parameters": {"n.$": "$.n", "by.$": "$by"}, "ResultPath": "$.sum", "Next": "Big"},
        "Big": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 9, "Next": "Too big"}],
            "Default": "Fine",
        },
        "Fine": {"Type": "Succeed"},
        "Too big": {"Type": "Fail", "Error": "TooBig"},
    },
}


@pytest.fixture(scope="module")
def doubles(saga: Saga) -> str:
    return machine(saga, "doubles", DOUBLES)


def filled(page: Page, label: str, value: Any) -> None:
    """Writes JSON into the dialog's field of that label."""
    field = page.one("dialog label.wide", label).find_element("css selector", "textarea")
    field.clear()
    field.send_keys(json.dumps(value))


def test_a_run_goes_on_from_a_state_with_other_data(page: Page, saga: Saga, doubles: str) -> None:
    arn = started(saga, doubles, {"n": 10})
    page.open("execution", arn)
    wait_for(lambda: page.outcomes().get("Too big") == "failed")
    page.press_on('[data-state="Sum"]')
    page.says("Sum", ".side h2")
    page.click("Start again from here…")
    page.one("dialog textarea")
    filled(page, "Data Sum is given", {"n": 3})
    filled(page, "Variables", {"by": "you"})
    page.all("dialog input")[-1].send_keys("repaired")
    page.click("Start", "dialog")
    wait_for(lambda: page.outcomes().get("Fine") == "done")
    assert page.outcomes()["Note"] == "none"
    page.says("begun at Sum", ".facts")
    assert json.loads(state_of(saga, page.arn)["output"]) == {"n": 3, "sum": {"n": 3, "by": "you"}}
    page.press_on('[data-state="Sum"]')
    page.press_on("#about-variables", "Variables")
    page.says('"by": "you"', ".panel-body")
    page.press_on(".facts a", arn.rpartition(":")[2])
    page.says("started again: repaired at Sum", ".facts")


def test_a_state_inside_a_region_starts_its_owner_again(page: Page, saga: Saga) -> None:
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
    each = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": inner, "End": True}}}
    page.open("execution", started(saga, machine(saga, "each", each), [1, 2]))
    page.press_on('[data-state="In"]')
    page.click("Start again from Each…")
    field = page.one("dialog textarea")
    assert json.loads(str(field.get_attribute("value"))) == [1, 2]
    filled(page, "Data Each is given", [1, 2, 3])
    page.click("Start", "dialog")
    page.says("of 3", ".picker")


def test_a_state_is_tried_from_an_execution_and_from_the_definition(page: Page, saga: Saga, doubles: str) -> None:
    page.open("execution", started(saga, doubles, {"n": 1}), visit=1)
    page.click("Try it…")
    page.one("dialog textarea")
    page.click("Try it", "dialog")
    page.says("succeeded", ".trial")
    page.says("next: Big", ".trial")
    page.says('"by": "me"', ".trial")
    page.click("Stage by stage (5)")
    page.says("after Parameters", ".trial")
    page.open("machine", doubles, state="Big")
    page.click("Try Big…")
    page.one("dialog textarea")
    for n, then in ((10, "Too big"), (1, "Fine")):
        filled(page, "Input", {"n": n})
        page.click("Try it", "dialog")
        page.says(f"next: {then}", ".trial")
    filled(page, "Input", {})
    page.click("Try it", "dialog")
    page.says("States.Runtime", ".trial .reason")


def test_a_task_is_tried_with_an_answer_or_an_error_instead(page: Page, saga: Saga) -> None:
    page.open("machine", saga.machine, state="Update Inventory")
    page.click("Try Update Inventory…")
    how = page.one("dialog select")
    how.send_keys("not called: a result instead")
    filled(page, "Its result", {"Status": "INVENTORY_UPDATED"})
    page.click("Try it", "dialog")
    page.says("next: Is inventory updated", ".trial")
    page.says("INVENTORY_UPDATED", ".trial .added")
    how.send_keys("not called: an error instead")
    page.says("What the last try gave", ".trial")
    page.one("dialog .two input").send_keys("Refused")
    page.click("Try it", "dialog")
    page.says("caught error", ".trial")
    page.says("Refused", ".trial .reason")
    page.says("next: Wait state", ".trial")
    page.open("execution", saga.arn("undone"), visit=2)
    page.click("Try it…")
    page.one("dialog select").send_keys("not called: a result instead")
    page.click("Try it", "dialog")
    page.click("Stage by stage (6)")
    page.says('"OrderId": "undone"', ".trial .stages")  # the context is the execution's own


def test_a_run_is_written_as_a_test_that_passes(page: Page, saga: Saga, state_machine: Callable[..., Any]) -> None:
    page.open("execution", saga.arn("undone"))
    page.click("Write a test…")
    text = str(page.one("dialog .written").get_attribute("textContent"))
    link = page.one("dialog a[download]")
    assert link.get_attribute("download") == "test_undone.py"
    assert str(link.get_attribute("href")).startswith("blob:")
    made: dict[str, Any] = {}
    exec(text, made)
    made["test_undone_happens_again"](state_machine)
    assert made["ANSWERS"]["Update Inventory"][0]["return"]["Status"] == "ERROR"
    made["ANSWERS"]["Update Inventory"][0]["return"]["Status"] = "INVENTORY_UPDATED"
    with pytest.raises(BaseException, match="Make Payment"):
        made["test_undone_happens_again"](state_machine)


def test_a_run_that_cannot_be_written_as_a_test_says_so(page: Page, saga: Saga) -> None:
    rest = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    saga.paced("stopped")
    arn = saga.states.start_execution(stateMachineArn=machine(saga, "rests", rest), name="stopped")["executionArn"]
    saga.states.stop_execution(executionArn=arn)
    page.open("execution", arn)
    page.click("Write a test…")
    page.says("was stopped from outside", ".trouble-line")


def test_express_executions_are_seen_while_they_are_kept(page: Page, saga: Saga) -> None:
    definition = {**DOUBLES}
    made = saga.states.create_state_machine(
        name="quick", type="EXPRESS", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/r"
    )["stateMachineArn"]
    page.open("executions", machine=made)
    page.says("The last 200", ".foot")
    page.click("Start…")
    field = page.one("dialog textarea")
    field.clear()
    field.send_keys('{"n": 12}')
    page.click("Start", "dialog")
    wait_for(lambda: page.outcomes().get("Too big") == "failed")
    assert ":express:quick:" in page.arn
    wait_for(lambda: "Redrive…" not in page.texts(".view > .head button"))
    page.open("executions", machine=made)
    page.says("TooBig", ".list .error")
    page.open("executions", q='"n": 12')
    page.says("quick", ".list .row")
    page.press_on(".list a.row", "quick")
    wait_for(lambda: page.outcomes().get("Too big") == "failed")
    page.open("execution", page.arn[:-4] + "none")
    page.says("is no longer kept: only the last 200 are")
