"""``sfn-emulator cover``: shows which parts of definitions were taken by executions, and which never were."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from sfn_emulator.command.help_page import DONE, Failure, HelpGroup, HelpPage, say
from sfn_emulator.coverage.covered import Covered, covered
from sfn_emulator.coverage.recording import SUFFIX, read
from sfn_emulator.coverage.reports.cobertura import cobertura
from sfn_emulator.coverage.reports.data import data
from sfn_emulator.coverage.reports.lcov import lcov
from sfn_emulator.coverage.reports.painted import painted_mermaid, painted_svg
from sfn_emulator.coverage.reports.text import text, total
from sfn_emulator.picture.definition import UndrawableError
from sfn_emulator.prove.claims import ClaimsError, inputs_of, read_claims
from sfn_emulator.prove.machine import UnprovableError
from sfn_emulator.prove.proof import Wanted, world_of

DIRECTORY: Final = Path(".sfn-coverage")
TOO_LITTLE: Final = 4


def _alone(paint: Callable[[Covered], str]) -> Callable[[Sequence[Covered]], str]:
    def painted(found: Sequence[Covered]) -> str:
        if len(found) != 1:
            raise Failure(f"a picture is of one machine, and {len(found)} ran; name one with --source FILE")
        return paint(found[0])

    return painted


FORMATS: Final[Mapping[str, Callable[[Sequence[Covered]], str]]] = {
    "text": text,
    "json": data,
    "lcov": lcov,
    "cobertura": cobertura,
    "mermaid": _alone(painted_mermaid),
    "svg": _alone(painted_svg),
}

_EXAMPLES: Final = (
    ("pytest --sfn-cov && sfn-emulator cover report", "The parts that a test session took, and those it did not."),
    ("sfn-emulator serve --coverage .sfn-coverage", "Note the parts that executions of a server take."),
    ("sfn-emulator cover report --source machine.asl.json --format lcov > lcov.info", "For the tools you have."),
)


@click.group("cover", cls=HelpGroup)
def command() -> None:
    """Show which states, rules, Retriers and Catchers were taken, and which never."""


@command.command(
    "report",
    cls=HelpPage,
    examples=_EXAMPLES,
    exits={**DONE, 1: "there is nothing to report, or it can't be read", TOO_LITTLE: "less than --fail-under"},
)
@click.argument("places", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--source",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A definition file; a machine deployed from it is reported by its lines. May be repeated.",
)
@click.option("--format", "wanted", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option("--fail-under", type=click.FloatRange(0, 100), metavar="PERCENT", help="Exit 4 when less was taken.")
@click.pass_context
def report(
    ctx: click.Context, places: tuple[Path, ...], source: tuple[Path, ...], wanted: str, fail_under: float | None
) -> None:
    """Report the notes in PLACES (default: .sfn-coverage), files or directories."""
    if not places and not DIRECTORY.is_dir():
        raise Failure(
            "there are no notes here; run 'pytest --sfn-cov' or 'sfn-emulator serve --coverage .sfn-coverage'"
        )
    _tell(ctx, places or (DIRECTORY,), source, wanted, fail_under)


@command.command(
    "proof",
    cls=HelpPage,
    examples=(("sfn-emulator cover proof order.asl.json --setup shop.world:make", "Every Task fails in every way."),),
    exits={**DONE, 1: "the saga can't be run", TOO_LITTLE: "less than --fail-under"},
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--saga", type=click.Path(path_type=Path), help="The claims. Default: saga.yaml beside FILE.")
@click.option(
    "--setup", metavar="MODULE:FUNCTION", help="The function that makes the world to run in. Default: the claims' own."
)
@click.option("--format", "wanted", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option("--fail-under", type=click.FloatRange(0, 100), metavar="PERCENT", help="Exit 4 when less was taken.")
@click.pass_context
def proof(
    ctx: click.Context, file: Path, saga: Path | None, setup: str | None, wanted: str, fail_under: float | None
) -> None:
    """Report which parts of the definition in FILE are taken when its Tasks fail, on the real handlers.

    One fault in every way; two and three where they lead into compensations and repairs.
    """
    try:
        claims = read_claims(saga or _beside(file))
        with tempfile.TemporaryDirectory(prefix="sfn-cover-") as directory:
            runs = _run_in_depth(Wanted(claims, setup or claims.setup, coverage=Path(directory)))
            say(f"{runs} runs on the real handlers", err=True)
            _tell(ctx, (Path(directory),), (file,), wanted, fail_under)
    except (ClaimsError, UnprovableError) as error:
        raise Failure(str(error)) from None


def _beside(file: Path) -> Path:
    """The claims beside a definition. Raises ``Failure``."""
    claims = file.with_name("saga.yaml")
    if not claims.is_file():
        raise Failure(f"no claims: there is no {claims}; name them with --saga FILE (docs/prove.md)")
    return claims


def _run_in_depth(wanted: Wanted) -> int:
    if wanted.setup is None:
        raise UnprovableError("nothing says how to make the world: give --setup, or 'setup' in the claims")
    saga, (given, *_) = world_of(wanted), inputs_of(wanted.claims)
    saga.warm_up(given)
    return sum(1 for _ in saga.in_depth(given))


def _tell(
    ctx: click.Context, places: Sequence[Path], source: Sequence[Path], wanted: str, fail_under: float | None
) -> None:
    try:
        found = covered(read(places), source)
    except (UndrawableError, OSError) as error:
        raise Failure(str(error)) from None
    if source:
        found = [machine for machine in found if machine.path in {str(path) for path in source}]
    if not found:
        raise Failure(f"nothing was noted in {', '.join(map(str, places))}: no state machine ran, or it holds no notes")
    say(FORMATS[wanted](found), nl=False)
    if fail_under is not None and total(found) < fail_under:
        say(f"sfn-emulator: {total(found):.1f} % was taken, less than {fail_under:g} %", err=True)
        ctx.exit(TOO_LITTLE)


@command.command("erase", cls=HelpPage, examples=(("sfn-emulator cover erase", "Begin anew."),))
@click.argument("place", default=DIRECTORY, type=click.Path(file_okay=False, path_type=Path))
def erase(place: Path) -> None:
    """Remove the notes in PLACE (default: .sfn-coverage)."""
    for file in place.glob(f"*{SUFFIX}"):
        file.unlink()
