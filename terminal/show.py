"""How it looks: steps as they pass, and tables before, at the wait and after with what differs marked."""

from collections.abc import Iterable, Mapping
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
HIDDEN = ("Saga",)
"""Columns that say nothing to a person."""


def step_line(step: Step) -> Text:
    """``✗ Update Inventory   failed   0.12 s  ERROR`` on one line."""
    sign, colour = LOOKS[step.outcome]
    took = "" if step.seconds is None else f"{step.seconds:.2f} s"
    said = step.error or step.status
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
    """The moments side by side for every row that is not the same in all of them, then what stayed as it was."""
    first = next(iter(moments.values()))
    shown = Table(title="Tables", title_justify="left", box=None, padding=(0, 2, 0, 0))
    shown.add_column("", min_width=max((len(f"{t}/{k}") for s in moments.values() for t in s for k in s[t]), default=0))
    for moment in moments:
        shown.add_column(moment)
    same = 0
    for table in first:
        for key in sorted({key for snapshot in moments.values() for key in snapshot[table]}):
            rows = [snapshot[table].get(key) for snapshot in moments.values()]
            if all(row == rows[0] for row in rows):
                same += 1
            else:
                shown.add_row(f"{table}/{key}", *_cells(rows))
    foot = Text(f"  {same} rows the same at every moment", style="dim")
    return Group(shown, foot) if shown.row_count else Group(Text("Tables: no row changed at any moment"), foot)


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
    text = ", ".join(f"{name}={str(row[name])[:40]}" for name in names if name in row)
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
            table.add_row(*(str(row.get(c, ""))[:60] for c in columns))
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
    return made if made.is_terminal else Console(highlight=False, width=200, no_color=True)
