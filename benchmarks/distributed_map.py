"""Distributed Maps through a real server with a state directory: items a second, memory, and how it answers meanwhile.

    python -m benchmarks.distributed_map [ITEMS...] [--standard] [--export]

A JSON Lines file in S3 is read and every item is a child execution of one Pass state. Without ``--export`` nobody takes
the results, so that a large Map Run ends as it would on AWS: all children succeed, and the state's result is too large.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.resources import ROLE
from benchmarks.table import Figure, show
from benchmarks.wire import client_of, megabytes, server

BAR = 200.0
"""Microseconds an item may take: 5,000 items a second."""
PATIENCE = 900.0
"""Seconds."""
PROBE_EVERY = 0.1
"""Seconds between two requests of the client that watches."""


class Run(NamedTuple):
    """``answers`` are the seconds DescribeMapRun took while it ran; memory is MiB of resident pages."""

    rate: float
    before: float
    peak: float
    answers: list[float]


def figures(counts: tuple[int, ...] = (10_000,), *, express: bool = True, export: bool = False) -> Iterator[Figure]:
    for count in counts:
        ran = measured(count, express=express, export=export)
        name = f"{count:,} {'EXPRESS' if express else 'STANDARD'} children"
        yield Figure(name, ran.rate, "items/s")
        yield Figure(f"{name}: one item", 1e6 / ran.rate, "µs", BAR if express else None)
        yield Figure(f"{name}: memory at rest", ran.before, "MiB")
        yield Figure(f"{name}: memory at most", ran.peak, "MiB")
        yield Figure(f"{name}: an answer meanwhile, median", statistics.median(ran.answers) * 1000, "ms")
        yield Figure(f"{name}: an answer meanwhile, worst", max(ran.answers) * 1000, "ms")


def measured(count: int, *, express: bool, export: bool) -> Run:
    with tempfile.TemporaryDirectory(prefix="map-bench-") as place, server(Path(place)) as (process, states):
        s3 = client_of("s3", states.meta.endpoint_url)
        s3.create_bucket(Bucket="items")
        s3.put_object(Bucket="items", Key="items.jsonl", Body=b"".join(b'{"id":%d}\n' % n for n in range(count)))
        text = definition(express, export)
        machine = states.create_state_machine(name="m", roleArn=ROLE, definition=text)["stateMachineArn"]
        before = megabytes(process.pid)
        began = time.perf_counter()
        execution = states.start_execution(stateMachineArn=machine)["executionArn"]
        answers = watch(states, execution, count)
        return Run(count / (time.perf_counter() - began), before, megabytes(process.pid, "VmHWM"), answers)


def watch(states: Any, execution: str, count: int) -> list[float]:
    """Asks for the Map Run until it is over; the seconds each answer took."""
    answers: list[float] = []
    give_up = time.perf_counter() + PATIENCE
    while time.perf_counter() < give_up:
        began = time.perf_counter()
        runs = states.list_map_runs(executionArn=execution)["mapRuns"]
        told = states.describe_map_run(mapRunArn=runs[0]["mapRunArn"]) if runs else None
        answers.append(time.perf_counter() - began)
        if told is not None and told["status"] != "RUNNING":
            assert told["itemCounts"]["succeeded"] == told["itemCounts"]["total"] == count, told
            return answers
        time.sleep(PROBE_EVERY)  # noqa: TID251 -- a client that watches
    raise TimeoutError(f"the Map Run took more than {PATIENCE:g} seconds")


def definition(express: bool, export: bool) -> str:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS" if express else "STANDARD"},
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "End": True}},
    }
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket": "items", "Key": "items.jsonl"},
    }
    state = {"Type": "Map", "ItemReader": reader, "ItemProcessor": processor, "ResultPath": None, "End": True}
    if export:
        state["ResultWriter"] = {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "items", "Prefix": "results"},
            "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
        }
    return json.dumps({"StartAt": "M", "States": {"M": state}})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("items", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--standard", action="store_true", help="children of type STANDARD")
    parser.add_argument("--export", action="store_true", help="write the results to S3")
    told = parser.parse_args()
    return 0 if show(figures(tuple(told.items), express=not told.standard, export=told.export)) else 1


if __name__ == "__main__":
    sys.exit(main())
