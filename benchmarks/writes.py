"""A write to DynamoDB through the server, journaled and over a socket, beside moto in the client's own process.

Both are asked by the same boto3 client code. moto is in a process of its own, as it comes: what the server mends in it
is not mended there.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.processor import used
from benchmarks.resources import BY_ID
from benchmarks.table import Figure
from benchmarks.wire import ROOT, client_of, server

ROUNDS: Final = 5
WRITES: Final = 200
TABLE: Final[dict[str, Any]] = {"TableName": "bench", **BY_ID}


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch)) as (process, states), _moto() as moto:
        ours = client_of("dynamodb", states.meta.endpoint_url)
        ours.create_table(**TABLE)
        measured(ours)
        rounds = [(_through(process.pid, ours), _told(moto)) for _ in range(ROUNDS)]
        moto.terminate()
    yield Figure("DynamoDB write through the server", statistics.median(here.took for here, _ in rounds), "ms")
    yield Figure("DynamoDB write, moto in process", statistics.median(there.took for _, there in rounds), "ms")
    yield Figure("one to the other", statistics.median(here.took / there.took for here, there in rounds), "×", 1.3)
    processor = statistics.median(here.processor / there.processor for here, there in rounds)
    yield Figure("one to the other, of a processor, client and server", processor, "×")


class Write(NamedTuple):
    """Milliseconds of the clock and of a processor that one write takes."""

    took: float
    processor: float


def _through(server: int, client: Any) -> Write:
    before = used(server).server
    write = measured(client)
    return write._replace(processor=write.processor + (used(server).server - before) / WRITES * 1e3)


def measured(client: Any) -> Write:
    """Whoever answers in this process is counted in."""
    began, before = time.perf_counter(), time.process_time()
    for number in range(WRITES):
        item = {"id": {"S": str(number)}, "saga": {"S": "2026-01-01T00:00:00Z"}, "quantity": {"N": "1"}}
        client.put_item(TableName="bench", Item=item, ConditionExpression="attribute_not_exists(gone)")
    took, processor = time.perf_counter() - began, time.process_time() - before
    return Write(took / WRITES * 1e3, processor / WRITES * 1e3)


def _moto() -> "subprocess.Popen[str]":
    """A process that measures whenever it is told a line, and answers with the figure."""
    command = [sys.executable, "-m", "benchmarks.writes"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _told(process: "subprocess.Popen[str]") -> Write:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("again\n")
    process.stdin.flush()
    return Write(*json.loads(process.stdout.readline()))


def main() -> None:
    from moto import mock_aws

    with mock_aws():
        client = client_of("dynamodb", None)
        client.create_table(**TABLE)
        measured(client)
        for _ in sys.stdin:
            print(json.dumps(measured(client)), flush=True)


if __name__ == "__main__":
    main()
