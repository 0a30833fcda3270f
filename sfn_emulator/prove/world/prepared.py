"""A prepared world: a whole emulator in this process, set up once by the user's own function, and then at rest.

The world is memory of this process alone (moto's backends are), and nothing runs after ``prepare`` has returned. So a
fork copies the world.
"""

import asyncio
import importlib
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.transport import Answer, connect
from sfn_emulator.prove.machine import UnprovableError
from sfn_emulator.prove.world import backends
from sfn_emulator.prove.world.backends import Contents
from sfn_emulator.serving.server import Server
from sfn_emulator.serving.settings import Settings

Client: TypeAlias = Any
Setup: TypeAlias = Callable[[Callable[[str], Client]], Any]
"""Makes the world, given ``client(service)``. It may return the ARN of the state machine to prove."""

ENDPOINT: Final = "http://127.0.0.1:9"
"""The address that clients are made with. Nothing listens there: every request is answered in this process."""


class Prepared(NamedTuple):
    """``definition`` is the text as it was deployed, with its ARNs."""

    neighbours: Neighbours
    settings: Settings
    machine_arn: str
    machine_name: str
    role_arn: str
    definition: str
    definitions: Mapping[str, str]
    """The definition of every state machine in the world, by ARN: executions may start others."""
    contents: Contents


def prepare(setup: Setup, name: str | None = None) -> Prepared:
    """Runs ``setup`` and finds the state machine it made: the one it returns, the one of that name, or the only one.

    Raises ``UnprovableError``.
    """
    settings = Settings(state_dir=None, time="skip", lambda_mode="inprocess")
    before = backends.taken()
    try:
        made = asyncio.run(_prepared(Server(settings), setup, name))
        return made._replace(contents=backends.taken())
    finally:
        backends.put(before)


async def _prepared(server: Server, setup: Setup, name: str | None) -> Prepared:
    await server.open(ENDPOINT)
    client = client_factory(server.gateway.answer_from_thread, server.settings)
    loop = asyncio.get_running_loop()
    try:
        told = await loop.run_in_executor(None, _set_up, setup, client)
        definitions = await loop.run_in_executor(None, _definitions, client)
        found = await loop.run_in_executor(None, _machine, client, told, name)
    finally:
        await server.close()
    return Prepared(
        server.neighbours,
        server.settings,
        found["stateMachineArn"],
        found["name"],
        found["roleArn"],
        found["definition"],
        definitions,
        [],
    )


def client_factory(answer: Answer, settings: Settings) -> Callable[[str], Client]:
    """``client(service)``: boto3 clients whose requests ``answer`` answers, one of each service."""
    import boto3
    from botocore.config import Config

    session = boto3.Session("test", "test", region_name=settings.region)
    connect(session, answer)
    made: dict[str, Client] = {}

    def client(service: str) -> Client:
        if service not in made:
            config = Config(inject_host_prefix=False, retries={"total_max_attempts": 1})
            made[service] = session.client(service, endpoint_url=ENDPOINT, config=config)  # type: ignore[call-overload]
        return made[service]

    return client


def _set_up(setup: Setup, client: Callable[[str], Client]) -> Any:
    if not callable(setup):
        raise UnprovableError(f"setup {setup!r:.80} is no function; name one: MODULE:FUNCTION")
    try:
        with redirect_stdout(sys.stderr):  # standard output is the proof's own
            return setup(client)
    except Exception as error:
        name = getattr(setup, "__qualname__", str(setup))
        raise UnprovableError(f"setup {name} failed: {type(error).__name__}: {error}") from error


def _definitions(client: Callable[[str], Client]) -> dict[str, str]:
    states = client("stepfunctions")
    arns = [machine["stateMachineArn"] for machine in states.list_state_machines()["stateMachines"]]
    return {arn: states.describe_state_machine(stateMachineArn=arn)["definition"] for arn in arns}


def _machine(client: Callable[[str], Client], told: Any, name: str | None) -> dict[str, Any]:
    states = client("stepfunctions")
    machines = states.list_state_machines()["stateMachines"]
    if isinstance(told, str) and told.startswith("arn:"):
        machines = [machine for machine in machines if machine["stateMachineArn"] == told]
    elif name is not None:
        machines = [machine for machine in machines if machine["name"] == name]
    if len(machines) != 1:
        names = ", ".join(machine["name"] for machine in machines) or "none"
        raise UnprovableError(f"setup made {names}; let it return the ARN of the state machine that is to be proved")
    described: dict[str, Any] = states.describe_state_machine(stateMachineArn=machines[0]["stateMachineArn"])
    return described


def loaded(path: str, here: Path, what: str) -> Any:
    """The module, or with ``module:function`` the function, importable from ``here``'s surroundings.

    Raises ``UnprovableError``.
    """
    module, colon, function = path.partition(":")
    if colon and not function:
        raise UnprovableError(f"{what} {path}: there is no name after the colon")
    for place in (str(Path.cwd()), str(here.resolve())):
        if place not in sys.path:
            sys.path.insert(0, place)
    try:
        with redirect_stdout(sys.stderr):
            found = importlib.import_module(module)
        return getattr(found, function) if function else found
    except (ImportError, AttributeError) as error:
        raise UnprovableError(f"{what} {path}: {error}") from None
