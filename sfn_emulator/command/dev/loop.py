"""The loop: deploys each saved change, reports problems, and shows executions and functions' lines."""

import json
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Final

import click

from sfn_emulator.asl.model import MachineType
from sfn_emulator.command.dev.machine import DevMachine, NotDeployedError
from sfn_emulator.command.dev.passing import Passing
from sfn_emulator.command.dev.stack import DevStack, is_stack, stack_name
from sfn_emulator.command.dev.watching import changes
from sfn_emulator.command.help_page import Failure, HelpPage, say
from sfn_emulator.command.running_server import asked, client, endpoint_option
from sfn_emulator.lint.findings import UnreadableError

ROLE: Final = "arn:aws:iam::123456789012:role/dev"
_EXAMPLES: Final = (
    (
        "sfn-emulator dev order.asl.json --set Days=3",
        "Deploys now and at each change; starts a server if none runs.",
    ),
    ("sfn-emulator dev template.yaml --set Stage=dev", "A stack, with the code and definitions it names."),
    ("sfn-emulator dev order.asl.yaml --name shop --endpoint http://127.0.0.1:4566", "On a running server."),
)
_EXITS: Final = {0: "it was told to stop (Ctrl-C)", 1: "the file can't be read, or the server could not start"}


@click.command("dev", cls=HelpPage, examples=_EXAMPLES, exits=_EXITS)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="The state machine's or stack's name. Default: the file's (or folder's), up to a dot.")
@click.option(
    "--set",
    "names",
    multiple=True,
    metavar="NAME=VALUE",
    help="The value of ${NAME}, or of the parameter NAME. Repeatable.",
)
@click.option("--express", is_flag=True, help="An Express workflow (definitions).")
@click.option("--role", default=ROLE, show_default=True, metavar="ARN", help="Its role (definitions).")
@endpoint_option
def command(file: Path, name: str | None, names: tuple[str, ...], express: bool, role: str, endpoint: str) -> None:
    """Deploy the definition or template in FILE, and again whenever it changes, until Ctrl-C.

    The definitions and code folders that a CloudFormation or SAM template names are watched, too. Starts a server when
    none answers, and shows executions and functions' lines as they pass. A problem is reported with its line, and the
    version deployed before stays.
    """
    for told in names:
        if "=" not in told:
            raise click.BadParameter(f"'{told}' is not NAME=VALUE", param_hint="--set")
    server, stop = None if _answers(endpoint) else _started(endpoint), threading.Event()
    clients = partial(client, endpoint)
    target: DevStack | DevMachine
    if is_stack(file):
        target = DevStack(clients, file, name or stack_name(file), names)
    else:
        kind = MachineType.EXPRESS if express else MachineType.STANDARD
        target = DevMachine(clients("stepfunctions"), file, name or file.name.partition(".")[0], names, role, kind)
    if server is None:
        threading.Thread(target=Passing(clients).follow, args=(stop,), daemon=True).start()
    try:
        for changed in changes(target.places):
            say(f"{time.strftime('%H:%M:%S')} {told_of(target, file, changed)}")
    except KeyboardInterrupt:
        say("")
    finally:
        stop.set()
        if server is not None:
            server.terminate()
            server.wait()


def told_of(target: DevStack | DevMachine, file: Path, changed: set[Path]) -> str:
    """The report of one deploy: what was done and how fast, or each problem with its line."""
    from botocore.exceptions import ClientError

    began = time.perf_counter()
    try:
        done = target.deployed(changed)
    except NotDeployedError as error:
        return f"{error}\n         not deployed; the one before it stays"
    except (UnreadableError, OSError, Failure) as error:
        return f"{error}; not deployed"
    except ClientError as error:
        return f"{file}: {error.response['Error']['Message']}; not deployed"
    return f"deployed {done} in {(time.perf_counter() - began) * 1000:.0f} ms"


def _answers(endpoint: str) -> bool:
    try:
        return bool(asked(endpoint, "/health"))
    except Failure:
        return False


def _started(endpoint: str) -> subprocess.Popen[str]:
    """A server whose lines are shown, at the port of the endpoint."""
    port = endpoint.rstrip("/").rpartition(":")[2]
    if not port.isdigit():
        raise Failure(f"no server answers at {endpoint}, and it names no port to start one at")
    serve = [sys.executable, "-m", "sfn_emulator", "--port", port, "--verbose"]
    server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    ready = server.stdout.readline()
    if not ready.startswith("ready "):
        server.wait()
        raise Failure(f"no server answers at {endpoint}, and none could be started there; it says above why")
    say(f"a server answers at {json.dumps(ready.split()[1])[1:-1]}; Ctrl-C stops it")
    return server
