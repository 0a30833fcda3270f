"""``sfn-emulator show EXECUTION|FILE``: what an execution did, as a tree."""

import json
from pathlib import Path
from typing import Any, Final

import click
from rich.text import Text

from sfn_emulator.command.files import text_of
from sfn_emulator.command.help_page import DONE, Failure, HelpPage, say
from sfn_emulator.command.lines import show
from sfn_emulator.command.running_server import asking, endpoint_option
from sfn_emulator.command.running_server import client as client_of
from sfn_emulator.picture.definition import UndrawableError, read_definition
from sfn_emulator.picture.graph import Graph, graph_of
from sfn_emulator.picture.history.data import outline
from sfn_emulator.picture.history.file import UnreadableHistoryError, read_history
from sfn_emulator.picture.history.reading import happened
from sfn_emulator.picture.history.tree import tree
from sfn_emulator.picture.history.visit import Happened

_EXAMPLES: Final = (
    ("sfn-emulator show order-42", "By name or ARN, from the running server."),
    ("sfn-emulator show history.json --definition machine.asl.json", "The output of AWS's get-execution-history."),
)


@click.command("show", cls=HelpPage, examples=_EXAMPLES, exits={**DONE, 1: "there is no such execution or history"})
@click.argument("execution")
@click.option(
    "--definition",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The definition that a history in a file belongs to.",
)
@endpoint_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def command(execution: str, definition: Path | None, endpoint: str, as_json: bool) -> None:
    """Show what EXECUTION (a name, an ARN, or a file with a history) did."""
    file = Path(execution)
    told, child = _of_file(file, definition) if file.is_file() else _of_server(execution, endpoint)
    if as_json:
        say(json.dumps(outline(told), indent=2, ensure_ascii=False))
        return
    show(tree(told, child), _ending(told))


def _ending(told: Happened) -> Text:
    """Status and error. The cause stands beside the step that failed."""
    return Text(f"{told.status}{f': {told.error}' if told.error else ''}", style="bold")


def _of_file(file: Path, definition: Path | None) -> tuple[Happened, Any]:
    try:
        history = read_history(text_of(file), str(file))
        text = text_of(definition) if definition else history.definition
        return happened(history.events, _graph(text, str(definition or file))), _nobody
    except (UnreadableHistoryError, UndrawableError) as error:
        raise Failure(str(error)) from None


def _nobody(arn: str) -> None:
    """The history of another execution: a file has none."""


def _graph(text: str | None, name: str) -> Graph | None:
    return None if text is None else graph_of(read_definition(text, name).raw)


def _of_server(execution: str, endpoint: str) -> tuple[Happened, Any]:
    client = client_of(endpoint, "stepfunctions")
    with asking(endpoint, execution):
        return _fetched(client, found(client, execution)), lambda arn: _fetched(client, arn)


def found(client: Any, execution: str) -> str:
    """The ARN of the latest execution with that name, of whatever machine."""
    if execution.startswith("arn:"):
        return execution
    machines = [m for page in client.get_paginator("list_state_machines").paginate() for m in page["stateMachines"]]
    arns = [
        f"{machine['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{execution}" for machine in machines
    ]
    known = [told for arn in arns if (told := _described(client, arn)) is not None]
    if not known:
        raise Failure(f"{execution}: no machine has an execution of that name, and there is no such file")
    return str(max(known, key=lambda told: told["startDate"])["executionArn"])


def _described(client: Any, arn: str) -> dict[str, Any] | None:
    try:
        return dict(client.describe_execution(executionArn=arn))
    except client.exceptions.ExecutionDoesNotExist:
        return None


def _fetched(client: Any, arn: str) -> Happened:
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
    definition = client.describe_state_machine_for_execution(executionArn=arn)["definition"]
    return happened([event for page in pages for event in page["events"]], _graph(definition, "definition.json"))
