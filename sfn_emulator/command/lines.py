"""Prints lines: on a terminal styled and cropped to its width, except for the last; in a pipe whole and plain."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from sfn_emulator.command.help_page import say
from sfn_emulator.picture.drawn import Drawn


def show(lines: Iterable[Text], end: Text) -> None:
    """Prints the lines, and below them how it ended. This last line is never cropped."""
    console = Console(highlight=False)
    for line in lines:
        if console.is_terminal:
            console.print(Drawn(line), no_wrap=True, overflow="ellipsis")
        else:
            say(line.plain)
    if console.is_terminal:
        console.print(Drawn(end))
    else:
        say(end.plain)
