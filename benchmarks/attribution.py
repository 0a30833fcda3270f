"""The cost of noting who wrote a row: at most 5 % of a function's write to DynamoDB.

Both figures are of one run, in CPU time: what the witness of writes works (the row before, the row after, the note),
of what the whole write is: boto3 in the function's process, the port, moto. So a busy machine changes neither.
"""

import asyncio
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Final

from benchmarks.resources import BY_ID
from benchmarks.table import Figure
from benchmarks.wire import client_of
from sfn_emulator.serving.connection import Connection
from sfn_emulator.serving.server import Server
from sfn_emulator.serving.settings import Settings

WRITES: Final = 1_000
_ROW: Final = {"id": {"S": "order-42"}, "status": {"S": "PLACED"}, "lines": {"L": [{"N": "1"}, {"N": "2"}]}}


class Timed:
    """CPU seconds of the thread spent inside what it wraps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        def timed(*arguments: Any) -> Any:
            began = time.thread_time()
            try:
                return work(*arguments)
            finally:
                self.seconds += time.thread_time() - began

        return timed


@contextmanager
def here(settings: Settings) -> Iterator[tuple[Server, str]]:
    """A server in this process, on a thread of its own, and its URL."""
    server, stop = Server(settings), threading.Event()
    listener = socket.create_server((settings.host, 0))
    url = f"http://{settings.host}:{listener.getsockname()[1]}"
    ready = threading.Event()

    async def served() -> None:
        loop, connections = asyncio.get_running_loop(), set[Connection]()
        await server.open(url)
        app = server.app()
        await loop.create_server(lambda: Connection(app, loop, connections), sock=listener)
        ready.set()
        await asyncio.to_thread(stop.wait)
        await server.close()

    thread = threading.Thread(target=lambda: asyncio.run(served()))
    thread.start()
    ready.wait()
    yield server, url
    stop.set()
    thread.join()


def figures() -> Iterator[Figure]:
    witnessed = Timed()
    with tempfile.TemporaryDirectory() as scratch, here(Settings(state_dir=Path(scratch) / "s")) as (server, url):
        witness: Any = server.neighbours.witness
        for name in ("before", "before_errand", "after"):
            setattr(witness, name, witnessed(getattr(witness, name)))
        table = client_of("dynamodb", url)
        table.create_table(TableName="orders", **BY_ID)
        for name, write in _writes(table).items():
            write(0)
            witnessed.seconds, began = 0.0, _cpu()
            for n in range(WRITES):
                write(n)
            whole = _cpu() - began
            yield Figure(f"a row's attribution, of {name} by a client", witnessed.seconds / whole * 100, "%", 5)
            yield Figure(f"a row's attribution, {name}", witnessed.seconds / WRITES * 1e6, "us")


def _writes(table: Any) -> dict[str, Callable[[int], object]]:
    def put(n: int) -> object:
        return table.put_item(TableName="orders", Item={**_ROW, "n": {"N": str(n)}})

    def update(n: int) -> object:
        asked = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": str(n)}}}
        return table.update_item(TableName="orders", Key={"id": _ROW["id"]}, **asked)

    return {"PutItem": put, "UpdateItem": update}


def _cpu() -> float:
    """Of this process, which is client and server in one."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
