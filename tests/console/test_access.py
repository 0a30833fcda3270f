"""For everybody: by keyboard alone, in the dark, narrow and wide, with names and roles, without colour."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.console.conftest import Saga
from tests.console.page import DOWN, END, ENTER, ESCAPE, RIGHT, TAB, UP, Page, wait_for
from tests.processes import ROOT, Process, free_port

AXE = ROOT / "tests" / "clients" / "node" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ("graph", "timeline", "table", "events", "tables")


def dark(page: Page, *, on: bool = True) -> None:
    page.browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]},
    )


def _settled(page: Page, view: str) -> None:
    there = {"graph": "svg .node", "tables": ".tables-body table"}.get(view, ".long .row")
    page.one(f".stage.{view} {there}")
    page.one(".side h2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_kept_checker_finds_no_fault(page: Page, saga: Saga, scheme: str) -> None:
    """axe-core: names and roles of all controls, contrast, landmarks."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --prefix tests/clients/node")
    dark(page, on=scheme == "dark")
    only = "" if scheme == "light" else "color-contrast"  # names and roles are the same in the dark
    try:
        faults = {}
        page.open("execution", saga.arn("undone"), visit=2, event=17)
        for view in VIEWS if scheme == "light" else ("graph", "tables"):
            page.click(view.capitalize(), ".tabs")
            _settled(page, view)
            faults[view] = _faults(page, only)
        for what, arn in (("executions", ""), ("machine", saga.machine)):
            page.open(what, arn)
            page.one("svg .node" if arn else ".list .row.row")
            faults[what] = _faults(page, only)
        page.open("executions", machine=saga.machine)
        page.click("Start…")
        page.one("dialog textarea")
        faults["dialog"] = _faults(page, only)
        for button, within in (("Try it…", "try"), ("Start again from here…", "again")) if scheme == "light" else ():
            page.open("execution", saga.arn("undone"), view="table", visit=2)
            page.click(button)
            page.one("dialog textarea")
            faults[within] = _faults(page, only)
        assert not {what: found for what, found in faults.items() if found}
    finally:
        dark(page, on=False)


def _faults(page: Page, only: str = "") -> list[str]:
    """The page forbids inline scripts, so the checker is put in by the browser's own door. All its rules hold but
    those of level AAA, also those that are only recommended or tried out. One of the latter is left out: it wants what
    can be scrolled by keyboard to be a landmark, and every box of data would be one.
    """
    page.browser.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text() + "; 0"})
    script = """const done = arguments[1];
        const kept = axe.getRules().filter(r =>
            !r.tags.includes('wcag2aaa') && r.ruleId !== 'focus-order-semantics');
        const rules = Object.fromEntries(kept.map(r => [r.ruleId, {enabled: true}]));
        const told = arguments[0] ? {runOnly: [arguments[0]]} : {rules};
        axe.run({...told, resultTypes: ['violations']}).then(r => done(r.violations.flatMap(v =>
            v.nodes.map(n => `${v.id}: ${n.html.slice(0, 160)} ${n.any.map(a => a.message).join(' ')}`))))"""
    return list(page.browser.execute_async_script(script, only))


def test_everything_is_reached_by_keyboard_alone(page: Page, saga: Saga) -> None:
    page.open("executions", machine=saga.machine)
    page.one(".list a.row", "undone")
    _walk_to(page, lambda: "row" in (_active(page, "className") or ""))
    page.press(END)
    wait_for(lambda: "undone" in _active(page, "textContent") or page.press(UP))
    page.press(ENTER)
    wait_for(lambda: page.outcomes().get("Fail") == "failed")
    _walk_to(page, lambda: _active(page, "ariaLabel") == "Graph of the states")
    page.press(DOWN, DOWN, DOWN, ENTER)
    page.says("Update Inventory", ".side h2")
    _walk_to(page, lambda: _active(page, "id") == "about-data")
    page.press(RIGHT)
    page.says("Attempt 1", ".panel-body")
    _walk_to(page, lambda: _active(page, "id") == "tab-graph", limit=60)
    page.press(RIGHT)
    page.one(".stage.timeline .row")
    wait_for(lambda: page.address.endswith("view=timeline") or "view=timeline&" in page.address)
    _walk_to(page, lambda: _active(page, "textContent") == "Start like this…", limit=80)
    page.press(ENTER)
    page.one("dialog textarea")
    page.press(ESCAPE)
    wait_for(lambda: not page.all("dialog"))


def _active(page: Page, what: str) -> Any:
    return page.browser.execute_script(f"return document.activeElement.{what} ?? ''")


def _walk_to(page: Page, there: Any, limit: int = 40) -> None:
    for _ in range(limit):
        if there():
            return
        page.press(TAB)
    raise AssertionError(f"not reached in {limit} steps: at {_active(page, 'outerHTML')[:200]}")


_UNSEEN_BY = """const body = document.querySelector('.tables-body');
    return [body, ...document.querySelectorAll('.tables-body th:last-child')].filter(e =>
        e === body ? e.scrollWidth > e.clientWidth : e.getBoundingClientRect().right > arguments[0])
        .map(e => e.outerHTML)"""


@pytest.mark.parametrize("width", [400, 1600])
def test_every_view_fits_its_window(page: Page, saga: Saga, width: int) -> None:
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        page.open("execution", saga.arn("undone"))
        for view in VIEWS:
            page.click(view.capitalize(), ".tabs")
            _settled(page, view)
            wait_for(lambda: _wide(page) <= width and _tall(page) <= 900)
            wait_for(lambda: _side_is_below(page) == (width == 400))
        wait_for(lambda: page.browser.execute_script(_UNSEEN_BY, width) == [])  # seen without scrolling
        page.open("executions", machine=saga.machine)
        page.one(".list a.row")
        page.one(".grid tbody tr")
        wait_for(lambda: _wide(page) <= width)
        wait_for(lambda: _list_is_beside_the_grid(page) == (width == 1600))
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _wide(page: Page) -> int:
    return int(page.browser.execute_script("return document.documentElement.scrollWidth"))


def _tall(page: Page) -> int:
    return int(page.browser.execute_script("return document.documentElement.scrollHeight"))


def _side_is_below(page: Page) -> bool:
    return bool(page.one(".side").rect["y"] > page.one(".stage").rect["y"])


def _list_is_beside_the_grid(page: Page) -> bool:
    grid, rows = page.one(".grid").rect, page.one(".list").rect
    return bool(rows["x"] > grid["x"] + 100 and rows["y"] < grid["y"] + 40)


def test_dark_and_light_follow_the_system_and_a_switch(page: Page, saga: Saga) -> None:
    def ground() -> int:
        colour = page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3])

    page.open()
    page.one("h1")
    light = ground()
    dark(page)
    wait_for(lambda: ground() < light / 3)
    page.click("Colours: as the system")
    wait_for(lambda: ground() == light)
    page.click("Colours: light")
    dark(page, on=False)
    wait_for(lambda: ground() < light / 3)
    page.click("Colours: dark")
    wait_for(lambda: ground() == light)


def test_every_outcome_has_a_sign_besides_its_colour(page: Page, saga: Saga) -> None:
    page.open("execution", saga.arn("undone"))
    wait_for(lambda: page.outcomes().get("Fail") == "failed")
    script = (
        "return [...document.querySelectorAll('svg .node')].map(n => [n.dataset.outcome, n.children[2].textContent])"
    )
    signs = dict(page.browser.execute_script(script))
    assert len(set(signs.values())) == len(signs)
    names = [str(node.get_attribute("aria-label")) for node in page.all("svg .node")]
    assert any(name.startswith("↩ Revert Inventory Task") and name.endswith(", compensated") for name in names)


def test_a_page_left_open_goes_on_when_the_server_comes_back(page: Page, tmp_path: Path) -> None:
    place = ("--port", str(free_port()), "--state-dir", str(tmp_path / "state"))
    server = Process(*place)
    states = server.client("stepfunctions")
    definition = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    role = "arn:aws:iam::123456789012:role/r"
    machine = states.create_state_machine(name="rest", definition=json.dumps(definition), roleArn=role)
    arn = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    page.url = server.url
    page.open("execution", arn)
    wait_for(lambda: page.outcomes().get("Rest") == "waiting")
    server.kill()
    page.says("The server does not answer", "#link")
    again = Process(*place)
    try:
        wait_for(lambda: not page.text("#link"))
        page.click("Stop…")
        page.click("Stop", "dialog")
        wait_for(lambda: page.outcomes().get("Rest") == "aborted")
        page.click("Tables")
        page.says("made before the server was started", ".tables-body")
    finally:
        again.stop()
        page.browser.get_log("browser")


def test_a_link_names_what_is_seen(page: Page, saga: Saga) -> None:
    page.open("execution", saga.arn("undone"))
    page.press_on('[data-state="Place Order"]')
    page.says("Place Order", ".side h2")
    page.press_on("#about-rows", "Rows")
    page.says("+ Orders", ".panel-body")
    page.click("Events", ".tabs:not(.small)")
    page.one(".stage .long .row .name")
    link = page.browser.current_url
    page.load(link)
    page.one(".stage.events .row .name")
    page.says("Place Order", ".side h2")
    page.says("+ Orders", ".panel-body")
