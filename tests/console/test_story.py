"""The seed's story, in a browser: an order fails, the tables are looked at while it waits, it is undone."""

from collections.abc import Iterator

from tests.console.conftest import Saga
from tests.console.page import Page, wait_for

COMPENSATIONS = {"Wait state", "Revert Inventory", "Is inventory reverted", "Remove Order", "Is order removed"}


def test_an_order_that_fails_is_seen_waiting_and_being_undone(page: Page, saga: Saga) -> None:
    arn = saga.start("story", time="real", FailAtStage="UpdateInventory", FailMode="status")
    page.open("execution", arn)
    wait_for(lambda: page.outcomes().get("Wait state") == "waiting")
    page.says("running", ".facts")

    page.click("Tables")
    page.says("while Wait state is on")
    wait_for(lambda: _fell_by_one(page.text("tr.changed td.differs")))
    page.says("PENDING", "tr.added")
    page.says("Update Inventory", "tr.changed")

    page.click("Graph")
    page.click("Skip the wait")
    wait_for(lambda: page.outcomes().get("Fail") == "failed")
    outcomes = page.outcomes()
    assert {state for state, outcome in outcomes.items() if outcome == "compensated"} == COMPENSATIONS
    assert outcomes["Place Order"] == "done"
    assert outcomes["Make Payment"] == "none"
    green, orange = page.colour("Place Order"), page.colour("Revert Inventory")
    assert _is_green(green), green
    assert _is_orange(orange), orange

    page.press_on('[data-state="Update Inventory"]')
    page.says("Update Inventory", ".side h2")
    page.says('"Status": "ERROR"', ".panel-body")
    page.says("UpdateInventory was asked to fail", ".member.added")


def _fell_by_one(text: str) -> bool:
    was, now = map(int, text.split())
    return now == was - 1


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3])


def _is_green(colour: str) -> bool:
    red, green, blue = _rgb(colour)
    return green > red and green > blue


def _is_orange(colour: str) -> bool:
    red, green, blue = _rgb(colour)
    return red > green > blue


def test_the_tables_are_seen_at_every_moment(page: Page, saga: Saga) -> None:
    page.open("execution", saga.arn("undone"), view="tables", event=1)
    stock = dict(_moments(page))
    first = int(stock["before the first step"])
    assert stock["after Place Order"] == str(first)
    assert stock["after Update Inventory"] == stock["at Wait state"] == str(first - 1)
    assert stock["after Revert Inventory"] == stock["at the end"] == str(first)


def _in_stock(page: Page) -> str:
    (row,) = [row for row in page.all(".tables-body tr") if "Shampoo" in row.text]
    return row.find_elements("css selector", "td")[3].text.split()[-1]


def _moments(page: Page) -> Iterator[tuple[str, str]]:
    """The slider's moments, and what is in stock of the item at each; walked by the button."""
    while True:
        moment, _, event = page.text(".moment", "event").partition(" · event ")
        page.one(f'.tables-body[data-event="{event}"] table')
        yield moment, wait_for(lambda: _in_stock(page))
        if not page.one("button", "After ›").is_enabled():
            return
        page.press_on("button", "After ›")
        wait_for(lambda seen=moment: not page.text(".moment", "event").startswith(f"{seen} ·"))
