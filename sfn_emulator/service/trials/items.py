"""``mapItemReaderData``: the data that a Map's ItemReader reads in the trial, in the form of its source."""

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from sfn_emulator.asl.model import CSV_DELIMITERS, ItemReader
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.service.errors import ApiError, refuse
from sfn_emulator.values import UNSET, Unset, Value, loads


class Read(NamedTuple):
    """The ``items``; ``pointed`` if ItemsPointer picked them out of a larger value."""

    items: Value
    pointed: Value | Unset = UNSET


def read_items(text: str, reader: ItemReader) -> Read:
    """The items in the data. Raises ``ValidationException`` for data that does not fit the reader's InputType."""
    kind = reader.config.get("InputType", "JSON")
    pointed: Value | Unset = UNSET
    if kind == "CSV":
        items = _table(text, reader.config)
    elif kind == "JSONL":
        items = [_json(line) for line in text.splitlines() if line.strip()]
    else:
        items = _json(text)
        pointer = reader.config.get("ItemsPointer")
        if isinstance(pointer, str):
            items = pointed = _at(items, pointer)
        elif reader.resource.action == "listObjectsV2" and isinstance(items, dict):
            items = items.get("Contents", [])
    if not isinstance(items, list | dict):
        raise _unfit("must hold a JSON array or object")
    return Read(_at_most(items, reader.config.get("MaxItems")), pointed)


def _at_most(items: Value, most: Value | Compiled | None) -> Value:
    if not isinstance(most, int) or not most:
        return items
    return items[:most] if isinstance(items, list) else dict(list(items.items())[:most])


def _table(text: str, config: Mapping[str, Any]) -> Value:
    try:
        return list(_rows(text, config))
    except csv.Error as error:
        raise _unfit(f"must be valid CSV: {error}") from None


def _rows(text: str, config: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    rows = csv.reader(io.StringIO(text), delimiter=CSV_DELIMITERS[config.get("CSVDelimiter", "COMMA")])
    given = config.get("CSVHeaderLocation") == "GIVEN"
    names = config.get("CSVHeaders", []) if given else next(rows, [])
    for row in rows:
        if row:
            yield dict(zip_longest(names, row[: len(names)], fillvalue=""))


def _json(text: str) -> Value:
    try:
        return loads(text)
    except ValueError:
        raise _unfit("must be valid JSON") from None


def _at(value: Value, pointer: str) -> Value:
    """The value at a JSON Pointer (RFC 6901)."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise _unfit(f"has nothing at the ItemsPointer '{pointer}'")
    return value


def _unfit(problem: str) -> ApiError:
    return refuse("ValidationException", f"stateConfiguration.mapItemReaderData {problem}")
