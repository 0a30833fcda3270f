"""Writes functions' output to CloudWatch Logs: one thread gathers and writes it, so that nobody waits."""

import contextlib
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import orjson

from sfn_emulator.cloud.requests.message import Request

_BACKLOG: Final = 100_000
_GATHER_SECONDS: Final = 0.2
_MOST_EVENTS: Final = 10_000
"""Events one PutLogEvents takes (AWS: API_PutLogEvents)."""

Ask = Callable[[str, str, Request], Any]
"""``Neighbours.answer``: service, region, request."""


class Lines(NamedTuple):
    region: str
    group: str
    stream: str
    milliseconds: int
    lines: Sequence[str]


class LogWriter:
    """``write`` never blocks. When too much is waiting, lines are dropped, and a log line says so."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._waiting: queue.Queue[Lines | None] = queue.Queue(_BACKLOG)
        self._known: set[tuple[str, str, str]] = set()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def write(self, lines: Lines) -> None:
        if self._thread is None:
            self._start()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(lines)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lambda-logs", daemon=True)
                self._thread.start()

    def forget(self) -> None:
        """Drops waiting lines and known groups: groups and streams may be gone."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        self._known.clear()

    def close(self) -> None:
        """Writes the waiting lines, then stops."""
        self._closed.set()
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._waiting.put_nowait(None)
            self._thread.join(1)

    def _run(self) -> None:
        while not (self._closed.is_set() and self._waiting.empty()):
            first = self._waiting.get()
            self._closed.wait(_GATHER_SECONDS)
            batch = [] if first is None else [first]
            with contextlib.suppress(queue.Empty):
                while len(batch) < 1000:
                    batch += [told for told in [self._waiting.get_nowait()] if told is not None]
            self._deliver(batch)

    def _deliver(self, batch: Sequence[Lines]) -> None:
        streams: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
        for told in batch:
            events = [{"timestamp": told.milliseconds, "message": line} for line in told.lines]
            streams[told.region, told.group, told.stream] += events
        for (region, group, stream), events in streams.items():
            self._know(region, group, stream)
            names = {"logGroupName": group, "logStreamName": stream}
            for start in range(0, len(events), _MOST_EVENTS):
                self._call(region, "PutLogEvents", {**names, "logEvents": events[start : start + _MOST_EVENTS]})

    def _know(self, region: str, group: str, stream: str) -> None:
        if (region, group, stream) not in self._known:
            self._call(region, "CreateLogGroup", {"logGroupName": group})
            self._call(region, "CreateLogStream", {"logGroupName": group, "logStreamName": stream})
            self._known.add((region, group, stream))

    def _call(self, region: str, operation: str, parameters: dict[str, Any]) -> None:
        headers = {"x-amz-target": f"Logs_20140328.{operation}", "content-type": "application/x-amz-json-1.1"}
        self._ask("logs", region, Request("POST", "/", "", headers, orjson.dumps(parameters)))
