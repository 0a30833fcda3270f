"""Styled lines on a terminal, cropped to its width but for the last; whole and plain in a pipe."""

from collections.abc import Iterable

import click
from rich.console import Console
from rich.text import Text


def show(lines: Iterable[Text], end: Text) -> None:
    """A line each, and below them how it ended, which is never cut."""
    console = Console(highlight=False)
    for line in lines:
        if console.is_terminal:
            console.print(line, no_wrap=True, overflow="ellipsis")
        else:
            click.echo(line.plain)
    if console.is_terminal:
        console.print(end)
    else:
        click.echo(end.plain)
