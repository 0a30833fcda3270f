"""Notes the changes that requests make, as deeds. Called inside moto's lock, right before and after a request.

Of DynamoDB every written row is noted, whoever wrote it, so that a table can be shown as it stood. Of other services
only calls on an execution's behalf are noted, without their data.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

import orjson

from sfn_emulator.cloud.keeping.errands import are_light
from sfn_emulator.cloud.keeping.moment import now
from sfn_emulator.cloud.requests.message import Reply, Request
from sfn_emulator.cloud.requests.operation import operation
from sfn_emulator.service.running.causes import Cause, Traces, cause
from sfn_emulator.service.running.deeds import Deed, Deeds

Backend = Callable[[str], Any]
"""moto's DynamoDB of a region."""

MOST_ROWS: Final = 1_000
"""Rows of a table that are shown at most."""


Named = tuple[str, dict[str, Any]]
"""A table as a request names it, and a row of it or the row's key."""


class Row(NamedTuple):
    """A row of moto's table, there or not; ``key`` is its key as people read it."""

    table: Any
    hash_key: Any
    range_key: Any
    key: str

    def item(self) -> Any:
        """moto's item; ``None`` if there is none."""
        return self.table.get_item(self.hash_key, self.range_key)

    def image(self) -> bytes | None:
        item = self.item()
        return None if item is None else _image(item)


class Touched(NamedTuple):
    """A row that a request writes; ``image`` is the row before the request."""

    row: Row
    image: bytes | None


class TableNow(NamedTuple):
    """A table as it is: ``rows`` key → DynamoDB JSON, the first ``MOST_ROWS``; ``total`` how many there are."""

    name: str
    region: str
    key: tuple[str, ...]
    rows: dict[str, bytes]
    total: int


class Witness:
    """Notes the changes that requests make. Call it with moto's lock held."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.deeds = Deeds()
        self.traces = Traces()

    def before(self, service: str, region: str, request: Request) -> list[Touched]:
        """The rows the request writes, as they are."""
        if service != "dynamodb":
            return []
        try:
            rows = self._rows(region, _written(operation(request), orjson.loads(request.body)))
            return [Touched(row, row.image()) for row in rows]
        except _UNFIT:
            return []

    def before_errand(self, region: str, request: Request) -> list[Touched] | None:
        """Like ``before``; ``None`` if the rows that the request names, also those it only reads or checks, hold
        much.
        """
        try:
            name, told = operation(request), orjson.loads(request.body)
            written = [(row, row.item()) for row in self._rows(region, _written(name, told))]
            looked_at = [row.item() for row in self._rows(region, _looked_at(name, told))]
            if not are_light([*(item for _, item in written), *looked_at]):
                return None
            return [Touched(row, None if item is None else _image(item)) for row, item in written]
        except _UNFIT:
            return None

    def after(self, service: str, region: str, request: Request, reply: Reply, touched: list[Touched]) -> None:
        """Notes the changes of a request, unless it was refused."""
        if reply.status >= 300:
            return
        who, at = cause(), now()
        name = operation(request) or request.method
        for row, before in touched:
            image = row.image()
            if image != before:
                told = Deed(0, at, who, service, name, row.table.name, row.key, before, image, region=region)
                self.deeds.add(told)
        if who is not None and service not in ("dynamodb", "logs", "lambda") and not name.startswith("Receive"):
            self.deeds.add(Deed(0, at, who, service, name, _target(request), region=region))

    def invoked(self, function: str, log: bytes, seconds: float, who: Cause | None) -> None:
        if who is not None:
            self.deeds.add(Deed(0, now(), who, "lambda", "Invoke", function, after=log, seconds=seconds))

    def tables(self, backends: list[tuple[str, Any]]) -> list[TableNow]:
        """All tables, by region."""
        return [_table_now(region, table) for region, backend in backends for table in backend.tables.values()]

    def _rows(self, region: str, named: Iterator[Named]) -> Iterator[Row]:
        """Those whose table is there."""
        tables = self._backend(region).tables
        for name, key in named:
            table = tables.get(name.rpartition("/")[2])
            if table is not None:
                yield _row(table, key)


_UNFIT: Final = (ValueError, TypeError, KeyError, AttributeError, StopIteration)
"""The errors of a malformed request, which will be refused."""


def _written(name: str, told: dict[str, Any]) -> Iterator[Named]:
    """Everything an operation writes."""
    if name == "PutItem":
        yield told["TableName"], told["Item"]
    elif name in ("UpdateItem", "DeleteItem"):
        yield told["TableName"], told["Key"]
    elif name == "TransactWriteItems":
        for item in told["TransactItems"]:
            for kind, write in item.items():
                if kind != "ConditionCheck":
                    yield write["TableName"], write["Item" if kind == "Put" else "Key"]
    elif name == "BatchWriteItem":
        for table, writes in told["RequestItems"].items():
            for write in writes:
                yield table, write["PutRequest"]["Item"] if "PutRequest" in write else write["DeleteRequest"]["Key"]


def _looked_at(name: str, told: dict[str, Any]) -> Iterator[Named]:
    """The rows that an operation by key reads or checks, and does not write."""
    if name == "GetItem":
        yield told["TableName"], told["Key"]
    elif name == "TransactWriteItems":
        for item in told["TransactItems"]:
            if "ConditionCheck" in item:
                yield item["ConditionCheck"]["TableName"], item["ConditionCheck"]["Key"]


def _row(table: Any, key: dict[str, Any]) -> Row:
    (kind, value), *_ = key[table.hash_key_attr].items()
    hash_key = _typed(kind, value)
    if not table.range_key_attr:
        return Row(table, hash_key, None, str(value))
    (kind, other), *_ = key[table.range_key_attr].items()
    return Row(table, hash_key, _typed(kind, other), f"{value} | {other}")


def _typed(kind: str, value: Any) -> Any:
    return _moto_type()({kind: value})


@cache
def _moto_type() -> Any:
    from moto.dynamodb.models.dynamo_type import DynamoType

    return DynamoType


def _image(item: Any) -> bytes:
    """moto's item as DynamoDB JSON."""
    return orjson.dumps(item.attrs, default=_untold)


def _untold(value: Any) -> Any:
    """A value in DynamoDB JSON, without moto's own types, at all depths."""
    return {value.type: value.value} if hasattr(value, "type") else str(value)


def _table_now(region: str, table: Any) -> TableNow:
    names = tuple(name for name in (table.hash_key_attr, table.range_key_attr) if name)
    rows: dict[str, bytes] = {}
    total = 0
    for item in table.all_items():
        total += 1
        if len(rows) < MOST_ROWS:
            key = " | ".join(str(item.attrs[name].value) for name in names)
            rows[key] = _image(item)
    return TableNow(table.name, region, names, rows, total)


_TARGETS: Final = (b"TopicArn", b"QueueUrl", b"EventBusName", b"StreamName", b"stateMachineArn", b"Name")


def _target(request: Request) -> str:
    """The resource that a request is about, as far as its parameters name it."""
    if request.body[:1] == b"{":
        told = orjson.loads(request.body)
        found = next((told[name.decode()] for name in _TARGETS if name.decode() in told), None)
        return str(found) if isinstance(found, str) else request.path
    for pair in request.body.split(b"&") if len(request.body) < 65_536 else ():
        name, _, value = pair.partition(b"=")
        if name in _TARGETS:
            from urllib.parse import unquote_plus

            return unquote_plus(value.decode("latin-1"))
    return request.path
