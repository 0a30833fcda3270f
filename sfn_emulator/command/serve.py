"""``sfn-emulator serve``: prints one line ``ready URL`` when it answers, and serves until it is told to stop."""

import gc
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import click

from sfn_emulator.command.help_page import Failure, HelpPage, say
from sfn_emulator.serving.settings import (
    ACCOUNT,
    DEFAULT_PORT,
    Settings,
    as_account,
    as_count,
    as_days,
    as_endpoint,
    as_megabytes,
    as_origin,
    as_port,
    as_time,
)


def _value(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """An option's type: the value that ``read`` makes of a text. The text of its ``ValueError`` is shown to the
    user.
    """

    def convert(given: object) -> Any:
        try:
            return read(str(given))
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


def _endpoint(text: str) -> tuple[str, str]:
    """Like ``as_endpoint``, for services that boto3 knows. Raises ``ValueError``."""
    from botocore.loaders import Loader  # importing it takes a tenth of a second, so only users of the option pay

    service, url = as_endpoint(text)
    known = Loader().list_available_services("service-2")
    if service not in known:
        near = get_close_matches(service, known, 1)
        raise ValueError(f"'{service}' is no service of boto3's{f'; is {near[0]} meant?' if near else ''}")
    return service, url


_SECTIONS: Final = {
    "Where it listens": ("host", "port", "allow_host", "allow_origin"),
    "What it keeps, and how time passes": (
        "state_dir",
        "in_memory",
        "adopt_state_dir",
        "without_neighbours",
        "fsync",
        "retention",
        "execution_memory",
        "express_history",
        "time",
    ),
    "How Tasks are run": ("lambda_mode", "iam", "sdk_integrations", "mocks", "endpoint"),
    "What it says": ("verbose", "coverage"),
    "Whose everything is": ("account", "region"),
}

_EXAMPLES: Final = (
    ("sfn-emulator serve --in-memory --port 0 --time skip", "For tests: keep nothing, and skip waits."),
    ("sfn-emulator serve --mocks mocks.json --iam enforce", "Mocked Tasks (docs/mocks.md), checked permissions."),
    (
        "sfn-emulator serve --endpoint lambda=http://127.0.0.1:3001 --endpoint s3=aws",
        "Functions from SAM CLI, S3 from AWS.",
    ),
)

_EXITS: Final = {0: "it was stopped, and everything is kept", 1: "it could not start; the reason is shown"}

ENDPOINTS: Final = "SFN_EMULATOR_ENDPOINTS"
"""The name is not ``SFN_EMULATOR_ENDPOINT``, because other commands read their server's address there, and ``dev``
starts a server.
"""
_PREFIX: Final = "SFN_EMULATOR_"
_OF_OTHERS: Final = frozenset(("SFN_EMULATOR_ENDPOINT", "SFN_EMULATOR_DEBUG"))
_EPILOG: Final = """Every option can be set by an environment variable: SFN_EMULATOR_PORT for --port. GET /health has
version, uptime and what the server holds. SIGTERM and Ctrl-C stop the server, and so does closing its
terminal; every answered request is kept. docs/support.md lists what works as on AWS."""


@click.command(
    "serve",
    cls=HelpPage,
    examples=_EXAMPLES,
    exits=_EXITS,
    sections=_SECTIONS,
    epilog=_EPILOG,
    context_settings={"auto_envvar_prefix": _PREFIX.rstrip("_")},
)
@click.option(
    "--host",
    metavar="NAME",
    default="127.0.0.1",
    show_default=True,
    help="Interface to listen on; the default is reached from this machine only.",
)
@click.option(
    "--port",
    type=_value(as_port),
    metavar="PORT",
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="A further Host name to answer to; others are refused (DNS rebinding). May be repeated.",
)
@click.option(
    "--allow-origin",
    type=_value(as_origin),
    multiple=True,
    metavar="ORIGIN",
    help="An origin whose pages may call this server from a browser, as http://localhost:3000; others are "
    "refused. May be repeated.",
)
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path),
    default=".sfn",
    show_default=True,
    metavar="DIR",
    help="Where state is kept.",
)
@click.option("--in-memory", is_flag=True, help="Keep nothing: --state-dir is not used.")
@click.option(
    "--adopt-state-dir",
    is_flag=True,
    help="Accept a state directory that was not made here: its functions and executions are run.",
)
@click.option(
    "--without-neighbours",
    is_flag=True,
    help="Start even if the neighbours' state can't be restored: they answer nobody, and Tasks that call them wait.",
)
@click.option("--fsync", is_flag=True, help="Survive power loss, too, and not only a killed process; slower.")
@click.option(
    "--retention",
    type=_value(as_days),
    metavar="DAYS",
    help="Forget executions that ended more than DAYS ago. Default: never.",
)
@click.option(
    "--execution-memory",
    type=_value(as_megabytes),
    metavar="MB",
    default=512,
    show_default=True,
    help="Memory that one execution may hold; one that needs more fails.",
)
@click.option(
    "--express-history",
    type=_value(as_count),
    metavar="N",
    default=200,
    show_default=True,
    help="The number of ended EXPRESS executions that the page can show; they are kept in memory.",
)
@click.option(
    "--time",
    type=_value(as_time),
    default="real",
    show_default=True,
    metavar="real|skip|FACTOR",
    help="Let waits take their time, skip them, or make time pass FACTOR times faster.",
)
@click.option(
    "--lambda",
    "lambda_mode",
    envvar="SFN_EMULATOR_LAMBDA",
    allow_from_autoenv=False,
    type=click.Choice(("process", "inprocess")),
    default="process",
    show_default=True,
    help="Run handlers in processes of their own, or in this one, for debuggers.",
)
@click.option(
    "--iam",
    type=click.Choice(("off", "enforce")),
    default="off",
    show_default=True,
    help="Check each role's policies before a call, and its trust policy at create.",
)
@click.option(
    "--sdk-integrations",
    type=click.Choice(("any", "listed")),
    default="any",
    show_default=True,
    help="AWS SDK integrations that a definition may name: any that boto3 has, or those that AWS lists for "
    "Step Functions.",
)
@click.option(
    "--mocks",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A Step Functions Local mock configuration (docs/mocks.md).",
)
@click.option(
    "--endpoint",
    envvar=ENDPOINTS,
    allow_from_autoenv=False,
    type=_value(_endpoint),
    multiple=True,
    metavar="SERVICE=URL|aws",
    help="Where Tasks call a service (boto3's name for it) instead of here; 'aws' is the real one, with your own "
    f"credentials. May be repeated; {ENDPOINTS} holds all, with blanks between.",
)
@click.option(
    "--coverage",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Note there which states, rules and Catchers are taken, for 'sfn-emulator cover'.",
)
@click.option(
    "--verbose",
    is_flag=True,
    help="Show a line for each execution that begins or ends, and each line that a function prints.",
)
@click.option(
    "--account",
    type=_value(as_account),
    metavar="ID",
    default=ACCOUNT,
    show_default=True,
    help="Account id, 12 digits.",
)
@click.option(
    "--region", metavar="REGION", default="us-east-1", show_default=True, help="Region of requests without one."
)
def command(
    in_memory: bool,
    state_dir: Path,
    endpoint: Sequence[tuple[str, str]],
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    **named: Any,
) -> None:
    """Serve Step Functions and the services it calls, on one port.

    Prints one line 'ready URL' when it answers; point any AWS client at that URL.
    """
    for note in _unread(os.environ, command.params):
        say(note, err=True)
    _serve(
        Settings(
            state_dir=None if in_memory else state_dir,
            endpoints=dict(endpoint),
            allowed_hosts=allow_host,
            allowed_origins=allow_origin,
            **named,
        )
    )


def _unread(variables: Iterable[str], options: Iterable[click.Parameter]) -> Iterator[str]:
    """A line for each variable that looks like an option and is none. They are not refused, because orchestrators set
    some, too.
    """
    read = {str(option.envvar or f"{_PREFIX}{option.name}").upper() for option in options} | _OF_OTHERS
    for name in sorted(name for name in variables if name.startswith(_PREFIX) and name not in read):
        near = get_close_matches(name, read - _OF_OTHERS, 1)
        yield f"note: {name} is not read: no option has that name{f'; is {near[0]} meant?' if near else ''}"


def _serve(settings: Settings) -> None:
    """Serves until told to stop. Raises ``Failure`` when it can't start."""
    gc.disable()  # off until it is ready: importing makes no garbage, and collecting takes a tenth of the start
    from sfn_emulator.serving.hosting import StartError, serve  # --help and errors do without it
    from sfn_emulator.serving.standard_error import unhurried

    with unhurried() as stream:
        logging.basicConfig(level=logging.WARNING, stream=stream, format="%(levelname)s %(name)s: %(message)s")
        try:
            serve(settings, lambda endpoint: print(f"ready {endpoint}", flush=True))  # noqa: T201 - the line promised
        except StartError as error:
            raise Failure(str(error)) from None
    sys.stdout.flush()
    os._exit(0)  # everything is written and closed; threads that still wait must not keep the process alive
