"""The rows of every DynamoDB table, read from moto's memory: without a request, so that looking changes nothing."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.values import dumps

Row: TypeAlias = Mapping[str, Any]
Tables: TypeAlias = dict[str, list[dict[str, Any]]]


def look(neighbours: Neighbours) -> Tables:
    """Rows as plain dicts, in an order that does not depend on when they were written."""
    with neighbours.held():
        found: Tables = {}
        for _, backend in neighbours.backends("dynamodb"):
            for name, table in sorted(backend.tables.items()):
                rows = [_row(item.to_json()["Attributes"]) for item in table.all_items()]
                found[name] = sorted(rows, key=dumps)
        return found


def _row(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: plain(value) for name, value in attributes.items()}


def plain(typed: Mapping[str, Any]) -> Any:
    """A value in DynamoDB's typed form as Python's own; sets are sorted lists."""
    ((kind, value),) = typed.items()
    return _PLAIN[kind](value) if kind in _PLAIN else value


_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "N": lambda text: _number(text),
    "M": lambda members: {name: plain(inner) for name, inner in members.items()},
    "L": lambda items: [plain(item) for item in items],
    "NS": lambda texts: sorted(map(_number, texts)),
    "SS": sorted,
    "NULL": lambda _: None,
}


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def changes(before: Tables, after: Tables) -> list[str]:
    """A line for each row that came (+) or went (-); a row that changed is both."""
    made: list[str] = []
    for name in sorted({*before, *after}):
        old = [dumps(row) for row in before.get(name, [])]
        new = [dumps(row) for row in after.get(name, [])]
        made += [f"- {name} {row}" for row in old if row not in new]
        made += [f"+ {name} {row}" for row in new if row not in old]
    return made
