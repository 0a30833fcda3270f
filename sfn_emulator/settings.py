"""What can be set about a server, and how the command line sets it."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

DEFAULT_PORT: Final = 8083
ACCOUNT: Final = "123456789012"


@dataclass(frozen=True, slots=True)
class Settings:
    """``state_dir`` is ``None`` when nothing is to be kept; ``time`` is ``real``, ``skip`` or a factor as text.

    ``retention`` is for how many days finished executions are kept (``None``: for ever), ``body_limit`` the bytes a
    request may have, ``grace`` the seconds requests under way get to end when the server is told to stop.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    state_dir: Path | None = Path(".sfn")
    time: str = "real"
    fsync: bool = False
    lambda_mode: str = "process"
    iam: str = "off"
    mocks: Path | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Where Tasks call a service (its botocore name) instead of here: a URL, or ``aws``."""
    retention: float | None = None
    account: str = ACCOUNT
    region: str = "us-east-1"
    allowed_hosts: tuple[str, ...] = ()
    body_limit: int = 128 * 1024 * 1024
    grace: float = 2.0

    @property
    def is_loopback(self) -> bool:
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def from_arguments(arguments: Sequence[str] | None = None) -> Settings:
    """The settings a command line asks for; exits with status 2 and a usage line when it can't be understood."""
    told = _parser().parse_args(arguments)
    return Settings(
        host=told.host,
        port=told.port,
        state_dir=None if told.in_memory else told.state_dir,
        time=told.time,
        fsync=told.fsync,
        lambda_mode=told.lambda_mode,
        iam=told.iam,
        mocks=told.mocks,
        endpoints=dict(told.endpoint),
        retention=told.retention,
        account=told.account,
        region=told.region,
        allowed_hosts=tuple(told.allow_host),
    )


_EXAMPLES: Final = """examples:
  sfn-emulator --in-memory --port 0 --time skip        keep nothing, wait for nothing: for tests
  sfn-emulator --mocks mocks.json --iam enforce        mocked Tasks (docs/mocks.md), checked permissions
  sfn-emulator --endpoint lambda=http://127.0.0.1:3001 --endpoint bedrock=aws
                                                       functions from SAM CLI, Bedrock from AWS

GET /health tells version, uptime and what is held. SIGTERM and Ctrl-C stop it; what was answered is kept.
What is done as on AWS, and what not: docs/support.md
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sfn-emulator",
        description="A local AWS Step Functions with the services it calls, on one port.\n"
        "Prints one line 'ready URL' when it answers; point any AWS client at that URL.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for group in (_where, _what, _tasks, _who):
        group(parser)
    return parser


def _where(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("where it listens").add_argument
    add("--host", default="127.0.0.1", help="interface to listen on (default: %(default)s, this machine only)")
    add("--port", type=_port, default=DEFAULT_PORT, help="port to listen on; 0 picks a free one (default: %(default)s)")
    add(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further Host name to answer to; others are refused (DNS rebinding); may be repeated",
    )


def _what(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what it keeps, and how time passes").add_argument
    add("--state-dir", type=Path, default=Path(".sfn"), metavar="DIR", help="where state is kept (default: .sfn)")
    add("--in-memory", action="store_true", help="keep nothing: --state-dir is not used")
    add("--fsync", action="store_true", help="survive power loss too, not only a killed process; slower")
    add("--retention", type=_days, metavar="DAYS", help="forget executions that ended longer ago (default: never)")
    add(
        "--time",
        type=_time,
        default="real",
        metavar="real|skip|FACTOR",
        help="let waits take their time, skip them, or make time pass FACTOR times faster (default: %(default)s)",
    )


def _tasks(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("how Tasks are run").add_argument
    add(
        "--lambda",
        dest="lambda_mode",
        choices=("process", "inprocess"),
        default="process",
        help="run handlers in processes of their own, or in this one: quicker, for debuggers (default: %(default)s)",
    )
    add(
        "--iam",
        choices=("off", "enforce"),
        default="off",
        help="check each role's policies before a call, and its trust policy at create (default: %(default)s)",
    )
    add("--mocks", type=Path, metavar="FILE", help="a Step Functions Local mock configuration (docs/mocks.md)")
    add(
        "--endpoint",
        type=_endpoint,
        action="append",
        default=[],
        metavar="SERVICE=URL|aws",
        help="where Tasks call a service (boto3's name for it) instead of here; 'aws' is the real one, with your own "
        "credentials; may be repeated",
    )


def _who(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("whose everything is").add_argument
    add("--account", type=_account, default=ACCOUNT, help="account id, 12 digits (default: %(default)s)")
    add("--region", default="us-east-1", help="region of requests that name none (default: %(default)s)")


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port; give a number from 0 to 65535")
    return int(text)


def _time(text: str) -> str:
    if text not in ("real", "skip") and not _is_positive(text):
        raise argparse.ArgumentTypeError(f"'{text}' is neither 'real' nor 'skip' nor a factor greater than 0")
    return text


def _endpoint(text: str) -> tuple[str, str]:
    service, _, url = text.partition("=")
    if not service or not (url == "aws" or url.startswith(("http://", "https://"))):
        raise argparse.ArgumentTypeError(f"'{text}' is not SERVICE=URL or SERVICE=aws")
    return service, url


def _days(text: str) -> float:
    if not _is_positive(text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of days greater than 0")
    return float(text)


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False


def _account(text: str) -> str:
    if not (text.isdigit() and len(text) == 12):
        raise argparse.ArgumentTypeError(f"'{text}' is not an account id; give 12 digits")
    return text
