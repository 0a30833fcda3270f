"""Long things are drawn only where they are visible, and fetched only where they are drawn.

How fast that is, ``benchmarks/console.py`` tells.
"""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from benchmarks.console import states
from tests.console.conftest import Saga
from tests.console.page import Page, wait_for
from tests.console.test_actions import ROLE, machine, started
from tests.processes import Process, running

TURNS = 600
ITEMS = 400
ROW = 38
"""Pixels of an execution's row."""
DRAWN = 90
"""Rows a window of 900 pixels may hold, with those kept ready above and below."""
TURN: dict[str, Any] = {
    "StartAt": "Add",
    "States": {
        "Add": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough"},
        "Enough": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericLessThan": TURNS, "Next": "Add"}],
            "Default": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemsPath": "$$.Execution.Input.items",
            "ItemProcessor": {"StartAt": "Pack", "States": {"Pack": {"Type": "Pass", "End": True}}},
            "End": True,
        },
    },
}


@pytest.fixture(scope="module")
def long(saga: Saga) -> str:
    """An execution of many turns and a Map of many items."""
    arn = started(saga, machine(saga, "long", TURN), {"n": 0, "items": list(range(ITEMS))})
    saga.finished(arn)
    return arn


def scrolled(page: Page, to: float) -> None:
    script = "const b = document.querySelector('.long'); b.scrollTop = (b.scrollHeight - b.clientHeight) * arguments[0]"
    page.browser.execute_script(script, to)


@pytest.mark.parametrize(
    ("view", "middle", "end"), [("table", "Enough", "Pack"), ("timeline", "Add", "Pack"), ("events", "", "Succeeded")]
)
def test_a_long_history_is_drawn_as_far_as_it_is_seen(page: Page, long: str, view: str, middle: str, end: str) -> None:
    page.open("execution", long, view=view)
    page.one(".long button.row")
    for to, seen in ((0.4, middle), (1, end)):
        scrolled(page, to)
        wait_for(lambda seen=seen: any(seen in row for row in page.texts(".long button.row")[-25:]))
        wait_for(lambda: 10 < len(page.all(".long .row")) < DRAWN)
    whole = page.browser.execute_script("return document.querySelector('.long-inside').offsetHeight")
    assert whole > 25 * (TURNS + ITEMS)


def test_an_event_far_down_is_shown_whole(page: Page, saga: Saga, long: str) -> None:
    count = saga.states.get_execution_history(executionArn=long, reverseOrder=True, maxResults=1)["events"][0]["id"]
    page.open("execution", long, view="events")
    page.one(".long button.row")
    scrolled(page, 1)
    page.press_on(".long button.row", f"{count}")
    page.says(f"{count} ExecutionSucceeded", ".event-detail")
    page.says(f"[ {ITEMS} ]", ".event-detail")


def test_one_item_of_a_long_map_is_picked(page: Page, long: str) -> None:
    page.open("execution", long)
    page.says(f"of {ITEMS}", ".picker")
    box = page.one(".picker input")
    box.send_keys("123\n")
    page.press_on('[data-state="Pack"]')
    page.says("item 123 of Each", ".side")
    page.click("Next item", ".picker")
    page.press_on('[data-state="Pack"]')
    page.says("item 124 of Each", ".side")


def test_a_list_of_executions_goes_on_as_it_is_scrolled(page: Page, saga: Saga) -> None:
    echo = machine(saga, "many", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    names = [started(saga, echo, n).rpartition(":")[2] for n in range(130)]
    page.open("executions", machine=echo)
    page.one(".list a.row", names[-1])

    def all_there() -> bool:
        scrolled(page, 1)
        return height(page) == 130 * ROW

    wait_for(all_there)
    page.one(".list a.row", names[0])
    wait_for(lambda: len(page.all(".list a.row")) < DRAWN)
    started(saga, echo, "one more")
    wait_for(lambda: height(page) == 131 * ROW)
    page.one(".list a.row", names[0])


def height(page: Page) -> int:
    return int(page.browser.execute_script("return document.querySelector('.long-inside').offsetHeight"))


def test_further_executions_are_asked_for_again_when_a_refresh_overtook_them(page: Page, saga: Saga) -> None:
    echo = machine(saga, "overtaken", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    names = [started(saga, echo, n).rpartition(":")[2] for n in range(170)]
    page.open("executions", machine=echo)
    page.one(".list a.row", names[-1])
    wait_for(lambda: height(page) == 150 * ROW)
    hold = """
        const real = window.fetch;
        window.fetch = async (url, sent) => {
            const reply = await real(url, sent);
            if (!url.includes('api/executions')) return reply;
            if (window.release) setTimeout(window.release, 300);
            else if (url.includes('before=')) await new Promise((done) => { window.release = done; });
            return reply;
        };
    """
    page.browser.execute_script(hold)
    scrolled(page, 1)
    wait_for(lambda: page.browser.execute_script("return Boolean(window.release)"))
    started(saga, echo, "one more")
    wait_for(lambda: height(page) == 171 * ROW)


def test_ways_across_a_large_graph_run_beside_it(page: Page, saga: Saga) -> None:
    page.open("machine", machine(saga, "large", states(120)))
    page.one("svg .node")
    ends = """
        const nodes = [...document.querySelectorAll('.node')];
        const box = n => n.querySelector('.body').getBoundingClientRect();
        const at = new Map(nodes.map(n => [n.dataset.state, box(n)]));
        const near = (p, r) => p.x > r.left - 4 && p.x < r.right + 4 && p.y > r.top - 4 && p.y < r.bottom + 4;
        return [...document.querySelectorAll('.edge')].map(e => {
            const title = e.querySelector('title').textContent, path = e.querySelector('path');
            const place = length => path.getPointAtLength(length).matrixTransform(path.getScreenCTM());
            const [from, to] = title.split(':')[0].split(' → ').map(name => at.get(name));
            return [title, near(place(0), from) && near(place(path.getTotalLength()), to)];
        })"""
    found = dict(page.browser.execute_script(ends))
    assert len(page.all(".node")) == 120
    assert len(found) > 130
    assert not [way for way, joined in found.items() if not joined]
    assert sum("caught" in way for way in found) == 6


# -- what is long does not hold up others, nor stay in memory

CARRIED = 200_000
STEPS = 250


@pytest.fixture(scope="module")
def alone() -> Iterator[Process]:
    with running("--in-memory", "--time", "skip") as server:
        yield server


def chain(length: int, **each: Any) -> dict[str, Any]:
    states: dict[str, Any] = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}", **each} for n in range(length)}
    return {"StartAt": "S0", "States": {**states, f"S{length}": {"Type": "Succeed"}}}


def shown(server: Process, view: str, **parameters: str) -> bytes:
    url = f"{server.url}/_sfn/api/{view}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url) as answer:
        read: bytes = answer.read()
    return read


def megabytes(server: Process) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.parametrize("view", ["definition", "execution"])
def test_others_are_answered_while_a_long_definition_is_read(alone: Process, view: str) -> None:
    states = alone.client("stepfunctions")
    long = chain(900, QueryLanguage="JSONata", Output="{% $map([1..3], function($n) { $n + 1 }) %}")
    long = {"StartAt": "Hold", "States": {"Hold": {"Type": "Wait", "Seconds": 900, "Next": "S0"}, **long["States"]}}
    made = states.create_state_machine(name=f"read-{view}", definition=json.dumps(long), roleArn=ROLE)
    machine_arn = made["stateMachineArn"]
    named = {"machine": machine_arn}
    if view == "execution":
        paced = json.dumps({"execution": "held", "time": "real"}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{alone.url}/pace", paced, method="POST")).close()
        named = {"arn": states.start_execution(stateMachineArn=machine_arn, name="held")["executionArn"]}
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(shown, alone, view, **named)
        answered = list(takewhile(lambda _: not reading.done(), iter(lambda: shown(alone, "machines"), None)))
    assert b"S900" in reading.result()
    assert len(answered) > 3


@pytest.fixture(scope="module")
def carried(alone: Process) -> str:
    """An execution whose history tells one text some five hundred times."""
    states = alone.client("stepfunctions")
    made = states.create_state_machine(name="hands-on", definition=json.dumps(chain(STEPS)), roleArn=ROLE)
    given = json.dumps({"text": "x" * CARRIED})
    arn = str(states.start_execution(stateMachineArn=made["stateMachineArn"], input=given)["executionArn"])
    wait_for(lambda: states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED")
    return arn


def test_a_long_download_is_written_as_it_is_read(alone: Process, carried: str) -> None:
    """Its client reads a little and then waits: others are answered, and what it has not read stands nowhere."""
    before = megabytes(alone)
    with urllib.request.urlopen(f"{alone.url}/_sfn/api/download?arn={carried}") as answer:
        beginning = answer.read(1_000)
        assert b"hands-on" in shown(alone, "machines")
        assert megabytes(alone) - before < STEPS * CARRIED // 1024**2, "half of it"
        size, entered, ending = len(beginning), 0, b""
        while part := answer.read(1 << 20):
            size, ending = size + len(part), (ending[-100:] + part)
            entered += part.count(b'"type":"PassStateEntered"')
    assert (entered, ending[-3:]) == (STEPS, b"}]}")
    assert size > 2 * STEPS * CARRIED


def test_a_text_that_many_states_hand_on_is_held_once(alone: Process, carried: str) -> None:
    before = megabytes(alone)
    assert b"S250" in shown(alone, "execution", arn=carried)
    assert megabytes(alone) - before < STEPS * CARRIED // 1024**2, "and each state has two"
