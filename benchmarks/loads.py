"""The loads that ``benchmarks.liveness`` measures: by name, each from the URL of a server to what came of it."""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from benchmarks.resources import ROLE, TRUST, packed
from benchmarks.wire import chain, client_of, create, machine

PATIENCE: Final = float(os.environ.get("SFN_BENCH_PATIENCE", "8"))

Load = Callable[[str], object]
"""Loads the server at a URL, and gives what came of it."""


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
