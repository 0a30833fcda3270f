"""``sfn-emulator iam FILE``: the least policy a definition needs of its role."""

import json
from pathlib import Path
from typing import Final

import click

from sfn_emulator.command.files import text_of
from sfn_emulator.command.help_page import DONE, Failure, HelpPage, say
from sfn_emulator.picture.definition import UndrawableError, read_definition
from sfn_emulator.tasks.iam.least import Around, least

_EXAMPLES: Final = (
    ("sfn-emulator iam machine.asl.json", "A resource that is computed at run time becomes *."),
    ("sfn-emulator iam machine.asl.json --name shop --logged", "With permissions for Map Runs and logs."),
)


@click.command("iam", cls=HelpPage, examples=_EXAMPLES, exits={**DONE, 1: "there is no definition in it"})
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="*", show_default=True, help="The state machine's name, for its Map Runs.")
@click.option("--region", default="*", show_default=True, help="The region of resources that are given by name.")
@click.option("--account", default="*", show_default=True, help="The account of resources that are given by name.")
@click.option("--logged", is_flag=True, help="Add the permissions of a LoggingConfiguration.")
@click.option("--traced", is_flag=True, help="Add the permissions of X-Ray tracing.")
def command(file: Path, name: str, region: str, account: str, logged: bool, traced: bool) -> None:
    """Print the least IAM policy that the definition in FILE needs of its role."""
    try:
        definition = read_definition(text_of(file), str(file))
    except (UndrawableError, UnicodeDecodeError) as error:
        raise Failure(str(error)) from None
    found = least(definition.raw, Around(name, region, account, logged, traced))
    say(json.dumps(found.document(), indent=2))
    for state, action in found.wide:
        say(
            f"sfn-emulator: {state}: the resource of {action} is computed at run time; narrow the policy by hand",
            err=True,
        )
