"""The rows of the saga's tables, and the differences between two looks at them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Snapshot = dict[str, dict[str, Row]]
"""table → key (parts joined by a slash) → row"""


def look(dynamodb: Any, tables: Mapping[str, Mapping[str, Any]]) -> Snapshot:
    """Every row of the tables, read consistently. ``tables`` is the section of the configuration."""
    return {name: dict(_rows(dynamodb, name, told["key"])) for name, told in tables.items()}


def _rows(dynamodb: Any, table: str, key: Iterable[str]) -> Iterator[tuple[str, Row]]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            row = {name: _plain(value) for name, value in item.items()}
            yield "/".join(str(row[name]) for name in key), row


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    return int(content) if kind == "N" and content.lstrip("-").isdigit() else content


@dataclass(frozen=True)
class Change:
    """``column`` is empty for a whole row; ``before`` and ``after`` are ``None`` where there is no row."""

    table: str
    key: str
    column: str
    before: Any
    after: Any

    @property
    def mark(self) -> str:
        return "+" if self.before is None else "-" if self.after is None else "~"


def changes(before: Snapshot, after: Snapshot) -> list[Change]:
    """The differences, table by table."""
    return [change for table in after for change in _changes(table, before.get(table, {}), after[table])]


def _changes(table: str, before: Mapping[str, Row], after: Mapping[str, Row]) -> Iterator[Change]:
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old is None or new is None:
            yield Change(table, key, "", old, new)
        else:
            columns = [*new, *(name for name in old if name not in new)]
            yield from (Change(table, key, c, old.get(c), new.get(c)) for c in columns if old.get(c) != new.get(c))
