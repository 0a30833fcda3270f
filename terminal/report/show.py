"""Prints for people: lines, the writes of each step, and the tables at several moments with their differences."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from sfn_emulator.picture.drawn import Drawn
from sfn_emulator.picture.printable import printable
from terminal.report.tables import Change, Row, Snapshot, changes
from terminal.report.writes import Write

MARKS = {"+": "green", "-": "red", "~": "yellow"}
TELLING = ("Status", "Quantity", "InStock", "Reason")
"""Endings of the columns that are shown for a new or removed row."""
_ANY = 100_000
"""The width of a pipe: practically unlimited."""
_IN_A_PIPE = 120
"""In a pipe, wider tables are printed one column below the other."""
_LONG = 40
HIDDEN = ("Saga",)
"""Columns without a meaning for people."""


def lines(texts: Iterable[Text]) -> None:
    """Prints a line each: cropped to the width of a terminal, whole in a pipe."""
    shown = console()
    for text in texts:
        if shown.is_terminal:
            shown.print(Drawn(text), no_wrap=True, overflow="ellipsis")
        else:
            click.echo(printable(text.plain))  # noqa: TID251 - it is what all others are to use


def told(text: RenderableType) -> None:
    """Prints words, or a rich renderable; in a pipe without trailing blanks."""
    shown = console()
    if shown.is_terminal:
        shown.print(Drawn(text))
        return
    with shown.capture() as drawn:
        shown.print(Drawn(text))
    click.echo("\n".join(line.rstrip() for line in drawn.get().splitlines()))  # noqa: TID251 - as above


def noted(text: str) -> None:
    """Prints words on standard error."""
    click.echo(printable(text), err=True)  # noqa: TID251 - as above


def writes(made: Sequence[Write]) -> Iterator[Text]:
    """``Update Inventory   ~ Inventory/ITEM001   ItemsInStock 500 → 499``, a line for each written row. If that is too
    long for a line, the rows stand below their step.
    """
    yield Text("What each step wrote", style="italic")
    wide = max(len(f"{write.table}/{write.key}") for write in made)
    told = [(write, f"{f'{write.table}/{write.key}':<{wide}}  {_written(write)}".rstrip()) for write in made]
    names = max(len(write.state) for write in made)
    beside = names + 5 + max(len(row) for _, row in told) <= _room()
    last = ""
    for write, row in told:
        state = "" if write.state == last else write.state
        last = write.state
        if state and not beside:
            yield Text(f"  {state}")
        yield Text.assemble(f"  {state:<{names}} " if beside else "    ", (f"{write.mark} {row}", MARKS[write.mark]))
    yield Text("")


def _written(write: Write) -> str:
    before, after = write.before or {}, write.after or {}
    if not after:
        return ""
    names = [name for name in after if name not in HIDDEN and after[name] != before.get(name)]
    if not before:
        return ", ".join(f"{name}={_short(after[name])}" for name in names if name.endswith(TELLING))
    return ", ".join(f"{name} {_short(before.get(name, '·'))} → {_short(after[name])}" for name in names)


def tables(moments: Mapping[str, Snapshot], only_looked: bool) -> RenderableType:
    """The moments side by side for every row that differs between them, then the number of unchanged rows. Without room
    they stand one below the other. ``only_looked``: writes between the moments are not known.
    """
    rows = dict(_differing(moments))
    total = sum(len(table) for table in next(iter(moments.values())).values())
    looked = f"looked at: {', '.join(moments)}; what was written and undone between two looks is not seen"
    if not rows:
        same = f"Tables: {total} rows, the same before and after"
        return Text(f"{same} ({looked})" if only_looked else same)
    unchanged = len({(t, k) for s in moments.values() for t in s for k in s[t]}) - len(rows)
    foot = Text(f"  {unchanged} rows the same at every moment" + (f" ({looked})" if only_looked else ""), style="dim")
    return Group(_fitting(_side_by_side(rows, moments), _stacked(rows, moments)), foot)


def _fitting(wide: Table, narrow: RenderableType) -> RenderableType:
    """The wide form, if there is room for it."""
    shown = console()
    fits = shown.measure(wide, options=shown.options.update(max_width=_ANY)).maximum <= _room()
    return wide if fits else narrow


def _room() -> int:
    """The width in columns for things side by side."""
    return console().width if console().is_terminal else _IN_A_PIPE


def _side_by_side(rows: Mapping[str, list[Text]], moments: Collection[str]) -> Table:
    shown = _plain_table("", *moments, title="Tables")
    for name, cells in rows.items():
        shown.add_row(name, *cells)
    return shown


def _plain_table(*columns: str, title: str) -> Table:
    return Table(*columns, title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), min_width=len(title))


def _differing(moments: Mapping[str, Snapshot]) -> Iterator[tuple[str, list[Text]]]:
    for table in next(iter(moments.values())):
        for key in sorted({key for snapshot in moments.values() for key in snapshot[table]}):
            rows = [snapshot[table].get(key) for snapshot in moments.values()]
            if any(row != rows[0] for row in rows):
                yield f"{table}/{key}", _cells(rows)


def _stacked(rows: Mapping[str, list[Text]], moments: Collection[str]) -> RenderableType:
    wide = max(map(len, moments))
    shown = [Text("Tables", style="italic")]
    for name, cells in rows.items():
        shown.append(Text(name))
        shown += [Text.assemble(f"  {moment:<{wide}}  ", cell) for moment, cell in zip(moments, cells, strict=True)]
    return Group(*shown)


def _cells(rows: Iterable[Mapping[str, Any] | None]) -> list[Text]:
    """Each row's columns that differ at any moment, marked where they differ from the first one."""
    rows = list(rows)
    first = rows[0]
    names = [name for row in rows if row for name in row if name not in HIDDEN]
    differing = [n for n in dict.fromkeys(names) if any((row or {}).get(n) != (first or {}).get(n) for row in rows)]
    keys = differing if all(rows) else [n for n in differing if n.endswith(TELLING)]
    return [_cell(row, first, keys) for row in rows]


def _cell(row: Mapping[str, Any] | None, first: Mapping[str, Any] | None, names: Iterable[str]) -> Text:
    if row is None:
        return Text("- gone", style=MARKS["-"]) if first else Text("·", style="dim")
    text = ", ".join(f"{name}={_short(row[name])}" for name in names if name in row)
    if row == first:
        return Text(text)
    mark = "~" if first else "+"
    return Text(f"{mark} {text}", style=MARKS[mark])


def contents(snapshot: Snapshot) -> RenderableType:
    """Every row of every table. Columns without room side by side stand one below the other."""
    shown = (
        _fitting(_whole(name, rows), _each_row(name, rows)) if rows else _each_row(name, rows)
        for name, rows in snapshot.items()
    )
    return Group(*(part for table in shown for part in (table, Text(""))))


def _whole(name: str, rows: Mapping[str, Row]) -> Table:
    columns = list(dict.fromkeys(c for row in rows.values() for c in row if c not in HIDDEN))
    table = _plain_table(*columns, title=f"{name} ({len(rows)})")
    for row in rows.values():
        table.add_row(*(_short(row.get(c, "")) for c in columns))
    return table


def _each_row(name: str, rows: Mapping[str, Row]) -> RenderableType:
    shown = [Text(f"{name} ({len(rows)})", style="italic")]
    for key, row in rows.items():
        shown.append(Text(key))
        shown += [Text.assemble(f"  {column:<14} ", _short(row[column])) for column in row if column not in HIDDEN]
    return Group(*shown)


def change_rows(before: Snapshot, after: Snapshot) -> list[dict[str, Any]]:
    """The differences, for machines."""
    return [_row(change) for change in changes(before, after)]


def _row(change: Change) -> dict[str, Any]:
    told = {"mark": change.mark, "table": change.table, "key": change.key}
    told |= {"column": change.column} if change.column else {}
    return {**told, "before": change.before, "after": change.after}


@cache
def console() -> Console:
    """A console that prints plain, unwrapped lines if the output is not a terminal."""
    made = Console(highlight=False, soft_wrap=False)
    return made if made.is_terminal else Console(highlight=False, width=_ANY, no_color=True)


def _short(value: Any) -> str:
    """Long values end in an ellipsis on a terminal; in a pipe they are whole."""
    text = str(value)
    return text if len(text) <= _LONG or not console().is_terminal else f"{text[:_LONG]}…"
