"""What every sub-command says: its ``--help`` (options in sections, examples, exit statuses), its lines, its error."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from sfn_emulator.picture.printable import printable

DONE: Final = {0: "success"}
USAGE: Final = {2: "the command line was not understood"}


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Prints a text, which may hold texts of others, as a terminal may show it."""
    click.echo(printable(text), err=err, nl=nl)  # noqa: TID251 - it is what all others are to use


class HelpPage(click.Command):
    """A command with a complete help page.

    ``examples`` are pairs of a command line and what it does; ``exits`` what each exit status means (2, for a command
    line that can't be understood, is added); ``sections`` the names of options by the title above them.
    """

    def __init__(
        self,
        *arguments: Any,
        examples: Sequence[tuple[str, str]],
        exits: Mapping[int, str] = DONE,
        sections: Mapping[str, Sequence[str]] | None = None,
        **named: Any,
    ) -> None:
        super().__init__(*arguments, **named)
        self.examples, self.exits, self.sections = examples, {**USAGE, **exits}, sections or {}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
        told = {option.name: record for option in options if (record := option.get_help_record(ctx))}
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([told.pop(name) for name in names])
        with formatter.section("Options"):
            formatter.write_dl(list(told.values()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            for line, does in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
                with formatter.indentation():
                    formatter.write_text(does)
        with formatter.section("Exit status"):
            formatter.write_dl([(str(status), means) for status, means in sorted(self.exits.items())])
        super().format_epilog(ctx, formatter)


class HelpGroup(click.Group):
    """A group whose help shows the whole first sentence of each command, on as many lines as it takes."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        told = [(name, " ".join((one.help or "").partition("\n\n")[0].split())) for name, one in found if one]
        with formatter.section("Commands"):
            formatter.write_dl(told)


class Failure(click.ClickException):
    """A command failed; the text says on one line what is wrong, where, and how to mend it."""

    def show(self, file: Any = None) -> None:
        say(f"sfn-emulator: {self.message}", err=True)
