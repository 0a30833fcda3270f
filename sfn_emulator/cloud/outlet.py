"""Sends Step Functions' log lines and events to the CloudWatch Logs and EventBridge next door."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import orjson

from sfn_emulator.cloud.logs import Lines, LogWriter
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.message import Reply, Request
from sfn_emulator.service.errors import refuse
from sfn_emulator.service.machines.configurations import log_group_arn
from sfn_emulator.service.surroundings import Surroundings

VALIDATION_STREAM: Final = "log_stream_created_by_aws_to_validate_log_delivery_subscriptions"

_BACKLOG: Final = 100_000
_MOST_ENTRIES: Final = 10
"""Entries one PutEvents takes (AWS: API_PutEvents)."""

Entry = tuple[str, dict[str, Any]]
"""A region, and an entry of PutEvents."""


class NeighbourOutlet:
    """The service's ``Outlet``. Nothing blocks; when too much is waiting, more is dropped."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self._logs = LogWriter(neighbours.answer)
        self._events = EventWriter(neighbours.answer)

    def log(self, group_arn: str, stream: str, lines: Sequence[tuple[int, str]]) -> None:
        region = group_arn.split(":")[3]
        group = group_arn.partition(":log-group:")[2].removesuffix(":*")
        for milliseconds, together in groupby(lines, itemgetter(0)):  # all events of a turn have the same time
            self._logs.write(Lines(region, group, stream, milliseconds, [line for _, line in together]))

    def wants_events(self, region: str) -> bool:
        """Whether anybody may have a rule: not if EventBridge was never called."""
        return "events" in self._neighbours.held_services()

    def event(self, region: str, event: Mapping[str, Any]) -> None:
        self._events.write(
            region,
            {
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Resources": event["resources"],
                "Detail": orjson.dumps(event["detail"]).decode(),
            },
        )

    def forget(self) -> None:
        """Forgets log groups and streams: the neighbours have lost theirs."""
        self._logs.forget()

    def close(self) -> None:
        """Writes the waiting lines, then stops."""
        self._logs.close()
        self._events.close()


class EventWriter:
    """Puts events, gathered, on one thread."""

    def __init__(self, ask: Callable[[str, str, Request], Any]) -> None:
        self._ask = ask
        self._waiting: queue.Queue[Entry | None] = queue.Queue(_BACKLOG)
        self._thread: threading.Thread | None = None

    def write(self, region: str, entry: dict[str, Any]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="status-events", daemon=True)
            self._thread.start()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait((region, entry))

    def close(self) -> None:
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._waiting.put_nowait(None)
            self._thread.join(2)

    def _run(self) -> None:
        while (batch := self._gathered()) is not None:
            for region in dict.fromkeys(region for region, _ in batch):
                self._put(region, [entry for place, entry in batch if place == region])

    def _gathered(self) -> list[Entry] | None:
        """The waiting entries, at least one; ``None`` at the end."""
        first = self._waiting.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < _MOST_ENTRIES and not self._waiting.empty():
            told = self._waiting.get()
            if told is None:
                self._waiting.put(None)
                break
            batch.append(told)
        return batch

    def _put(self, region: str, entries: list[dict[str, Any]]) -> None:
        headers = {"x-amz-target": "AWSEvents.PutEvents", "content-type": "application/x-amz-json-1.1"}
        self._ask("events", region, Request("POST", "/", "", headers, orjson.dumps({"Entries": entries})))


class LogDestinations:
    """Checked before CreateStateMachine and UpdateStateMachine: a log destination must exist. Raises ``ApiError``.

    AWS tries the destination, too: it leaves a stream in the group (recorded).
    """

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours

    async def __call__(self, around: Surroundings, told: Mapping[str, Any]) -> None:
        given = told.get("loggingConfiguration") or {}
        for destination in given.get("destinations") or ():
            await asyncio.to_thread(self._check, log_group_arn(destination))

    def _check(self, arn: str) -> None:
        """Only existence is checked here. A text that is no ARN of a log group is refused when the configuration is
        read.
        """
        head, _, name = arn.partition(":log-group:")
        if not name or head.count(":") != 4:
            return
        names = {"logGroupName": name.removesuffix(":*"), "logStreamName": VALIDATION_STREAM}
        if b"ResourceNotFoundException" in self._call(head.split(":")[3], "CreateLogStream", names).body:
            raise refuse("InvalidLoggingConfiguration", "Log Destination not found.")

    def _call(self, region: str, operation: str, given: Mapping[str, Any]) -> Reply:
        headers = {"x-amz-target": f"Logs_20140328.{operation}", "content-type": "application/x-amz-json-1.1"}
        return self._neighbours.answer("logs", region, Request("POST", "/", "", headers, orjson.dumps(given)))
