"""``sfn-emulator``: a table of sub-commands, each imported only when it is called.

A command line that begins with an option is a call of ``serve``: ``sfn-emulator --port 0`` is ``sfn-emulator serve
--port 0``, and so is a bare ``sfn-emulator``.
"""

import os
import sys
import traceback
from importlib import import_module
from typing import Final

import click
from click.shell_completion import CompletionItem, get_completion_class

from sfn_emulator import __version__
from sfn_emulator.command.help_page import say
from sfn_emulator.errors import lacking

NAME: Final = "sfn-emulator"
COMPLETION: Final = "_SFN_EMULATOR_COMPLETE"
DEBUG: Final = "SFN_EMULATOR_DEBUG"
DEFAULT: Final = "serve"

COMMANDS: Final = {
    "serve": "Serve Step Functions and the services it calls, on one port.",
    "prove": "Prove that no failure of a saga leaves a trace, or find a counterexample.",
    "graph": "Draw a definition, as Mermaid, Graphviz, SVG or JSON.",
    "show": "Show what an execution did, as a tree.",
    "run": "Run one execution here, in virtual time, and show its states.",
    "logs": "Show what functions printed and executions logged.",
    "clock": "Show a server's time, or move it on.",
    "dev": "Deploy a definition or template at each change, and show executions as they pass.",
    "iam": "Print the least policy a definition needs of its role.",
    "record": "Record an execution as data, with its Tasks' answers and a test.",
    "replay": "Run a definition against recorded executions, and show which go another way.",
    "cover": "Show which parts of definitions were taken by executions.",
    "lint": "Check definitions, in files and in templates.",
}
"""Each is a file of this folder. The line is its help in ``sfn-emulator --help``, which imports none of them."""


class FrontDoor(click.Group):
    """The commands of the table, none imported before it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = import_module(f"sfn_emulator.command.{cmd_name}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {name for option in self.get_params(ctx) for name in option.opts}
        if ctx.resilient_parsing:  # a shell asks for completions
            return super().parse_args(ctx, args)
        if not args or (args[0].startswith("-") and args[0].partition("=")[0] not in own):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        options = click.Command.shell_complete(self, ctx, incomplete)
        return options + [CompletionItem(n, help=told) for n, told in COMMANDS.items() if n.startswith(incomplete)]


def _tell_completion(ctx: click.Context, _: click.Parameter, shell: str | None) -> None:
    """Prints the script that teaches a shell our commands, and ends."""
    kind = get_completion_class(shell) if shell else None
    if kind is not None:
        click.echo(kind(front_door, {}, NAME, COMPLETION).source())  # noqa: TID251 - a shell's program
        ctx.exit()


@click.group(
    cls=FrontDoor,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"Without a command it serves: '{NAME} --port 0' is '{NAME} serve --port 0'. "
    f"'{NAME} COMMAND --help' tells a command's options, examples and exit statuses.",
)
@click.version_option(__version__, "-V", "--version", prog_name=NAME)
@click.option(
    "--completion",
    type=click.Choice(["bash", "zsh", "fish"]),
    is_eager=True,
    expose_value=False,
    callback=_tell_completion,
    help=f'Print the script that completes words: eval "$({NAME} --completion bash)".',
)
def front_door() -> None:
    """AWS Step Functions on this machine, with the services it calls."""


_ODD: Final[dict[type[Exception], str]] = {
    RecursionError: "the input is nested too deeply",
    UnicodeError: "the input has text that is no Unicode",
    MemoryError: "the input is too large",
}


def _plainly(error: Exception) -> str:
    """One line for people, without the names of Python's errors."""
    known = next((text for kind, text in _ODD.items() if isinstance(error, kind)), None)
    told = " ".join(str(error).split())
    if known is None and "int_max_str_digits" in told:
        known = "the input has a number with too many digits"
    return known or f"an error of the emulator itself, not of your input: {told}"


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and exits. An unexpected error becomes one line on standard error and status 1."""
    try:
        status = front_door.main(arguments, prog_name=NAME, complete_var=COMPLETION, standalone_mode=False)
    except click.Abort:
        sys.exit(1)
    except click.exceptions.NoArgsIsHelpError as error:
        say(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else NAME
        told = error.format_message().rstrip(".")
        say(f"{path}: {told}; '{path} --help' tells what there is", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        say(f"{NAME}: {lacking(error)}", err=True)
        sys.exit(1)
    except Exception as error:  # the last line of defence: no traceback reaches a user unless asked for
        if os.environ.get(DEBUG):
            traceback.print_exc()
        say(f"{NAME}: {_plainly(error)}; set {DEBUG}=1 to see where", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
