"""The engine alone, in process: full histories in memory, virtual time."""

import gc
import json
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.table import Figure, best
from sfn_emulator.asl.parse import load
from sfn_emulator.engine.clock import EPOCH, VirtualClock
from sfn_emulator.engine.driver import Driver
from sfn_emulator.engine.local.execution import LocalTasks, identity, run_locally
from sfn_emulator.engine.program import compile
from sfn_emulator.engine.run import Run
from sfn_emulator.engine.strand import Program

SAGA = Path(__file__).parent.parent / "statemachine" / "definition.asl.json"


def program(states: dict[str, Any], **fields: Any) -> Program:
    return compile(load(json.dumps({"StartAt": next(iter(states)), "States": states, **fields})))


def chain(length: int) -> Program:
    names = [f"S{index}" for index in range(length)]
    return program(
        {name: {"Type": "Pass", "Next": after} for name, after in pairwise(names)}
        | {names[-1]: {"Type": "Pass", "End": True}}
    )


def counting(turns: int) -> Program:
    """2 transitions a turn: Pass with States.MathAdd, Choice."""
    return program(
        {
            "Add": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough"},
            "Enough": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericGreaterThanEquals": turns, "Next": "Done"}],
                "Default": "Add",
            },
            "Done": {"Type": "Succeed"},
        }
    )


def counting_jsonata(turns: int) -> Program:
    return program(
        {
            "Add": {"Type": "Pass", "Output": {"n": "{% $states.input.n + 1 %}"}, "Next": "Enough"},
            "Enough": {
                "Type": "Choice",
                "Choices": [{"Condition": f"{{% $states.input.n >= {turns} %}}", "Next": "Done"}],
                "Default": "Add",
            },
            "Done": {"Type": "Succeed"},
        },
        QueryLanguage="JSONata",
    )


def mapping() -> Program:
    return program(
        {
            "Each": {
                "Type": "Map",
                "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}},
                "End": True,
            }
        }
    )


def per(count: int, work: Callable[[], Any]) -> float:
    """Microseconds per item of ``count`` items. Checks that the work succeeds."""
    assert work().status == "SUCCEEDED"
    return best(work) / count * 1e6


def figures() -> Iterator[Figure]:
    gc.collect()
    gc.freeze()  # what other suites left in this process is walked through by no collection, as in a server
    yield from transitions()
    yield from maps()
    yield from compiling()
    yield from waiting()
    yield importing("sfn_emulator.engine.program, sfn_emulator.engine.driver", 100)
    yield importing("sfn_emulator.engine.local.execution", 120)


def transitions() -> Iterator[Figure]:
    passes, turns = chain(500), 500
    yield Figure("500-state Pass chain, a transition", per(500, lambda: run_locally(passes, {"a": 1})), "µs", 5)
    loop = counting(turns)
    yield Figure("JSONPath counting loop, a transition", per(2 * turns, lambda: run_locally(loop, {"n": 0})), "µs", 12)
    jsonata = counting_jsonata(turns)
    in_jsonata = per(2 * turns, lambda: run_locally(jsonata, {"n": 0}))
    yield Figure("JSONata counting loop, a transition", in_jsonata, "µs", 60)
    short, long = counting(500), counting(5_000)
    ratio = per(5_000, lambda: run_locally(long, {"n": 0})) / per(500, lambda: run_locally(short, {"n": 0}))
    yield Figure("20,000-event loop against one of 2,000, an event", ratio, "x", 2)


def maps() -> Iterator[Figure]:
    each = mapping()
    thousand, many = list(range(1_000)), [1] * 40_000
    yield Figure("inline Map of 1,000 items, an item", per(1_000, lambda: run_locally(each, thousand)), "µs", 25)
    large = per(40_000, lambda: run_locally(each, many, express=True))
    yield Figure("inline Map of 40,000 items, an item", large, "µs", 25)
    ratio = large / per(10_000, lambda: run_locally(each, many[:10_000], express=True))
    yield Figure("inline Map of 40,000 items against 10,000, an item", ratio, "x", 2.5)


def compiling() -> Iterator[Figure]:
    numbered = re.sub(r'"\$\{\w*Seconds\}"', "30", SAGA.read_text())
    text = re.sub(r"\$\{\w+\}", "arn:aws:lambda:us-east-1:123456789012:function:f", numbered)
    yield Figure("parse, check and compile the saga", best(lambda: compile(load(text)), 20) * 1e3, "ms", 0.7)


def waiting(count: int = 10_000) -> Iterator[Figure]:
    hour = program({"Hold": {"Type": "Wait", "Seconds": 3600, "End": True}})
    clock = VirtualClock()
    tasks = LocalTasks({}, clock)

    def start() -> list[Driver]:
        drivers = [
            Driver(Run(hour, identity(f"execution-{index}", at=EPOCH), {"n": index}, f'{{"n":{index}}}'), clock, tasks)
            for index in range(count)
        ]
        for driver in drivers:
            driver.start()
        return drivers

    yield Figure("10,000 executions start to wait an hour", best(start, 3), "s", 1)
    gc.collect()
    tracemalloc.start()
    kept = start()
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    yield Figure("each of them holds", held / 1024, "KB", 4)


def importing(modules: str, bar: float | None = None) -> Figure:
    script = f"from time import perf_counter as t; a = t(); import {modules}; print(t() - a)"

    def once() -> float:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return float(done.stdout)

    return Figure(f"import {modules.replace('sfn_emulator.', '')}", min(once() for _ in range(5)) * 1e3, "ms", bar)
