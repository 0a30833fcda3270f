"""Measures whether a load holds up others: each kind of load beside a probe, a second client's DescribeExecution.

The rule: while anything runs, the probe is answered within 100 ms (p99) and 250 ms at worst, SIGTERM is obeyed within
5 s, and what one execution holds is bounded. Each load has a server of its own, is given ``SFN_BENCH_PATIENCE`` seconds
(8 by default), and is still under way when the server is told to stop, if it is not done by then.

On a busy machine the probe waits for a core, too. So the longest turn of the loop is told beside it, in CPU time.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.resources import ROLE, TRUST, packed
from benchmarks.wire import ROOT, chain, client_of, create, machine, megabytes, server

PATIENCE: Final = float(os.environ.get("SFN_BENCH_PATIENCE", "8"))
P99, WORST, STOPPED = 100.0, 250.0, 5.0
GIVEN_UP: Final = 20.0


class Seen(NamedTuple):
    """The effect of a load on others: milliseconds, seconds to stop, peak megabytes, and how the load ended.

    ``turn`` is the CPU time of the loop's longest turn in milliseconds, ``callback`` what took most of it.
    """

    p50: float
    p99: float
    worst: float
    turn: float
    callback: str
    stopped: float
    megabytes: float
    told: str

    @property
    def kept(self) -> bool:
        """Whether the rule was kept."""
        return self.p99 <= P99 and self.worst <= WORST and self.stopped <= STOPPED


Load = Callable[[str], object]
"""Loads the server at a URL, and gives what came of it."""


def measure(load: Load, patience: float = PATIENCE) -> Seen:
    """Runs ``load`` against a server of its own, with the probe beside it."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        seen = scratch / "turns"
        process, client = stack.enter_context(server(scratch, program=("benchmarks.turns", str(seen))))
        url = client.meta.endpoint_url
        arn = client.start_execution(stateMachineArn=create(client, chain(1)))["executionArn"]
        command = [sys.executable, "-m", "benchmarks.probe", url, arn]
        probe = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told: list[object] = []
        thread = threading.Thread(target=lambda: told.append(_tolerant(load, url)), daemon=True)
        time.sleep(1)  # noqa: TID251 - until the probe asks
        _longest(process, seen)
        thread.start()
        thread.join(patience)
        time.sleep(0.5)  # noqa: TID251 - what the load leaves behind
        turn, callback = _longest(process, seen)
        took = _answers(probe, patience)
        peak = megabytes(process.pid, "VmHWM")
        began = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GIVEN_UP)
        stopped = time.perf_counter() - began
        process.kill()
        end = str(told[0]) if told else f"under way after {patience:g} s"
        p99 = took[len(took) * 99 // 100]
        return Seen(statistics.median(took), p99, took[-1], turn, callback, stopped, peak, end)


def _longest(process: "subprocess.Popen[str]", file: Path) -> tuple[float, str]:
    """The longest turn since this was last asked, in milliseconds, and what took most of it."""
    process.send_signal(signal.SIGUSR2)
    for _ in range(int(GIVEN_UP / 0.05)):
        if file.exists():
            told = json.loads(file.read_text())
            file.unlink()
            return told["longest"], told["at"]
        time.sleep(0.05)  # noqa: TID251 - a signal is handled between two bytecodes
    return float("inf"), "a call that did not end"


def _answers(probe: "subprocess.Popen[str]", patience: float) -> list[float]:
    """How long they took, sorted; one that did not come is as long as was waited for it."""
    try:
        return sorted(json.loads(probe.communicate(timeout=GIVEN_UP)[0]))
    except subprocess.TimeoutExpired:
        probe.kill()
        probe.communicate()
        return [(patience + GIVEN_UP) * 1e3]


def _tolerant(load: Load, url: str) -> object:
    try:
        return load(url)
    except (BotoCoreError, ClientError) as error:
        return f"{type(error).__name__}: {error}"[:80]


# -- loads


def run(definition: str, given: Any = None, kind: str = "STANDARD") -> Load:
    """One execution to its end; gives its status and error."""

    def load(url: str) -> object:
        client = client_of("stepfunctions", url, read_timeout=300)
        arn = _created(client, definition, kind)
        text = json.dumps({} if given is None else given)
        if kind == "EXPRESS":
            return _told(client.start_sync_execution(stateMachineArn=arn, input=text))
        return _told(_ended(client, client.start_execution(stateMachineArn=arn, input=text)["executionArn"]))

    return load


def _created(client: Any, definition: str, kind: str) -> str:
    told = client.create_state_machine(name=f"load-{time.time_ns()}", definition=definition, roleArn=ROLE, type=kind)
    return str(told["stateMachineArn"])


def _ended(client: Any, arn: str) -> Any:
    while (told := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.1)  # noqa: TID251 - a client that polls
    return told


def _told(execution: Any) -> str:
    return f"{execution['status']} {execution.get('error', '')}".strip()


def one(**fields: Any) -> str:
    return machine(("A", {"Type": "Pass", "End": True, **fields}))


def jsonata(expression: str) -> str:
    return one(QueryLanguage="JSONata", Output=f"{{% {expression} %}}")


def times(expression: str, number: int) -> str:
    return jsonata(f"$count($map([1..{number}], function($x){{ {expression} }}))")


HEAVY: Final = machine(
    (
        "A",
        {
            "Type": "Pass",
            "Output": {"n": "{% $states.input.n + 1 %}", "t": "{% $substring($states.input.t, 1) & 'y' %}"},
            "Next": "B",
        },
    ),
    (
        "B",
        {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.n > 1500 %}", "Next": "C"}], "Default": "A"},
    ),
    ("C", {"Type": "Succeed"}),
    QueryLanguage="JSONata",
)
"""3,004 events that carry 255 KB each."""


def heavy_history(**asked: Any) -> Load:
    """Reads the history of an execution that carried much."""

    def load(url: str) -> object:
        client = client_of("stepfunctions", url, read_timeout=300)
        given = json.dumps({"n": 0, "t": "x" * 255_000})
        arn = client.start_execution(stateMachineArn=_created(client, HEAVY, "STANDARD"), input=given)["executionArn"]
        _ended(client, arn)
        began = time.perf_counter()
        events = client.get_execution_history(executionArn=arn, **asked)["events"]
        return f"{len(events)} events in {(time.perf_counter() - began) * 1e3:.0f} ms"

    return load


def nested_machine(depth: int = 6) -> str:
    """Maps within Maps, each over the execution's input: three million iterations of 12 items."""
    inner: dict[str, Any] = {"StartAt": "Z", "States": {"Z": {"Type": "Pass", "End": True}}}
    for level in range(depth):
        each = {"Type": "Map", "ItemsPath": "$$.Execution.Input", "ItemProcessor": inner, "End": True}
        inner = {"StartAt": f"M{level}", "States": {f"M{level}": each}}
    return json.dumps(inner)


def wildcard(url: str) -> object:
    events = client_of("events", url, read_timeout=300)
    client_of("sqs", url).create_queue(QueueName="q")
    events.put_rule(Name="r", EventPattern=json.dumps({"detail": {"path": [{"wildcard": "*a*a*a*.png"}]}}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:q"}])
    entry = {"Source": "s", "DetailType": "d", "Detail": json.dumps({"path": "a" * 3000})}
    return f"{events.put_events(Entries=[entry])['FailedEntryCount']} failed"


def definitions(url: str) -> object:
    """Twenty definitions of nearly a megabyte."""
    client = client_of("stepfunctions", url, read_timeout=300)
    text = json.dumps({"x" * 60: ["y" * 40] * 5})
    states = {f"S{n}": {"Type": "Pass", "Result": json.loads(text), "Next": f"S{n + 1}"} for n in range(2_600)}
    states["S2600"] = {"Type": "Succeed"}  # type: ignore[dict-item]
    definition = json.dumps({"StartAt": "S0", "States": states})
    for _ in range(20):
        _created(client, definition, "STANDARD")
    return f"20 of {len(definition):,} bytes"


def bodies(url: str) -> object:
    """Requests of 100 MB."""
    client, told = client_of("stepfunctions", url, read_timeout=300), []
    for _ in range(3):
        try:
            client.start_execution(stateMachineArn="a" * 20, input="x" * 100_000_000)
        except ClientError as error:
            told.append(error.response["Error"]["Code"])
    return told[0]


def many(url: str) -> object:
    """Eight clients that start sagas of twenty states as fast as they can."""
    arn = create(client_of("stepfunctions", url), chain(20))

    def start(_: int) -> int:
        client, number, until = client_of("stepfunctions", url), 0, time.perf_counter() + PATIENCE / 2
        while time.perf_counter() < until:
            client.start_execution(stateMachineArn=arn)
            number += 1
        return number

    with ThreadPoolExecutor(8) as pool:
        return f"{sum(pool.map(start, range(8)))} executions"


def slow_functions(url: str) -> object:
    """200 executions wait for a slow function; one more calls another."""
    functions, states = client_of("lambda", url), client_of("stepfunctions", url)
    client_of("iam", url).create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    arns = [_function(functions, name, seconds) for name, seconds in (("slow", 20), ("quick", 0))]
    slow, quick = (create(states, machine(("A", {"Type": "Task", "Resource": arn, "End": True}))) for arn in arns)
    _ended(states, states.start_execution(stateMachineArn=quick)["executionArn"])
    for _ in range(200):
        states.start_execution(stateMachineArn=slow)
    began = time.perf_counter()
    told = _told(_ended(states, states.start_execution(stateMachineArn=quick)["executionArn"]))
    return f"another function: {told} after {(time.perf_counter() - began) * 1e3:.0f} ms"


def _function(client: Any, name: str, seconds: int) -> str:
    code = packed("f.py", f"import time\ndef handler(event, context):\n    time.sleep({seconds})")
    told = client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role="arn:aws:iam::123456789012:role/r",
        Handler="f.handler",
        Code=code,
        Timeout=60,
    )
    return str(told["FunctionArn"])


def together(definition: str, number: int, given: Any = None, kind: str = "EXPRESS") -> Load:
    """Many executions at once, begun by eight clients; they go on until the server is told to stop, or end before."""

    def load(url: str) -> object:
        arn = _created(client_of("stepfunctions", url), definition, kind)
        text = json.dumps({} if given is None else given)

        def start(_: int) -> None:
            client = client_of("stepfunctions", url, read_timeout=300)
            for _ in range(number // 8):
                client.start_execution(stateMachineArn=arn, input=text)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(start, range(8)))
        time.sleep(PATIENCE / 2)  # noqa: TID251 - while they run
        return f"{number} begun"

    return load


ENDLESS: Final = machine(
    ("A", {"Type": "Pass", "Next": "B"}),
    ("B", {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "C"}], "Default": "A"}),
    ("C", {"Type": "Succeed"}),
)


def waking(url: str) -> object:
    """1,000 executions that wait for the same second."""
    due = f"{datetime.now(UTC) + timedelta(seconds=PATIENCE * 0.7):%Y-%m-%dT%H:%M:%SZ}"  # noqa: TID251 - as a client
    wait = machine(("W", {"Type": "Wait", "Timestamp": due, "Next": "P"}), ("P", {"Type": "Pass", "End": True}))
    return together(wait, 1_000, kind="STANDARD")(url)


TEXT: Final = {"t": "x" * 250_000}
OBJECTS: Final = [{"v": n} for n in range(12_000)]
FAR: Final = [-n for n in range(8_000)]

LOADS: Final[dict[str, Load]] = {
    "nothing": lambda url: time.sleep(2),  # noqa: TID251
    "$distinct of 20,000 objects": run(jsonata("$count($distinct($map([1..20000], function($x){ {'a':$x} })))")),
    "$contains($string(…)) 3,000 times": run(
        jsonata("$count($states.input.a[$contains($string($states.input.a), 'zzz')])"), {"a": OBJECTS[:3_000]}
    ),
    "$hash of 250 KB 20,000 times": run(times("$hash($states.input.t, 'SHA-512')", 20_000), TEXT),
    "$base64encode of 250 KB 12,000 times": run(times("$base64encode($states.input.t)", 12_000), TEXT),
    "$split of 250 KB 3,000 times": run(times("$split($states.input.t, '')", 3_000), TEXT),
    "regular expressions": run(times("$contains($states.input.s, /x.*y.*z.*w$/)", 200), {"s": "xyz" * 130}),
    "$sort of 30,000 by a function": run(
        jsonata("$count($sort([1..30000], function($a,$b){ $string($a) > $string($b) }))")
    ),
    "$merge of 20,000 big objects": run(
        jsonata("$count($keys($merge($map([1..20000], function($x){ $states.input }))))"),
        {f"k{n}": n for n in range(14_000)},
    ),
    "filter with IN, 8,000 × 8,000": run(one(InputPath="$.a[?(@.v IN $.b)]"), {"a": OBJECTS[:8_000], "b": FAR}),
    "a filter within a filter, 8,000 × 8,000": run(
        one(InputPath="$.a[?(@.w[?(@ IN $.b)])]"), {"a": [{"w": [1, 2]}] * 8_000, "b": FAR}
    ),
    "States.ArrayUnique of 12,000 objects": run(one(Parameters={"x.$": "States.ArrayUnique($.a)"}), {"a": OBJECTS}),
    "1,000 intrinsics in a state": run(
        one(Parameters={f"x{n}.$": "States.ArrayLength(States.ArrayUnique($.a))" for n in range(1_000)}),
        {"a": OBJECTS[:2_000]},
    ),
    "six nested Maps of 12 items": run(nested_machine(), list(range(12)), "EXPRESS"),
    "eight executions that hold 500 MB": together(nested_machine(), 8, list(range(12))),
    "500 × States.StringToJson of 150 KB": run(
        one(Parameters={f"x{n}.$": "States.StringToJson($.t)" for n in range(500)}),
        {"t": json.dumps(OBJECTS[:10_000])},
    ),
    "2,400 references to one array of 30,000": run(
        one(Parameters={f"x{n}.$": "States.Array($,$,$,$,$,$,$,$)" for n in range(300)}), list(range(30_000))
    ),
    "a transform of 260,000 objects": run(
        jsonata("$count($reduce([1..18], function($a,$b){ $append($a,$a) }, [{'a':1}]) ~> |$|{'c':1}|)")
    ),
    "eight endless EXPRESS loops": together(ENDLESS, 8),
    "1,000 endless EXPRESS loops": together(ENDLESS, 1_000),
    "1,000 waits that end at once": waking,
    "inline Map of 9,000 items": run(
        machine(("M", {"Type": "Map", "ItemsPath": "$", "End": True, "ItemProcessor": json.loads(chain(1))})),
        list(range(9_000)),
        "EXPRESS",
    ),
    "an execution that carries 255 KB": run(HEAVY, {"n": 0, "t": "x" * 255_000}),
    "ten events of its history": heavy_history(maxResults=10),
    "1,000 events without data": heavy_history(maxResults=1_000, includeExecutionData=False),
    "1,000 events with data": heavy_history(maxResults=1_000),
    "an EventBridge wildcard": wildcard,
    "definitions of a megabyte": definitions,
    "requests of 100 MB": bodies,
    "eight clients that start": many,
    "200 executions at a slow function": slow_functions,
}


def figures(names: list[str] | None = None) -> Iterator[tuple[str, Seen]]:
    for name in names or LOADS:
        yield name, measure(LOADS[name])


BEFORE: Final[dict[str, tuple[str, str, str]]] = {
    "nothing": ("85, 85", "0.3", "44"),
    "$distinct of 20,000 objects": ("30,000, 30,000", "20.0", "49"),
    "$contains($string(…)) 3,000 times": ("21,637, 21,637", "0.3", "46"),
    "$hash of 250 KB 20,000 times": ("11,795, 11,795", "0.3", "50"),
    "$base64encode of 250 KB 12,000 times": ("18,189, 18,189", "0.3", "5,292"),
    "$split of 250 KB 3,000 times": ("13,856, 13,856", "0.3", "5,768"),
    "regular expressions": ("10,304, 10,304", "0.3", "45"),
    "$sort of 30,000 by a function": ("1,964, 1,964", "0.3", "48"),
    "$merge of 20,000 big objects": ("19,906, 19,906", "0.3", "49"),
    "filter with IN, 8,000 × 8,000": ("30,000, 30,000", "13.6", "46"),
    "States.ArrayUnique of 12,000 objects": ("44, 44", "0.3", "53"),
    "1,000 intrinsics in a state": ("3,212, 3,212", "0.3", "45"),
    "six nested Maps of 12 items": ("45,000, –", "over 25", "803"),
    "an execution that carries 255 KB": ("2,068, 2,068", "0.3", "1,133"),
    "ten events of its history": ("9,057, 9,057", "–", "1,875"),
    "1,000 events without data": ("7,138, 7,138", "–", "1,885"),
    "1,000 events with data": ("7,379, 7,379", "–", "1,866"),
    "an EventBridge wildcard": ("over 12,000", "–", "–"),
}
"""Measured before all this: p99 and worst, SIGTERM, MB. What is not here was not measured then."""


def main() -> int:
    """Prints the table of docs/liveness.md; status 1 if the rule was broken. What was long stands on standard error."""
    parser = argparse.ArgumentParser("python -m benchmarks.liveness", description=main.__doc__)
    parser.add_argument("word", nargs="*", help="only the loads whose name has one of the words; all take minutes")
    words = parser.parse_args().word
    kept = True
    print(f"Load of the machine at the start: {os.getloadavg()[0]:.1f}.\n")
    print("| load | before: p99, worst | SIGTERM | MB | p50, p99, worst | turn, CPU | SIGTERM | MB |")
    print("|---|---|---|---|---|---|---|---|")
    for name, seen in figures([name for name in LOADS if any(word in name for word in words)] or None):
        kept = kept and seen.kept
        before = " | ".join(BEFORE.get(name, ("–", "–", "–")))
        took = f"{seen.p50:,.0f}, {seen.p99:,.0f}, {seen.worst:,.0f}"
        print(
            f"| {name} | {before} | {took} | {seen.turn:,.0f} | {seen.stopped:.1f} | {seen.megabytes:,.0f} |",
            flush=True,
        )
        print(f"{'' if seen.kept else 'BROKEN '}{name}: {seen.told}; {seen.callback}", file=sys.stderr, flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
