"""A stream's feed: records in order, shard by shard, from where the last one ended.

The place is kept after each batch, so records are delivered at least once, also through a kill. A batch that fails is
tried again until it succeeds or is given up. Then the destination for failures gets its place, and the feed goes on
behind it (Lambda, ``with-ddb``, ``with-kinesis``). With a ParallelizationFactor, a shard has several lanes, each with a
feed and a place of its own: records of one key keep their order, because they are of one lane.
"""

import base64
import json
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

from sfn_emulator.cloud.delivery.checkpoints import Checkpoints
from sfn_emulator.cloud.delivery.sending import Client, send
from sfn_emulator.cloud.sources.filters import passes
from sfn_emulator.cloud.sources.records import Batching, Deliver, Failed, Record

_PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds before a failed batch is tried again; the last value repeats."""
_PAUSE: Final = 0.05
"""Seconds between two looks at what a window has gathered; a full batch is delivered at once."""


class Part(NamedTuple):
    """A record of a shard: its number, its time of arrival (epoch seconds), and the part that is delivered."""

    number: int
    at: float
    record: Record


class Stream(Protocol):
    """A stream's shards. Numbers grow; ``after`` -1 is the beginning."""

    arn: str

    def shards(self) -> list[str]: ...
    def read(self, shard: str, after: int, most: int) -> list[Part]: ...


@dataclass(frozen=True, slots=True)
class Lane:
    """One of the ``count`` parts of each shard that are read side by side."""

    index: int
    count: int

    def has(self, part: Part) -> bool:
        return self.count == 1 or zlib.crc32(_group(part.record.body)) % self.count == self.index

    def key(self, feed: str, shard: str) -> str:
        return f"{feed}/{shard}" if self.count == 1 else f"{feed}/{shard}/{self.index}.{self.count}"


def _group(body: Mapping[str, Any]) -> bytes:
    """What records share that must stay in order: the partition key, or the key of the row."""
    told = body["kinesis"]["partitionKey"] if "kinesis" in body else body["dynamodb"]["Keys"]
    return json.dumps(told, sort_keys=True).encode()


def regroup(checkpoints: Checkpoints, feed: str, shards: Sequence[str], count: int) -> None:
    """Where a shard had another number of lanes, each of the new ones begins at the place of the last of the old."""
    for shard in shards:
        kept = checkpoints.under(f"{feed}/{shard}")
        names = [Lane(index, count).key(feed, shard) for index in range(count)]
        if kept.keys() <= set(names):
            continue
        for name in names:
            checkpoints.put(name, str(min(map(int, kept.values()))))
        for name in kept.keys() - set(names):
            checkpoints.remove(name)


class Retrying:
    """A batch that failed, and when to try it again."""

    __slots__ = ("due", "size", "tries")

    def __init__(self, size: int) -> None:
        self.size, self.tries, self.due = size, 0, 0.0


class StreamFeed:
    """``key`` names its place among the checkpoints."""

    def __init__(
        self,
        key: str,
        stream: Stream,
        batching: Batching,
        deliver: Deliver,
        checkpoints: Checkpoints,
        client: Client,
        lane: Lane,
    ) -> None:
        self._lane = lane
        self._key, self._stream, self._batching = key, stream, batching
        self._deliver, self._checkpoints, self._client = deliver, checkpoints, client
        self._retrying: dict[str, Retrying] = {}

    def turn(self, stop: threading.Event) -> bool:
        did = False
        for shard in self._stream.shards():
            if stop.is_set():
                break
            did = self._shard(shard, stop) or did
        return did

    def _shard(self, shard: str, stop: threading.Event) -> bool:
        again = self._retrying.get(shard)
        if again is not None and time.monotonic() < again.due:
            return False
        size = self._batching.size if again is None else again.size
        until = time.monotonic() + (0.0 if again is not None else self._batching.window)
        parts = self._read(shard, size)
        while 0 < len(parts) < size and time.monotonic() < until and not stop.wait(_PAUSE):
            parts = self._read(shard, size)
        if parts:
            self._batch(shard, parts, stop)
        return bool(parts)

    def _read(self, shard: str, size: int) -> list[Part]:
        """The next records of this lane. Those of others are passed over, also where there is none of its own yet."""
        place = self._place(shard)
        if self._lane.count == 1:
            return self._stream.read(shard, place, size)
        found: list[Part] = []
        while len(found) < size and (parts := self._stream.read(shard, place, size)):
            found += filter(self._lane.has, parts)
            place = parts[-1].number
            if not found:
                self._checkpoints.put(self._lane.key(self._key, shard), str(place))
        return found[:size]

    def _batch(self, shard: str, parts: Sequence[Part], stop: threading.Event) -> None:
        wanted = [part for part in parts if passes(self._batching.filters, part.record.body)]
        failed = self._deliver([part.record for part in wanted]) if wanted else None
        if failed is None:
            self._passed(shard, parts[-1].number)
            return
        if stop.is_set():  # a function that ends with the server did not fail
            return
        first = self._first_failed(wanted, failed)
        if first is not None and first.number > wanted[0].number:
            self._passed(shard, first.number - 1)
            return
        self._again(shard, wanted, failed.why)

    def _first_failed(self, wanted: Sequence[Part], failed: Failed) -> Part | None:
        if failed.ids is None:
            return None
        return next((part for part in wanted if part.record.id in failed.ids), None)

    def _again(self, shard: str, wanted: Sequence[Part], why: str) -> None:
        state = self._retrying.setdefault(shard, Retrying(len(wanted)))
        state.tries += 1
        if self._given_up(state, wanted):
            self._tell(shard, wanted, state.tries, why)
            self._passed(shard, wanted[-1].number)
            return
        if self._batching.bisect and len(wanted) > 1:
            self._retrying[shard] = Retrying(max(1, len(wanted) // 2))  # a half starts its own count
            return
        state.due = time.monotonic() + _PAUSES[min(state.tries, len(_PAUSES)) - 1]

    def _given_up(self, state: Retrying, wanted: Sequence[Part]) -> bool:
        if self._batching.bisect and len(wanted) > 1:
            return False
        too_often = 0 <= self._batching.most_retries < state.tries
        age = time.time() - wanted[0].at  # noqa: TID251 - records carry the machine's time
        return too_often or 0 <= self._batching.most_age < age

    def _passed(self, shard: str, number: int) -> None:
        self._retrying.pop(shard, None)
        self._checkpoints.put(self._lane.key(self._key, shard), str(number))

    def _place(self, shard: str) -> int:
        """The number of the last record that is done with."""
        kept = self._checkpoints.get(self._lane.key(self._key, shard))
        if kept is not None:
            return int(kept)
        place = -1
        if self._batching.start == "LATEST":
            place = int(self._batching.began.get(shard, -1))
        elif self._batching.start == "AT_TIMESTAMP" and self._batching.start_at is not None:
            before = [p.number for p in self._stream.read(shard, -1, 1 << 30) if p.at < self._batching.start_at]
            place = before[-1] if before else -1
        self._checkpoints.put(self._lane.key(self._key, shard), str(place))
        return place

    def _tell(self, shard: str, wanted: Sequence[Part], tries: int, why: str) -> None:
        """Sends the place of records that were given up to the destination for failures. The records themselves are
        sent to a bucket only.
        """
        if self._batching.on_failure is None:
            return
        kind = "DDBStreamBatchInfo" if ":dynamodb:" in self._stream.arn else "KinesisBatchInfo"
        told = {
            "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": tries},
            "responseContext": {"functionError": why},
            "version": "1.0",
            "timestamp": _instant(time.time()),  # noqa: TID251 - told to people
            kind: {
                "shardId": shard,
                "startSequenceNumber": str(wanted[0].number),
                "endSequenceNumber": str(wanted[-1].number),
                "approximateArrivalOfFirstRecord": _instant(wanted[0].at),
                "approximateArrivalOfLastRecord": _instant(wanted[-1].at),
                "batchSize": len(wanted),
                "streamArn": self._stream.arn,
            },
        }
        if self._batching.on_failure.startswith("arn:aws:s3:"):
            told["payload"] = json.dumps({"Records": [part.record.body for part in wanted]})
        folder = f"aws/lambda/{self._key.rpartition('/')[2]}/{shard}"
        send(self._client, self._batching.on_failure, json.dumps(told), {"folder": folder})


def _instant(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


# -- the two kinds, read out of moto; ``held`` keeps others out of it meanwhile

Held = Callable[..., Any]
Backend = Callable[[str, str], Any]
"""(moto's module, region) → its backend."""


class TableStream:
    """A DynamoDB table's stream: one shard."""

    def __init__(self, arn: str, held: Held, backend: Backend) -> None:
        self.arn = arn
        self._region, self._table = arn.split(":")[3], arn.split("/")[1]
        self._held, self._backend = held, backend

    def shards(self) -> list[str]:
        with self._held("dynamodb"):
            table = self._found()
            return [] if table is None or table.stream_shard is None else [table.stream_shard.id]

    def read(self, shard: str, after: int, most: int) -> list[Part]:
        with self._held("dynamodb"):
            table = self._found()
            if table is None or table.stream_shard is None or table.stream_shard.id != shard:
                return []
            first = table.stream_shard.starting_sequence_number
            start = max(0, after + 1 - first)
            items = table.stream_shard.items[start : start + most]
            return [_row(item.to_json(), self.arn) for item in items]

    def _found(self) -> Any:
        return self._backend("dynamodb", self._region).tables.get(self._table)


def _row(told: Mapping[str, Any], arn: str) -> Part:
    """A row's change as functions see it (Lambda, ``with-ddb``)."""
    change = dict(told["dynamodb"])
    at = change["ApproximateCreationDateTime"]
    seconds = at.replace(tzinfo=UTC).timestamp() if isinstance(at, datetime) else float(at)
    change["ApproximateCreationDateTime"] = int(seconds)
    body = {**told, "eventVersion": "1.1", "awsRegion": arn.split(":")[3], "dynamodb": change, "eventSourceARN": arn}
    number = change["SequenceNumber"]
    return Part(int(number), seconds, Record(str(number), body))


class DataStream:
    """A Kinesis data stream."""

    def __init__(self, arn: str, held: Held, backend: Backend) -> None:
        self.arn = arn
        self._region, self._name = arn.split(":")[3], arn.split("/")[1]
        self._held, self._backend = held, backend

    def shards(self) -> list[str]:
        with self._held("kinesis"):
            stream = self._found()
            return [] if stream is None else [str(shard.shard_id) for shard in stream.shards.values()]

    def read(self, shard: str, after: int, most: int) -> list[Part]:
        with self._held("kinesis"):
            stream = self._found()
            found = None if stream is None else stream.shards.get(shard)
            if found is None:
                return []
            records, _, _ = found.get_records(str(max(after, 0)), most)
            return [_datum(record, shard, self.arn) for record in records]

    def _found(self) -> Any:
        return self._backend("kinesis", self._region).streams.get(self._name)


def _datum(record: Any, shard: str, arn: str) -> Part:
    """A datum as functions see it (Lambda, ``with-kinesis``)."""
    data = record.data if isinstance(record.data, str) else base64.b64encode(record.data).decode()
    number = str(record.sequence_number)
    body = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key,
            "sequenceNumber": number,
            "data": data,
            "approximateArrivalTimestamp": record.created_at,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{number}",
        "eventName": "aws:kinesis:record",
        "awsRegion": arn.split(":")[3],
        "eventSourceARN": arn,
    }
    return Part(int(number), record.created_at, Record(number, body))
