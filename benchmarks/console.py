"""The page in a real browser: how long until it is there, what the browser and the server work for it, and scrolling.

Times are the best of some runs, from the address typed to the picture drawn. "cpu" is what the page's own thread worked
(Chromium's threadTicks), which other load on the machine does not change; "server" is the server's own CPU time.
``SFN_BENCH_EXECUTIONS`` is how many executions are stored for the last part (1,000,000 by default; half a minute).
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from benchmarks.resources import ROLE
from benchmarks.table import Figure

MANY: Final = int(os.environ.get("SFN_BENCH_EXECUTIONS", "1000000"))
FEW: Final = 100
"""More than the page shows at first, so that both lists are as long."""
RUNS: Final = 3
_STEPS: Final = 40

_SHOWN: Final = """
const done = arguments[0], selector = arguments[1];
const look = () => performance.getEntriesByName('shown').length && document.querySelector(selector)
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))) : setTimeout(look, 2);
look();
"""
_SCROLLED: Final = """
const done = arguments[0], box = document.querySelector('.long'), took = [];
let left = arguments[1];
const whole = box.scrollHeight - box.clientHeight;
const step = () => {
    const began = performance.now();
    box.scrollTop = whole * (1 - left / arguments[1]);
    requestAnimationFrame(() => requestAnimationFrame(() => {
        took.push(performance.now() - began);
        if (--left < 0) done([...took].sort((a, b) => a - b)); else step();
    }));
};
step();
"""


class Seen(NamedTuple):
    """Milliseconds: until it was there, worked by the page's thread, and by the server (in steps of 10)."""

    shown: float
    cpu: float
    server: float


class Looker:
    """A browser before one server."""

    def __init__(self, browser: Any, server: Any) -> None:
        self.browser, self.server = browser, server
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})

    def see(self, place: str, selector: str) -> tuple[Seen, Seen]:
        """The first look, when the server has read nothing yet, and the best of some."""
        looks = [self.look(place, selector) for _ in range(1 + RUNS)]
        return looks[0], min(looks, key=lambda seen: seen.shown)

    def look(self, place: str, selector: str) -> Seen:
        self.browser.get("about:blank")
        before = self._server_cpu()
        self.browser.get(f"{self.server.url}/_sfn/#/{place}")
        shown = self.browser.execute_async_script(f"arguments = [arguments[1], arguments[0]];{_SHOWN}", selector)
        return Seen(shown, self._cpu(), self._server_cpu() - before)

    def _cpu(self) -> float:
        told = self.browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return next(one["value"] for one in told if one["name"] == "TaskDuration") * 1e3

    def _server_cpu(self) -> float:
        fields = Path(f"/proc/{self.server.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")

    def scroll(self) -> tuple[float, float]:
        """From the top of the list to its end in steps: CPU of a step, and the longest frame, in milliseconds."""
        before = self._cpu()
        took = self.browser.execute_async_script(f"arguments = [arguments[1], arguments[0]];{_SCROLLED}", _STEPS)
        return (self._cpu() - before) / _STEPS, took[-1]


# -- what there is to see


def states(count: int) -> dict[str, Any]:
    """A definition of so many states: steps with Catchers, Choices that go back, and Maps every now and then."""
    made: dict[str, Any] = {"Done": {"Type": "Succeed"}}
    maps = round((count - 1) / 21)
    for n in range(count - 1 - maps):
        following = f"Step {n + 1}" if n < count - 2 - maps else "Done"
        if n % 20 == 10:
            first = f"Each {n}"
            inner = {"StartAt": first, "States": {first: {"Type": "Pass", "End": True}}}
            made[f"Step {n}"] = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner, "ResultPath": None}
            made[f"Step {n}"]["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]
        elif n % 5 == 4:
            rule = {"Variable": "$.n", "NumericLessThan": 0, "Next": f"Step {n - 3}"}
            made[f"Step {n}"] = {"Type": "Choice", "Choices": [rule], "Default": following}
        else:
            made[f"Step {n}"] = {"Type": "Pass"}
        if made[f"Step {n}"]["Type"] != "Choice":
            made[f"Step {n}"]["Next"] = following
    return {"StartAt": "Step 0", "States": made}


LOOP: Final = {
    "StartAt": "Add",
    "States": {
        "Add": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)", "text.$": "$.text"}, "Next": "Enough"},
        "Enough": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericLessThan": 6_240, "Next": "Add"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}
ITEM: Final = {"StartAt": "Pack", "States": {"Pack": {"Type": "Pass", "End": True}}}
EACH: Final = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": ITEM, "End": True}}}
APART: Final = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemProcessor": {**ITEM, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
            "End": True,
        }
    },
}


class Subject:
    """What is run on a server, so that it can be seen."""

    def __init__(self, server: Any) -> None:
        self.states = server.client("stepfunctions", read_timeout=300, inject_host_prefix=False)

    def machine(self, name: str, definition: Any, kind: str = "STANDARD") -> str:
        text = json.dumps(definition)
        made = self.states.create_state_machine(name=name, definition=text, roleArn=ROLE, type=kind)
        return str(made["stateMachineArn"])

    def ran(self, name: str, definition: Any, given: Any) -> str:
        arn = self.machine(name, definition)
        execution = str(self.states.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"])
        while self.states.describe_execution(executionArn=execution)["status"] == "RUNNING":
            time.sleep(0.1)  # noqa: TID251 - another process is waited for
        return execution

    def ran_express(self, name: str, definition: Any, given: Any) -> str:
        arn = self.machine(name, definition, "EXPRESS")
        told = self.states.start_sync_execution(stateMachineArn=arn, input=json.dumps(given))
        return str(told["executionArn"])


def fill(state_dir: Path, count: int) -> str:
    """A new state directory with so many executions that ended, by the store's own writer; gives their machine."""
    from sfn_emulator.asl.model import MachineType
    from sfn_emulator.engine.local.execution import run_locally
    from sfn_emulator.engine.run import Status
    from sfn_emulator.service.running import pages
    from sfn_emulator.service.store.database import Database
    from sfn_emulator.service.store.documents import Store
    from sfn_emulator.service.store.records import Execution, Revision, StateMachine

    store, began = Store(Database.open(state_dir)), 1_700_000_000.0
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
    logging = {"level": "OFF", "includeExecutionData": False}
    store.put(Revision("r", machine, began, json.dumps(states(20)), ROLE, logging, {"enabled": False}))
    store.put(StateMachine(machine, "us-east-1", "orders", MachineType.STANDARD, began, began, "r"))
    head = machine.replace(":stateMachine:", ":execution:")
    events = run_locally(states(20), {"n": 1, "items": []}).events
    page, given = pages.pack(events, 1, len(events)), '{"n": 1, "items": []}'
    one = Execution(head, "", machine, "r", MachineType.STANDARD, began, given, "", events=len(events), output=given)
    ends = (Status.SUCCEEDED,) * 8 + (Status.FAILED, Status.ABORTED)
    for n in range(count):
        name, status, at = f"order-{n:07}", ends[n % 10], began + n
        new = {"arn": f"{head}:{name}", "name": name, "seed": name, "status": status, "started_at": at}
        error = "Refused" if status is Status.FAILED else None
        seq = store.insert_execution(replace(one, **new, error=error, stopped_at=at + 0.5))
        store.put_page(seq, *page)
        if n % 10_000 == 9_999:
            store.commit()
    store.commit()
    store.database.close()
    return machine


# -- the figures


def _of(name: str, looks: tuple[Seen, Seen], bar: float | None) -> Iterator[Figure]:
    first, seen = looks
    yield Figure(f"{name}: shown at the first look", first.shown, "ms")
    yield Figure(f"{name}: cpu of the server at the first look", first.server, "ms")
    yield Figure(f"{name}: shown", seen.shown, "ms", bar)
    yield Figure(f"{name}: cpu of the page", seen.cpu, "ms")


def _long(name: str, look: Looker, arn: str, views: tuple[str, ...]) -> Iterator[Figure]:
    place = f"execution/{quote(arn, safe='')}"
    for view in views:
        selector = "svg .node" if view == "graph" else ".long button.row"
        yield from _of(f"{name}, {view}", look.see(f"{place}?view={view}", selector), 1_500)
        if view != "graph":
            cpu, longest = look.scroll()
            yield Figure(f"{name}, {view}: cpu of a step of scrolling", cpu, "ms", 16)
            yield Figure(f"{name}, {view}: longest step", longest, "ms")


def figures() -> Iterator[Figure]:
    from tests.browser import CHROMIUM, DRIVER, MISSING, chromium
    from tests.processes import running

    if not (CHROMIUM and DRIVER):
        print(f"console: {MISSING}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as scratch, chromium(Path(scratch) / "browser") as browser:
        with running("--in-memory", "--time", "skip") as server:
            look, subject = Looker(browser, server), Subject(server)
            arn = subject.ran("wide", states(300), {"n": 1, "items": [1, 2]})
            place = f"execution/{quote(arn, safe='')}"
            yield from _of("300 states", look.see(place, "svg .node"), 500)
            loop = subject.ran("loop", LOOP, {"n": 0, "text": "x" * 200})
            yield from _long("25,000 events", look, loop, ("graph", "timeline", "table", "events"))
            each = subject.ran_express("each", EACH, list(range(10_000)))
            yield from _long("Map of 10,000 iterations", look, each, ("graph", "timeline", "table", "events"))
            apart = subject.ran("apart", APART, list(range(10_000)))
            (run,) = subject.states.list_map_runs(executionArn=apart)["mapRuns"]
            children = look.see(f"executions?map_run={quote(run['mapRunArn'])}", ".list a.row")
            yield from _of("10,000 executions of a Map Run", children, 1_500)
        yield from _stored(browser, Path(scratch))


def _stored(browser: Any, scratch: Path) -> Iterator[Figure]:
    from tests.processes import running

    few: dict[str, float] = {}
    for count in (FEW, MANY):
        where = scratch / f"stored-{count}"
        machine = fill(where, count)
        with running("--state-dir", str(where), "--adopt-state-dir") as server:
            look = Looker(browser, server)
            for name, query in (("all", ""), ("of a machine", f"machine={machine}"), ("failed", "status=FAILED")):
                looks = look.see(f"executions?{query}", ".list a.row")
                few.setdefault(name, looks[1].shown)
                yield from _of(f"{count:,} stored, {name}", looks, None)
                yield Figure(f"{count:,} stored, {name}: as long as of {FEW}", looks[1].shown / few[name], "x", 1.5)
