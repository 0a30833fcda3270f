"""``sfn-emulator dev FILE``: deploy, watch, deploy what changed, and show what passes."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from sfn_emulator.asl.model import MachineType
from sfn_emulator.command.help_page import Failure, HelpPage
from sfn_emulator.command.running_server import asked, client, endpoint_option
from sfn_emulator.command.substitutions import filled
from sfn_emulator.lint.findings import CREATE, UnreadableError, in_file
from sfn_emulator.lint.formats import line

ROLE: Final = "arn:aws:iam::123456789012:role/dev"
_LOOK_EVERY: Final = 0.1
_EXAMPLES: Final = (
    (
        "sfn-emulator dev order.asl.json --set Days=3",
        "Now and at each change; a server is started if none is.",
    ),
    ("sfn-emulator dev order.asl.yaml --name shop --endpoint http://127.0.0.1:4566", "On a server that runs already."),
)
_EXITS: Final = {0: "it was told to stop (Ctrl-C)", 1: "the file can't be read, or the server could not start"}


@click.command("dev", cls=HelpPage, examples=_EXAMPLES, exits=_EXITS)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="The state machine's name. Default: the file's, up to its first dot.")
@click.option("--set", "names", multiple=True, metavar="NAME=VALUE", help="What ${NAME} stands for. May be repeated.")
@click.option("--express", is_flag=True, help="An Express workflow.")
@click.option("--role", default=ROLE, show_default=True, metavar="ARN", help="Its role.")
@endpoint_option
def command(file: Path, name: str | None, names: tuple[str, ...], express: bool, role: str, endpoint: str) -> None:
    """Deploy the definition in FILE, and again whenever it changes, until Ctrl-C.

    Starts a server when none answers, and shows executions and functions' lines as they pass. A definition with a
    problem is told with its line, and the one before it stays.
    """
    server = None if _answers(endpoint) else _started(endpoint)
    kind = MachineType.EXPRESS if express else MachineType.STANDARD
    machine = Machine(client(endpoint, "stepfunctions"), name or file.name.partition(".")[0], role, kind)
    try:
        for _ in changes([file]):
            click.echo(f"{time.strftime('%H:%M:%S')} {deployed(machine, file, names, kind)}")
    except KeyboardInterrupt:
        click.echo("")
    finally:
        if server is not None:
            server.terminate()
            server.wait()


class Machine:
    """One state machine on a server: made when it is not there, else changed."""

    def __init__(self, states: Any, name: str, role: str, kind: MachineType) -> None:
        self._states, self._name, self._role, self._kind = states, name, role, kind

    def put(self, definition: str) -> str:
        """Its ARN. Raises what the client raises."""
        pages = self._states.get_paginator("list_state_machines").paginate()
        known = {m["name"]: m["stateMachineArn"] for page in pages for m in page["stateMachines"]}
        if self._name in known:
            self._states.update_state_machine(stateMachineArn=known[self._name], definition=definition)
            return str(known[self._name])
        made = self._states.create_state_machine(
            name=self._name, definition=definition, roleArn=self._role, type=self._kind.value
        )
        return str(made["stateMachineArn"])


def deployed(machine: Machine, file: Path, names: tuple[str, ...], kind: MachineType) -> str:
    """What is told of one deploy: that it was done and how fast, or each problem with its line."""
    from botocore.exceptions import ClientError

    began = time.perf_counter()
    try:
        errors = [finding for finding in in_file(file, kind, CREATE) if finding.is_error]
        if errors:
            return "\n".join([*map(line, errors), "         not deployed; the one before it stays"])
        arn = machine.put(filled(file, names))
    except (UnreadableError, OSError) as error:
        return f"{error}; not deployed"
    except ClientError as error:
        return f"{file}: {error.response['Error']['Message']}; not deployed"
    return f"deployed {arn} in {(time.perf_counter() - began) * 1000:.0f} ms"


def changes(places: Iterable[Path], stop: threading.Event | None = None) -> Iterator[set[Path]]:
    """At once, and whenever a file of the places (files, or all below folders) is changed, new or gone."""
    watched, ended = list(places), stop or threading.Event()
    before = _seen(watched)
    yield set(before)
    while not ended.wait(_LOOK_EVERY):
        now = _seen(watched)
        changed = {path for path in {*before, *now} if before.get(path) != now.get(path)}
        before = now
        if changed:
            yield changed


def _seen(places: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    found: dict[Path, tuple[int, int]] = {}
    for place in places:
        for path in place.rglob("*") if place.is_dir() else [place]:
            if "__pycache__" in path.parts:
                continue
            try:
                told = path.stat()
            except FileNotFoundError:
                continue
            found[path] = told.st_mtime_ns, told.st_size
    return found


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
    click.echo(f"a server answers at {json.dumps(ready.split()[1])[1:-1]}; Ctrl-C stops it")
    return server
