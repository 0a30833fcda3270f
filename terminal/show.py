"""How it looks: steps as they pass, and tables before, at the wait and after with what differs marked."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from terminal.steps import Step
from terminal.tables import Change, Snapshot, changes

LOOKS = {
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "compensating": ("↩", "yellow"),
    "compensated": ("↩", "yellow"),
    "waiting": ("…", "cyan"),
    "retrying": ("↻", "yellow"),
    "running": ("▸", "bold"),
}
MARKS = {"+": "green", "-": "red", "~": "yellow"}
_ANY = 100_000
"""Columns where there is no end of them: in a pipe."""
_LONG = 40
HIDDEN = ("Saga",)
"""Columns that say nothing to a person."""


def step_line(step: Step) -> Text:
    """``✗ Update Inventory   failed   0.12 s  ERROR`` on one line."""
    sign, colour = LOOKS[step.outcome]
    took = "" if step.seconds is None else f"{step.seconds:.2f} s"
    said = ": ".join(part for part in (step.error or step.status, step.reason if step.failed else "") if part)
    tries = f" ({step.attempts} attempts)" if step.attempts > 1 else ""
    return Text(f"  {sign} {step.state:<24}{step.outcome:<14}{took:>9}  {said}{tries}".rstrip(), style=colour)


def lines(texts: Iterable[Text]) -> None:
    """Prints a line each: cropped to the width of a terminal, whole in a pipe."""
    shown = console()
    for text in texts:
        if shown.is_terminal:
            shown.print(text, no_wrap=True, overflow="ellipsis")
        else:
            click.echo(text.plain)


def tables(moments: Mapping[str, Snapshot]) -> RenderableType:
    """The moments side by side for every row that is not the same in all of them, then what stayed as it was.

    Where there is no room side by side, one below the other.
    """
    rows = dict(_differing(moments))
    total = sum(len(table) for table in next(iter(moments.values())).values())
    looked = ", ".join(moments)
    if not rows:
        return Text(f"Tables: the same at every moment that was looked at ({looked}); {total} rows")
    shown = Table(title="Tables", title_justify="left", box=None, padding=(0, 2, 0, 0))
    shown.add_column("", no_wrap=True)
    for moment in moments:
        shown.add_column(moment)
    for name, cells in rows.items():
        shown.add_row(name, *cells)
    room = console()
    fits = room.measure(shown, options=room.options.update(max_width=_ANY)).maximum <= room.width
    same = len({(t, k) for s in moments.values() for t in s for k in s[t]}) - len(rows)
    foot = Text(f"  {same} rows the same at every moment", style="dim")
    return Group(shown if fits else _stacked(rows, moments), foot)


def _differing(moments: Mapping[str, Snapshot]) -> Iterator[tuple[str, list[Text]]]:
    for table in next(iter(moments.values())):
        for key in sorted({key for snapshot in moments.values() for key in snapshot[table]}):
            rows = [snapshot[table].get(key) for snapshot in moments.values()]
            if any(row != rows[0] for row in rows):
                yield f"{table}/{key}", _cells(rows)


def _stacked(rows: Mapping[str, list[Text]], moments: Iterable[str]) -> RenderableType:
    shown = [Text("Tables", style="italic")]
    for name, cells in rows.items():
        shown.append(Text(name))
        shown += [Text.assemble(f"  {moment:<12} ", cell) for moment, cell in zip(moments, cells, strict=True)]
    return Group(*shown)


def _cells(rows: Iterable[Mapping[str, Any] | None]) -> list[Text]:
    """Each row's columns that ever differ, marked where they are not as in the first."""
    rows = list(rows)
    first = rows[0]
    names = [name for row in rows if row for name in row if name not in HIDDEN]
    differing = [n for n in dict.fromkeys(names) if any((row or {}).get(n) != (first or {}).get(n) for row in rows)]
    keys = differing if all(rows) else [n for n in differing if n.endswith(("Status", "Quantity", "InStock", "Reason"))]
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
    """Every row of every table."""
    shown = []
    for name, rows in snapshot.items():
        columns = list(dict.fromkeys(c for row in rows.values() for c in row if c not in HIDDEN))
        table = Table(*columns, title=f"{name} ({len(rows)})", title_justify="left", box=None, padding=(0, 2, 0, 0))
        for row in rows.values():
            table.add_row(*(_short(row.get(c, "")) for c in columns))
        shown.append(table)
    return Group(*shown)


def change_rows(before: Snapshot, after: Snapshot) -> list[dict[str, Any]]:
    """For machines: what differs."""
    return [_row(change) for change in changes(before, after)]


def _row(change: Change) -> dict[str, Any]:
    told = {"mark": change.mark, "table": change.table, "key": change.key}
    told |= {"column": change.column} if change.column else {}
    return {**told, "before": change.before, "after": change.after}


@cache
def console() -> Console:
    """Plain, unwrapped lines when the output is not a terminal."""
    made = Console(highlight=False, soft_wrap=False)
    return made if made.is_terminal else Console(highlight=False, width=_ANY, no_color=True)


def _short(value: Any) -> str:
    """Long values end in an ellipsis on a terminal; in a pipe they are whole."""
    text = str(value)
    return text if len(text) <= _LONG or not console().is_terminal else f"{text[:_LONG]}…"
