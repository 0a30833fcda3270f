"""A transaction of DynamoDB copies the rows it names, so that it can be undone; moto copies whole tables.

A transaction of two writes in two tables of 500 rows took 28 ms of a processor, and more with every row; now it takes
1.5. For upstream: ``DynamoDBBackend.transact_write_items`` needs no more than the rows it names.
"""

import copy
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

from sfn_emulator.cloud.corrections.replacing import replace

Row = tuple[Any, Any, Any]
"""Hash key, range key or ``None``, and a copy of the item or ``None`` where there is none."""


def correct() -> None:
    models: Any = importlib.import_module("moto.dynamodb.models")
    replace(models.DynamoDBBackend, "transact_write_items", _all_or_none)
    models.copy = SimpleNamespace(copy=copy.copy, deepcopy=_without_tables(models.Table))


def _without_tables(table: type[Any]) -> Callable[..., Any]:
    """Stands in for ``copy.deepcopy`` in ``moto.dynamodb.models``, where only a transaction copies tables: tables are
    not copied.
    """

    def deepcopy(value: Any, *memo: Any) -> Any:
        return value if isinstance(value, table) else copy.deepcopy(value, *memo)

    return deepcopy


def _all_or_none(inner: Callable[..., Any]) -> Callable[..., Any]:
    def transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> Any:
        with _taken_back(self, transact_items):
            return inner(self, transact_items)

    return transact_write_items


@contextmanager
def _taken_back(backend: Any, writes: list[dict[str, Any]]) -> Iterator[None]:
    """Undoes all of the writes when one fails."""
    kept: list[tuple[Any, Row]] = []
    for write in writes[:100]:
        with suppress(Exception):  # moto reports what is wrong with it
            kept.append(_kept(backend, next(iter(write.values()))))
    streams = {
        id(table): (table.stream_shard, len(table.stream_shard.items)) for table, _ in kept if table.stream_shard
    }
    try:
        yield
    except Exception:
        for table, row in kept:
            _put_back(table, *row)
        for shard, length in streams.values():
            del shard.items[length:]
        raise


def _kept(backend: Any, write: dict[str, Any]) -> tuple[Any, Row]:
    table = backend.get_table(write["TableName"])
    key = write["Key"] if "Key" in write else {name: write["Item"][name] for name in table.table_key_attrs}
    hash_key, range_key = backend.get_keys_value(table, key)
    return table, (hash_key, range_key, copy.deepcopy(table.get_item(hash_key, range_key)))


def _put_back(table: Any, hash_key: Any, range_key: Any, item: Any) -> None:
    rows, key = (table.items, hash_key) if range_key is None else (table.items[hash_key], range_key)
    if item is not None:
        rows[key] = item
    else:
        rows.pop(key, None)
    if range_key is not None and not rows:
        del table.items[hash_key]
