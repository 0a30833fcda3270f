"""A machine as it is defined, and how data is shown: folded, copied, marked where it differs."""

import json
from typing import Any

from tests.console.conftest import Saga
from tests.console.page import Page, wait_for
from tests.console.test_actions import ROLE, machine, started

FIRST: dict[str, Any] = {
    "StartAt": "One",
    "States": {
        "One": {"Type": "Pass", "Parameters": {"text": "$.name"}, "Next": "Two"},
        "Two": {"Type": "Pass", "Next": "Old"},
        "Old": {"Type": "Succeed"},
    },
}
SECOND: dict[str, Any] = {
    "StartAt": "One",
    "States": {
        "One": FIRST["States"]["One"],
        "Two": {"Type": "Pass", "Result": 2, "Next": "New"},
        "New": {"Type": "Succeed"},
    },
}


def marks(page: Page) -> dict[str, str]:
    script = "return [...document.querySelectorAll('svg .node')].map(n => [n.dataset.state, n.dataset.mark])"
    return dict(page.browser.execute_script(script))


def test_a_machine_that_never_ran_is_drawn_with_its_problems_at_their_lines(page: Page, saga: Saga) -> None:
    arn = machine(saga, "never-ran", FIRST)
    page.open("machine", arn)
    wait_for(lambda: set(page.outcomes()) == {"One", "Two", "Old"})
    problem = page.one(".problems button", "warning")
    lines = json.dumps(FIRST, indent=2).split("\n")
    line = next(number for number, text in enumerate(lines, 1) if '"text": "$.name"' in text)
    assert f"line {line}:" in problem.text
    problem.click()
    wait_for(lambda: page.texts(".code .chosen") == ['"text": "$.name"'])
    page.press_on('[data-state="Two"]')
    page.says('"Two": {', ".code .chosen")


def test_problems_of_a_definition_on_one_line_are_told_by_their_place(page: Page, saga: Saga) -> None:
    made = saga.states.create_state_machine(name="one-line", definition=json.dumps(FIRST), roleArn=ROLE)
    page.open("machine", made["stateMachineArn"])
    problem = page.one(".problems button", "/States/One/Parameters/text:")
    problem.click()
    page.says('"One": {', ".code .chosen")


def test_two_revisions_are_compared_as_a_picture(page: Page, saga: Saga) -> None:
    arn = machine(saga, "revised", FIRST)
    saga.states.update_state_machine(stateMachineArn=arn, definition=json.dumps(SECOND, indent=2))
    page.open("machine", arn)
    wait_for(lambda: set(marks(page)) == {"One", "Two", "New"})
    assert set(marks(page).values()) == {""}
    compared = page.one(".head label:nth-of-type(2) select")
    compared.find_elements("css selector", "option")[1].click()
    wait_for(lambda: marks(page) == {"One": "", "Two": "changed", "New": "added"})
    page.says("States: 1 added, 1 removed, 1 changed. Removed: Old.", ".difference")
    wait_for(lambda: "against=" in page.address)
    page.press_on('[data-state="Two"]')
    page.says("What differs in Two", ".differs")
    page.says('"Result": 2', ".differs .member.added")
    page.says('"Next": "New"', ".differs .member.changed")
    page.one(".head label:nth-of-type(1) select").find_elements("css selector", "option")[1].click()
    wait_for(lambda: set(page.outcomes()) == {"One", "Two", "Old"})


def test_data_is_folded_where_it_is_long_and_copied_whole(page: Page, saga: Saga) -> None:
    given = {"short": [1, 2], "long": [{"n": n, "text": "xxxxx"} for n in range(205)]}
    page.open("execution", started(saga, machine(saga, "data", SECOND), given), visit=0)
    page.click("input", ".chain")
    page.says("[ 205 ]", ".panel-body .json summary")
    assert "xxxxx" not in shown(page)
    page.press_on(".panel-body .json summary", '"long": [ 205 ]')
    wait_for(lambda: "199: " in shown(page) and "200: " not in shown(page))
    page.press_on(".panel-body .inside > button", "5 more")
    wait_for(lambda: "204: " in shown(page))
    permission = {"origin": saga.server.url, "permissions": ["clipboardReadWrite"]}
    page.browser.execute_cdp_cmd("Browser.grantPermissions", permission)
    page.press_on(".panel-body .json-box > button", "Copy")
    page.says("Copied", ".panel-body .json-box > button")
    read = "navigator.clipboard.readText().then(arguments[0], e => arguments[0](String(e)))"
    assert json.loads(page.browser.execute_async_script(read)) == given


def shown(page: Page) -> str:
    """What is unfolded of the data."""
    return str(page.browser.execute_script("return document.querySelector('.panel-body .json').innerText"))


def test_text_that_is_json_is_shown_as_such_and_differences_are_marked(page: Page, saga: Saga) -> None:
    turned = {"Type": "Pass", "Parameters": {"kept.$": "$.kept", "changed": 2, "added": '{"inner": true}'}, "End": True}
    arn = started(
        saga, machine(saga, "turned", {"StartAt": "A", "States": {"A": turned}}), {"kept": 1, "changed": 1, "gone": 0}
    )
    page.open("execution", arn, visit=0)
    page.says("text that is JSON:", ".panel-body .member.added")
    page.says('"changed": 2', ".panel-body .member.changed")
    page.says('"gone": …', ".panel-body .member.removed")
    differing = page.texts(".panel-body .member.changed, .panel-body .member.added")
    assert not [one for one in differing if '"kept"' in one]


def test_events_and_visits_are_filtered(page: Page, saga: Saga) -> None:
    page.open("execution", saga.arn("undone"), view="events")
    box = page.one(".stage input[type=search]")
    box.send_keys("inventory_reverted")
    page.says("of 33 events", ".stage .filters")
    wait_for(lambda: 0 < len(page.all(".long button.row")) < 12)
    wait_for(lambda: "q=inventory_reverted" in page.address)
    box.clear()
    box.send_keys("function:UpdateInventoryLambda")
    wait_for(lambda: page.texts(".long .brief") == ["UpdateInventoryLambda"])
    page.click("Table")
    page.one('.stage [aria-label="Filter the visits"]')
    wait_for(lambda: page.one(".stage .filters input").get_attribute("value") == "")
    page.one(".stage .filters input").send_keys("payment")
    wait_for(lambda: page.text(".stage .filters .hint").startswith("0 of "))
    page.one(".stage .filters input").clear()
    page.one(".stage .filters input").send_keys("revert")
    wait_for(
        lambda: (
            {row.split("\n")[1] for row in page.texts(".long button.row")}
            == {"Revert Inventory", "Is inventory reverted"}
        )
    )


def test_a_grid_shows_which_run_has_seen_which_state(page: Page, saga: Saga) -> None:
    page.open("executions", machine=saga.machine)
    page.one(".grid tbody tr")
    cells = [cell.get_attribute("title") for cell in page.all(".grid td[title]")]
    assert "Revert Inventory: compensated in undone" in cells
    assert "Make Payment: done in went-through" in cells
    assert "Revert Inventory: not reached in went-through" in cells


def test_executions_are_found_by_status_time_and_text(page: Page, saga: Saga) -> None:
    page.open("executions", machine=saga.machine, status="SUCCEEDED")
    page.says("went-through", ".list .row")
    wait_for(lambda: not [row for row in page.texts(".list a.row") if "failed" in row])
    wrong = {"source": "Date.now = () => 4e12"}
    script = page.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", wrong)
    page.open("executions", machine=saga.machine, within=3600, q="UpdateInventory was asked")
    page.says("undone", ".list .row")  # by the server's clock, whatever the browser's says
    assert page.browser.execute_script("return Date.now()") == 4e12
    page.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    page.says("found in the newest", ".foot")
    wait_for(lambda: not [row for row in page.texts(".list a.row") if "went-through" in row])
    page.open("executions", machine=saga.machine, q="nothing has this")
    page.says("0 found in the newest", ".foot")


def test_an_older_input_is_the_template_when_it_is_chosen(page: Page, saga: Saga) -> None:
    arn = machine(saga, "templates", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    for n in (1, 2):
        saga.finished(
            saga.states.start_execution(stateMachineArn=arn, name=f"t{n}", input=f'{{"n": {n}}}')["executionArn"]
        )
    page.open("executions", machine=arn)
    page.click("Start…")
    field = page.one("dialog textarea")
    wait_for(lambda: '"n": 2' in str(field.get_attribute("value")))
    page.one("dialog select").find_elements("css selector", "option")[1].click()
    wait_for(lambda: '"n": 1' in str(field.get_attribute("value")))
