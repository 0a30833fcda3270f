"""``sfn-emulator run``: one execution in this process and in virtual time, shown as it passes."""

import json
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import click
from rich.text import Text

from sfn_emulator.command.files import document_of, filled, text_of
from sfn_emulator.command.help_page import Failure, HelpPage, say
from sfn_emulator.command.lines import show
from sfn_emulator.engine.local.execution import Execution, start_locally
from sfn_emulator.engine.run import Status
from sfn_emulator.errors import DefinitionError
from sfn_emulator.picture.graph import graph_of
from sfn_emulator.picture.history.data import outline
from sfn_emulator.picture.history.reading import happened
from sfn_emulator.picture.history.tree import tree
from sfn_emulator.picture.history.visit import Happened
from sfn_emulator.query.java.jackson import in_brief
from sfn_emulator.service.running.history import Texts, render, started_of
from sfn_emulator.values import dumps, is_json, loads

ENDED_OTHERWISE: Final = 3
_EXAMPLES: Final = (
    (
        "sfn-emulator run order.asl.json --input '{\"n\": 1}'",
        "An execution. Its Tasks fail, because nothing answers them.",
    ),
    ("sfn-emulator run order.asl.yaml --input order.json --tasks tasks.yaml", "Input and answers of Tasks from files."),
    ("sfn-emulator run order.asl.json --set Days=3 --json", "${Days} is 3; the end as JSON."),
)
_EXITS: Final = {
    0: "the execution succeeded",
    1: "a file can't be read or used; the reason is shown",
    ENDED_OTHERWISE: "the execution did not succeed, or waits for more than time",
}


@click.command("run", cls=HelpPage, examples=_EXAMPLES, exits=_EXITS)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--input", "given", metavar="JSON|FILE|-", default="{}", help="The input: JSON text, or a file with it.")
@click.option(
    "--tasks",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What Tasks answer, in JSON or YAML: a state's name → an answer, or a list with one for each attempt. "
    '{"return": VALUE}, {"throw": "Error", "cause": "why"}, {"never": true}; "after": SECONDS beside each.',
)
@click.option("--set", "names", multiple=True, metavar="NAME=VALUE", help="The value of ${NAME}. May be repeated.")
@click.option("--express", is_flag=True, help="Run it as an Express workflow.")
@click.option("--json", "as_json", is_flag=True, help="Show only the end, in JSON.")
def command(file: Path, given: str, tasks: Path | None, names: tuple[str, ...], express: bool, as_json: bool) -> None:
    """Run one execution here, in virtual time, and show its states as they pass.

    FILE is a definition in JSON or YAML; '-' is standard input. Nothing is deployed, no server is needed, and a wait of
    a year takes no time.
    """
    answers = {} if tasks is None else _answers(tasks)
    text = filled(file, names)
    try:
        execution = start_locally(text, text=dumps(_input(given)), tasks=answers, name="run", express=express)
    except DefinitionError as error:
        first = error.problems[0]
        at = f" at {first.pointer}" if first.pointer.startswith("/") else ""
        mend = (
            "fill ${Names} with --set NAME=VALUE" if "${" in first.message else f"'sfn-emulator lint {file}' tells all"
        )
        raise Failure(f"{file}: {first.code}: {in_brief(first.message)}{at}; {mend}") from None
    _check_names(answers, text, tasks)
    execution.finish()
    told = _happened(execution)
    if as_json:
        say(json.dumps({**_end(execution), "steps": outline(told)}, indent=2, ensure_ascii=False))
    else:
        show(tree(told), Text(_last_words(execution), style="bold"))
    sys.exit(0 if execution.status is Status.SUCCEEDED else ENDED_OTHERWISE)


def _happened(execution: Execution) -> Happened:
    texts = Texts(started_of(execution.events))
    return happened(render(event, number, texts, {}) for number, event in enumerate(execution.events, 1))


def _last_words(execution: Execution) -> str:
    if execution.status is Status.RUNNING:
        waits = execution.tasks.started[-1].request.state if execution.tasks.started else "?"
        return f"RUNNING: '{waits}' waits for an answer; give one with --tasks"
    if execution.status is Status.SUCCEEDED:
        return f"SUCCEEDED {dumps(execution.output)}"
    return " ".join(filter(None, (execution.status.value, execution.error, execution.cause)))


def _end(execution: Execution) -> dict[str, Any]:
    told = {"status": execution.status.value, "output": execution.output, "error": execution.error}
    seconds = round(execution.events[-1].at - execution.events[0].at, 3)
    return {**told, "cause": execution.cause, "seconds": seconds}


def _answers(file: Path) -> Mapping[str, Any]:
    told = document_of(file, text_of(file))
    if not isinstance(told, dict):
        raise Failure(f"{file}: not an object of states' names and their answers")
    return {state: answer if isinstance(answer, list) else [answer] for state, answer in told.items()}


def _check_names(answers: Mapping[str, Any], definition: str, file: Path | None) -> None:
    """Raises ``Failure`` for an answer whose name fits no Task of the definition."""
    states = [node.name for node in graph_of(loads(definition)).nodes if node.type == "Task"]
    for name in answers:
        if name not in states:
            near = get_close_matches(name, states, 1)
            mend = f"did you mean '{near[0]}'?" if near else f"its Tasks are {', '.join(states) or 'none'}"
            raise Failure(f"{file}: the definition has no Task '{name}'; {mend}")


def _input(given: str) -> Any:
    """JSON text, or the JSON in a file. Raises ``Failure``."""
    if given != "-" and is_json(given):
        return loads(given)
    meant = given.lstrip().startswith(("{", "[", '"'))
    if given != "-" and not meant and not Path(given).exists():
        raise Failure(f"--input: {given!r} is neither JSON nor a file")
    text = given if meant else text_of(Path(given))
    try:
        return loads(text)
    except ValueError as error:
        raise Failure(f"{'--input' if meant else given}: not JSON ({error})") from None
