"""``sfn-emulator graph FILE``: a definition as a picture, in one of several formats."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from sfn_emulator.command.files import text_of
from sfn_emulator.command.help_page import DONE, Failure, HelpPage, say
from sfn_emulator.picture.definition import UndrawableError, read_definition
from sfn_emulator.picture.exports.data import data
from sfn_emulator.picture.exports.dot import dot
from sfn_emulator.picture.exports.mermaid import mermaid
from sfn_emulator.picture.exports.svg import svg
from sfn_emulator.picture.graph import Graph, graph_of

FORMATS: Final[Mapping[str, Callable[[Graph], str]]] = {
    "mermaid": mermaid,
    "dot": dot,
    "svg": svg,
    "json": lambda graph: json.dumps(data(graph), indent=2, ensure_ascii=False) + "\n",
}


_EXAMPLES: Final = (
    ("sfn-emulator graph machine.asl.json", "Mermaid text for a README or a pull request."),
    ("sfn-emulator graph machine.asl.yaml --format svg > machine.svg", "A picture that stands alone."),
)


@click.command("graph", cls=HelpPage, examples=_EXAMPLES, exits={**DONE, 1: "there is nothing to draw in it"})
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True))
@click.option(
    "--format", "wanted", type=click.Choice(list(FORMATS)), default="mermaid", show_default=True, help="Language."
)
def command(file: Path, wanted: str) -> None:
    """Draw the definition in FILE (JSON or YAML; - is the standard input)."""
    try:
        definition = read_definition(text_of(file), str(file))
    except UndrawableError as error:
        raise Failure(str(error)) from None
    say(FORMATS[wanted](graph_of(definition.raw)), nl=False)
