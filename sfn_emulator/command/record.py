"""``sfn-emulator record EXECUTION -o DIR``: writes an execution as files: definition, input, history, mocks, a test."""

from pathlib import Path
from typing import Any, Final

import click

from sfn_emulator.command.help_page import DONE, Failure, HelpPage, say
from sfn_emulator.command.running_server import asking, endpoint_option
from sfn_emulator.command.running_server import client as client_of
from sfn_emulator.command.show import found
from sfn_emulator.replay.case import UnreadableCaseError
from sfn_emulator.replay.recorder import fetched, write

_EXAMPLES: Final = (
    ("sfn-emulator record order-42 -o cases", "From the server that runs here, into cases/order-42."),
    ("sfn-emulator record ARN --target aws -o cases --mask card --mask email", "From AWS, without people's data."),
)


@click.command("record", cls=HelpPage, examples=_EXAMPLES, exits={**DONE, 1: "there is no such execution"})
@click.argument("execution")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder for cases."
)
@click.option(
    "--target", type=click.Choice(["here", "aws"]), default="here", show_default=True, help="Where the execution is."
)
@click.option("--mask", multiple=True, metavar="NAME", help="Hide the values of fields of this name. May be repeated.")
@endpoint_option
def command(execution: str, output: Path, target: str, mask: tuple[str, ...], endpoint: str) -> None:
    """Record EXECUTION (a name or an ARN) as a folder that can be replayed and tested."""
    try:
        with asking(None if target == "aws" else endpoint, execution):
            client = _aws(execution) if target == "aws" else client_of(endpoint, "stepfunctions")
            case = fetched(client, found(client, execution))
        files = write(case, output / case.name, frozenset(mask))
    except (UnreadableCaseError, OSError) as error:
        raise Failure(str(error)) from None
    for file in files:
        say(str(file))


def _aws(execution: str) -> Any:
    """A client for the account and region that the ARN and the shell name."""
    import boto3

    region = execution.split(":")[3] if execution.count(":") > 5 else None
    make: Any = boto3.Session(region_name=region).client
    return make("stepfunctions")
