"""The writes of each step into the saga's tables. The emulator reports them; other targets do not."""

import json
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from terminal.report.tables import Row, Snapshot, changes


@dataclass(frozen=True)
class Write:
    """A row before and after; ``None`` if there is none. ``state`` is the step that wrote it."""

    state: str
    table: str
    key: str
    before: Row | None
    after: Row | None

    @property
    def mark(self) -> str:
        return "+" if self.before is None else "-" if self.after is None else "~"


def of(url: str | None, arn: str, tables: Mapping[str, Mapping[str, Any]]) -> list[Write] | None:
    """An execution's writes into ``tables``, oldest first, from the emulator at ``url``. ``None`` if they are not
    known, or no longer complete.
    """
    try:
        with urllib.request.urlopen(f"{url}/_sfn/api/tables?arn={quote(arn)}", timeout=30) as answer:
            told = json.load(answer)
    except (OSError, ValueError):
        return None
    if not told.get("complete"):
        return None
    return [_write(deed, tables[deed["target"]]["key"]) for deed in told["deeds"] if deed["target"] in tables]


def _write(deed: Mapping[str, Any], key: Iterable[str]) -> Write:
    before, after = deed["before"], deed["after"]
    name = "/".join(str((after or before)[part]) for part in key)
    return Write(deed["state"], deed["target"], name, before, after)


def furthest(before: Snapshot, writes: Iterable[Write]) -> tuple[str, Snapshot]:
    """The moment at which most rows differed from ``before``: the step that had just written, and the tables."""
    now, found = before, ("", before)
    for write in writes:
        table = {key: row for key, row in now[write.table].items() if key != write.key}
        now = {**now, write.table: table if write.after is None else {**table, write.key: write.after}}
        if len(changes(before, now)) > len(changes(before, found[1])):
            found = (write.state, now)
    return found


def row(write: Write) -> dict[str, Any]:
    """A write for machines."""
    told = {"state": write.state, "mark": write.mark, "table": write.table, "key": write.key}
    return {**told, "before": write.before, "after": write.after}
