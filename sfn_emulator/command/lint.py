"""``sfn-emulator lint``: every problem of definition files and templates, for people or for programs."""

import sys
from pathlib import Path
from typing import Final

import click

from sfn_emulator.asl.advice import advise
from sfn_emulator.asl.model import MachineType
from sfn_emulator.command.help_page import HelpPage, say
from sfn_emulator.lint.findings import CREATE, Finding, UnreadableError, in_file, in_text
from sfn_emulator.lint.formats import FORMATS

STDIN: Final = "-"

_EXAMPLES: Final = (
    ("sfn-emulator lint order.asl.json refund.asl.yaml", "A line for each problem: file, line, column, code."),
    ("sfn-emulator lint template.yaml serverless.yml", "The definitions inside SAM and Serverless templates."),
    ("cdk synth | sfn-emulator lint -", "CDK's template, from standard input."),
    ("sfn-emulator lint --format sarif *.asl.json > lint.sarif", "For a code scanner; 'github' annotates a workflow."),
)
_EXITS: Final = {0: "no errors (there may be warnings)", 1: "an error was found, or a file can't be read"}


@click.command("lint", cls=HelpPage, examples=_EXAMPLES, exits=_EXITS)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="FILE...")
@click.option(
    "--format",
    "format_",
    type=click.Choice(tuple(FORMATS)),
    default="text",
    show_default=True,
    help="The format of the report.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--express", is_flag=True, help="Check definitions as Express workflows. Templates have the type themselves."
)
@click.option(
    "--advice", is_flag=True, help="Warn about errors without a handler, too, and about handlers that never act."
)
def command(files: tuple[Path, ...], format_: str, as_json: bool, express: bool, advice: bool) -> None:
    """Report what create would refuse, and what it would warn about.

    A FILE is a definition in JSON or YAML, or a template of CloudFormation, SAM, CDK or Serverless with definitions
    inside; '-' is standard input. ${Substitutions} may become anything and are left open.

    Each code is explained in docs/how-to/linting.md.
    """
    kind = MachineType.EXPRESS if express else MachineType.STANDARD
    asked = CREATE._replace(advice=advise) if advice else CREATE
    findings: list[Finding] = []
    unreadable = False
    for path in files:
        try:
            findings += (
                in_text(_stdin(), "<stdin>", kind, asked=asked) if str(path) == STDIN else in_file(path, kind, asked)
            )
        except UnreadableError as error:
            say(str(error), err=True)
            unreadable = True
    say(FORMATS["json" if as_json else format_](findings), nl=False)
    sys.exit(int(unreadable or any(finding.is_error for finding in findings)))


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"<stdin>: not UTF-8 (byte {error.start})") from None
