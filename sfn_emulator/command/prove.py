"""``sfn-emulator prove FILE``: no failure leaves a trace, or here is the counterexample."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import click

from sfn_emulator.asl.advice import advise
from sfn_emulator.command.files import text_of, values_of
from sfn_emulator.command.help_page import Failure, HelpPage, say
from sfn_emulator.lint.findings import CREATE, in_file
from sfn_emulator.lint.formats import FORMATS
from sfn_emulator.prove.claims import Claims, ClaimsError, read_claims
from sfn_emulator.prove.faults import Kind
from sfn_emulator.prove.invariants import InvariantError
from sfn_emulator.prove.machine import UnprovableError, read_source
from sfn_emulator.prove.proof import CANNOT_RUN, COUNTEREXAMPLE, PROVED, Proof, Wanted, prove
from sfn_emulator.prove.report.histories import write_history
from sfn_emulator.prove.report.proof import data, junit, lines
from sfn_emulator.prove.report.written import write_tests
from sfn_emulator.prove.walk.walk import MOST_PLACES
from sfn_emulator.prove.world.copies import CopyError, give_up

SAGA: Final = "saga.yaml"
EVERY: Final = 10
"""Seconds between two progress lines, where a line can't be overwritten."""
STOPPED: Final = 128 + signal.SIGINT
MEMORY: Final = Path(".sfn-prove")

_EXAMPLES: Final = (
    ("sfn-emulator prove order.asl.json", "Every outcome of every Task; claims from saga.yaml beside it, if there."),
    ("sfn-emulator prove order.asl.json --histories out", "The histories of counterexamples, for 'sfn-emulator show'."),
    (
        "sfn-emulator prove order.asl.json --setup shop.world:make --mutants",
        "The real handlers fail, too, over the tables that make() sets up.",
    ),
)
_EXITS: Final = {
    PROVED: "proved within the bounds that are shown",
    COUNTEREXAMPLE: "a counterexample, or a claim that proves nothing",
    CANNOT_RUN: "a file can't be used; the reason is shown",
    STOPPED: "stopped by Ctrl-C (143 by SIGTERM): nothing is proved",
}
_SECTIONS: Final = {
    "Executed": ("setup", "invariants", "machine", "kinds", "interleave", "mutants", "memory"),
    "What is told": ("histories", "write_tests_", "coverage", "junit_", "as_json"),
}


@click.command("prove", cls=HelpPage, examples=_EXAMPLES, exits=_EXITS, sections=_SECTIONS)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--saga", type=click.Path(path_type=Path), help="The claims. Default: saga.yaml beside FILE, if it exists."
)
@click.option("--faults", type=click.IntRange(0, 5), help="The number of faults at once. Default: the claims', or 2.")
@click.option("--set", "names", multiple=True, metavar="NAME=VALUE", help="What ${NAME} stands for. May be repeated.")
@click.option(
    "--nested", multiple=True, metavar="TASK=FILE", help="The state machine that a Task starts. May be repeated."
)
@click.option(
    "--most",
    type=click.IntRange(1),
    default=MOST_PLACES,
    show_default=True,
    help="The greatest number of places to walk.",
)
@click.option(
    "--setup",
    metavar="MODULE:FUNCTION",
    help="What makes the world to prove in, given client(service). 'none': handlers are not run.",
)
@click.option("--invariants", metavar="MODULE", help="The module with claims about the tables.")
@click.option("--machine", help="The state machine's name, where the setup makes several.")
@click.option(
    "--only",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in Kind]),
    metavar="FAULT",
    help=f"Try this fault alone: {', '.join(kind.value for kind in Kind)}. May be repeated.",
)
@click.option(
    "--interleave",
    type=click.IntRange(0),
    default=0,
    metavar="SEEDS",
    help="Run two sagas at once, in this many orders of their steps.",
)
@click.option(
    "--mutants", is_flag=True, help="Change the definition in many ways, and list the changes that no claim notices."
)
@click.option(
    "--memory",
    type=click.Path(path_type=Path, file_okay=False),
    default=MEMORY,
    show_default=True,
    help="Where counterexamples are kept, to be tried first the next time.",
)
@click.option(
    "--histories",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the history of each counterexample there.",
)
@click.option(
    "--write-tests",
    "write_tests_",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write each counterexample there, as a pytest file.",
)
@click.option(
    "--coverage",
    type=click.Path(path_type=Path, file_okay=False),
    help="Note there which parts of the definition runs take, for 'sfn-emulator cover report'.",
)
@click.option("--junit", "junit_", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML there.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, with the histories of counterexamples.")
def command(
    file: Path,
    saga: Path | None,
    names: tuple[str, ...],
    nested: tuple[str, ...],
    histories: Path | None,
    write_tests_: Path | None,
    junit_: Path | None,
    as_json: bool,
    **asked: object,
) -> None:
    """Try every failure of the state machine in FILE, and show what it leaves behind.

    Every outcome of every Task is walked, without handlers. With --setup, or 'setup' in the claims, the real handlers
    are made to fail, too, over real tables.
    """
    progress = _Progress()
    if junit_ is not None and not junit_.parent.is_dir():
        raise Failure(f"--junit {junit_}: there is no folder {junit_.parent}")
    with _stopping(progress):
        proof, claims_file, wanted = _proved(file, saga, names, nested, asked, progress)
    if not as_json and not proof.claims.undo:
        _advise(file)
    say(json.dumps(data(proof), indent=2, ensure_ascii=False) if as_json else "\n".join(lines(proof)))
    try:
        _write(proof, histories, junit_)
        if write_tests_ is not None:
            _told_of(write_tests(write_tests_, proof, claims_file, wanted))
    except OSError as error:
        raise Failure(f"{error.filename}: can't be written: {error.strerror}") from None
    sys.exit(proof.status)


@contextmanager
def _stopping(progress: "_Progress") -> Iterator[None]:
    """Turns a stop into an error that says that nothing is proved. No process and no file stays behind."""

    def stopped(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stopped)
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        progress.end()
        say("sfn-emulator: stopped before its end: nothing is proved", err=True)
        sys.exit(stop.code if isinstance(stop, SystemExit) else STOPPED)
    finally:
        give_up()
        progress.end()
        signal.signal(signal.SIGTERM, before)


def _proved(
    file: Path,
    saga: Path | None,
    names: tuple[str, ...],
    nested: tuple[str, ...],
    asked: dict[str, object],
    progress: "_Progress",
) -> tuple[Proof, Path | None, Wanted]:
    try:
        values = values_of(file, text_of(file), names) if names else {}
        source = read_source(file, values)
        claims_file, claims = _claims(file, saga)
        wanted = _wanted(claims, {**asked, "nested": _files(nested), "values": values})
        return prove(source, wanted, progress), claims_file, wanted
    except (UnprovableError, ClaimsError, InvariantError) as error:
        raise Failure(str(error)) from None
    except CopyError as error:
        raise Failure(f"a run could not be repeated: {str(error).strip().splitlines()[-1]}") from None
    except OSError as error:
        raise Failure(f"{error.filename or file}: {error.strerror}") from None


def _wanted(claims: Claims, asked: dict[str, object]) -> Wanted:
    told = dict(asked)
    setup = told.pop("setup") or claims.setup
    kinds = told.pop("kinds")
    assert isinstance(kinds, tuple)
    invariants = told.pop("invariants") or claims.invariants
    wanted = None if setup == "none" else setup
    return Wanted(claims, wanted, invariants, kinds=tuple(map(Kind, kinds)), **told)  # type: ignore[arg-type]


def _claims(file: Path, saga: Path | None) -> tuple[Path | None, Claims]:
    beside = file.with_name(SAGA)
    found = saga or (beside if beside.is_file() else None)
    return (None, Claims(here=file.parent)) if found is None else (found, read_claims(found))


def _files(nested: tuple[str, ...]) -> dict[str, str]:
    """The files of ``--nested``, by Task. Raises ``click.BadParameter``."""
    for text in nested:
        if "=" not in text:
            raise click.BadParameter(f"'{text}' is not TASK=FILE", param_hint="--nested")
    return dict(text.rsplit("=", 1) for text in nested)


def _advise(file: Path) -> None:
    """Prints the linter's optional advice, which follows from the definition alone."""
    say(f"no claims: a {SAGA} beside the definition says which step each compensation undoes (docs/prove.md)")
    findings = in_file(file, asked=CREATE._replace(advice=advise))
    say(FORMATS["text"]([finding for finding in findings if not finding.is_error]), nl=False)


class _Progress:
    """One line on a terminal, written over and over; elsewhere a line every ten seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, what: str, count: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{count} {what}", err=True, nl=False)  # noqa: TID251 - our own control characters
        elif time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            say(f"{count} {what}", err=True)

    def end(self) -> None:
        if sys.stderr.isatty():
            click.echo("\r\033[K", err=True, nl=False)  # noqa: TID251 - our own control characters


def _write(proof: Proof, histories: Path | None, junit_file: Path | None) -> None:
    if histories is not None:
        for number, finding in enumerate(proof.walked.counterexamples, 1):
            _told_of(write_history(histories, f"{number}-{finding.hit.rule}", proof.source, finding.events))
        for found in proof.executed.counterexamples if proof.executed else ():
            events = found.tried.execution.events
            _told_of(write_history(histories, found.claim, proof.source, events))
    if junit_file is not None:
        junit_file.write_text(junit(proof), encoding="utf-8")
        _told_of(junit_file)


def _told_of(written: Path | None) -> None:
    if written is not None:
        say(f"wrote {written}", err=True)
