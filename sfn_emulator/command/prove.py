"""``sfn-emulator prove FILE``: no failure leaves a trace, or here is the counterexample."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from sfn_emulator.asl.advice import advise
from sfn_emulator.command.help_page import Failure, HelpPage
from sfn_emulator.lint.findings import CREATE, in_file
from sfn_emulator.lint.formats import FORMATS
from sfn_emulator.prove.claims import Claims, ClaimsError, read_claims
from sfn_emulator.prove.machine import Source, UnprovableError, read_source
from sfn_emulator.prove.report import walked as report
from sfn_emulator.prove.report.histories import write_history
from sfn_emulator.prove.walk.walk import MOST_PLACES, Walked, walk

COUNTEREXAMPLE: Final = 3
SAGA: Final = "saga.yaml"

_EXAMPLES: Final = (
    ("sfn-emulator prove order.asl.json", "Every outcome of every Task; claims from saga.yaml beside it, if there."),
    ("sfn-emulator prove order.asl.json --saga claims.yaml --histories out", "The paths, for 'sfn-emulator show'."),
)
_EXITS: Final = {0: "proved within the bounds that are told", COUNTEREXAMPLE: "a counterexample", 1: "cannot run"}


@click.command("prove", cls=HelpPage, examples=_EXAMPLES, exits=_EXITS)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--saga", type=click.Path(path_type=Path), help="The claims. Default: saga.yaml beside FILE, if there.")
@click.option("--faults", type=click.IntRange(0, 5), help="How many faults at once. Default: the claims', or 2.")
@click.option("--define", multiple=True, metavar="NAME=VALUE", help="What stands for ${NAME} in the definition.")
@click.option("--histories", type=click.Path(path_type=Path, file_okay=False), help="Write each path found there.")
@click.option("--most", type=click.IntRange(1), default=MOST_PLACES, show_default=True, help="Places to walk at most.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, paths as histories.")
def command(
    file: Path,
    saga: Path | None,
    faults: int | None,
    define: tuple[str, ...],
    histories: Path | None,
    most: int,
    as_json: bool,
) -> None:
    """Walk every outcome of every Task of the definition in FILE and tell what it leaves behind."""
    try:
        source = read_source(file, _values(define))
        claims = _claims(file, saga)
        walked = walk(source.machine, claims, faults=faults, most=most)
    except (UnprovableError, ClaimsError) as error:
        raise Failure(str(error)) from None
    if not as_json and not claims.undo:
        _advise(file)
    _tell(source, walked, histories, claimed=bool(claims.undo), as_json=as_json)
    sys.exit(COUNTEREXAMPLE if walked.counterexamples else 0)


def _claims(file: Path, saga: Path | None) -> Claims:
    beside = file.with_name(SAGA)
    found = saga or (beside if beside.is_file() else None)
    return Claims() if found is None else read_claims(found)


def _values(define: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for text in define:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"'{text}' is not NAME=VALUE", param_hint="--define")
        values[name] = value
    return values


def _advise(file: Path) -> None:
    """What follows from a definition alone, as the linter tells it by choice."""
    click.echo(f"no claims: a {SAGA} beside the definition says which step each compensation undoes (docs/prove.md)")
    findings = in_file(file, asked=CREATE._replace(advice=advise))
    click.echo(FORMATS["text"]([finding for finding in findings if not finding.is_error]), nl=False)


def _tell(source: Source, walked: Walked, histories: Path | None, *, claimed: bool, as_json: bool) -> None:
    if as_json:
        told: dict[str, Any] = {"definition": str(source.path), "static": report.data(walked)}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        for line in report.lines(walked, claimed=claimed):
            click.echo(line)
    for number, finding in enumerate(walked.counterexamples if histories else (), 1):
        assert histories is not None
        path = write_history(histories, f"{number}-{finding.hit.rule}", source, finding.events)
        click.echo(f"wrote {path}", err=True)
