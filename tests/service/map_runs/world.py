"""A World whose Distributed Maps read and write a dictionary, and the definitions its tests share."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from sfn_emulator.engine.clock import VirtualClock
from sfn_emulator.engine.ports import Identity, ReaderSpec, WriterSpec
from sfn_emulator.errors import StateError
from sfn_emulator.service.map_runs.ports import ITEM_READER_FAILED, RESULT_WRITER_FAILED, ItemBlock
from sfn_emulator.values import Value, loads
from tests.service.world import Attempt, World

PASS_CHILD = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
TASK_CHILD = {
    "StartAt": "T",
    "States": {"T": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f", "End": True}},
}
KINDS = ("STANDARD", "EXPRESS")
READER = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"}}


def processor(child: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {**child, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}}


def mapping(child: Mapping[str, Any] = PASS_CHILD, kind: str = "STANDARD", **fields: Any) -> dict[str, Any]:
    """A machine of one Distributed Map."""
    state = {"Type": "Map", "ItemProcessor": processor(child, kind), "End": True, "Label": "L", **fields}
    return {"StartAt": "M", "States": {"M": state}}


def reading(child: Any = PASS_CHILD, kind: str = "STANDARD", **fields: Any) -> dict[str, Any]:
    reader = {**READER, "Parameters": {"Bucket": "b", "Key": "list"}}
    return mapping(child, kind, ItemReader=reader, **fields)


class Shelf:
    """``MapData``: lists by key, read in blocks of ``block``; results are appended to ``files`` by group."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lists: dict[str, list[Value]] = {}
        self.files: dict[str, list[Value]] = {}
        self.missing_bucket = False
        self.block = 10
        self.blocks_read = 0
        self.jobs = 0

    def read(self, spec: ReaderSpec, identity: Identity) -> Iterator[ItemBlock]:
        key = spec.arguments["Key"]
        if key not in self.lists:
            raise StateError(ITEM_READER_FAILED, f"no {key}")
        items = self.lists[key]
        for at in range(0, len(items), self.block):
            self.blocks_read += 1
            yield ItemBlock(f"S3://b/{key}", items[at : at + self.block])

    def write(self, spec: WriterSpec, identity: Identity, map_run_arn: str) -> "Shelf":
        if self.missing_bucket:
            raise StateError(RESULT_WRITER_FAILED, "The specified bucket does not exist")
        self.files = {}
        return self

    def add(self, group: str, results: Sequence[bytes]) -> None:
        self.files.setdefault(group, []).extend(loads(result) for result in results)

    def finish(self) -> str:
        return "results/manifest.json"

    def run(self, job: Callable[[], Any], done: Callable[[Any], None]) -> "Job":
        running = Job()

        def work() -> None:
            self.jobs += 1
            try:
                outcome = job()
            except Exception as error:
                outcome = error
            if not running.cancelled:
                done(outcome)

        self.world.loop.call_soon(work)
        return running


class Job:
    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class MapWorld(World):
    def __init__(self, directory: Path | None = None, *, skip_time: bool = False) -> None:
        self.shelf = Shelf(self)
        self.data = self.shelf
        super().__init__(directory, skip_time=skip_time)

    def kill(self) -> None:
        """As kill -9 and a new process: nothing more happens, what was not committed never was."""
        self.service.store.database.close()
        self.loop.close()
        self.loop = asyncio.new_event_loop()
        self.clock = VirtualClock(self.clock.now())
        self._open()
        self.calm()

    # -- Map Runs

    def run_map(self, definition: Mapping[str, Any], given: Value, name: str = "m") -> Any:
        """Runs a machine to its end; what DescribeExecution says."""
        execution = self.start(self.machine(definition, name), input=_text(given))
        return self.ended(execution)

    def begin_map(self, definition: Mapping[str, Any], given: Value, name: str = "m") -> str:
        execution = self.start(self.machine(definition, name), input=_text(given))
        self.calm()
        return execution

    def ended(self, execution: str) -> Any:
        self.until(lambda: self.service.host.live(execution) is None)
        self.calm()
        return self.describe(execution)

    def calm(self) -> None:
        """Lets everything happen that needs no answer from the test."""
        for _ in range(30):
            self.settle()

    def map_runs(self, execution: str) -> list[Any]:
        runs = self.call("ListMapRuns", executionArn=execution)["mapRuns"]
        return [self.call("DescribeMapRun", mapRunArn=run["mapRunArn"]) for run in runs]

    def map_run(self, execution: str) -> Any:
        (run,) = self.map_runs(execution)
        return run

    def children(self, execution: str, **told: Any) -> list[Any]:
        arn = self.map_run(execution)["mapRunArn"]
        return list(self.call("ListExecutions", mapRunArn=arn, **told)["executions"])

    # -- tasks of children

    @property
    def waiting(self) -> list[Attempt]:
        """Attempts under way, the eldest first."""
        return [attempt for attempt in self.hands.attempts if not attempt.cancelled and not attempt.done]

    def answer(self, how: Callable[[Attempt], object] | None = None, most: int | None = None) -> None:
        """Answers attempts that wait, ``most`` of them; with their own input unless told otherwise."""
        for attempt in self.waiting[:most]:
            attempt.done = True
            (how or (lambda told: told.succeeded(told.request.input)))(attempt)
        self.calm()


def counted(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts that are not zero, ``total`` and ``resultsWritten`` left out."""
    return {name: n for name, n in counts.items() if n and name not in ("total", "resultsWritten")}


def _text(value: Value) -> str:
    return orjson.dumps(value).decode()
