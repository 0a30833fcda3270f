"""Fixtures for anybody's tests of state machines; pytest finds them once the package is installed.

    def test_a_refused_card_leaves_no_order(state_machine):
        shop = state_machine("shop.asl.json")
        execution = shop({"n": 1}, tasks={"Charge": [{"throw": "Card.Refused"}]})
        assert execution.status == "FAILED"

``state_machine``   a definition (a path, an object, or JSON text) → what runs it in process, in virtual time
``sfn_endpoint``    the URL of an emulator in a process of its own: in memory, waits skipped, one for a test session
``sfn_reset``       makes that emulator forget everything; called with a service's name, what that one holds
``sfn_client``      boto3 clients for that endpoint: ``sfn_client("dynamodb")``

``--sfn-cov`` notes which states, rules, Retriers and Catchers the session took, in process and over the wire, and tells
at its end what never was; ``--sfn-cov-source FILE`` names the definitions that are told of, ``--sfn-cov-fail-under``
fails the session when less was taken. Workers of pytest-xdist note in the same place.

pytest loads this file in every session, so what a fixture needs is imported only when it is asked for.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

_COVERAGE = pytest.StashKey[Any]()
_DIRECTORY = ".sfn-coverage"
_SERVERS = "SFN_EMULATOR_COVERAGE"
"""What an emulator in a process of its own reads ``--coverage`` from."""

Given = Path | str | Mapping[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sfn", "AWS Step Functions")
    group.addoption(
        "--sfn-cov", nargs="?", const=_DIRECTORY, metavar="DIR", help=f"note what is taken (in {_DIRECTORY})"
    )
    group.addoption("--sfn-cov-source", action="append", default=[], metavar="FILE", help="a definition to tell of")
    group.addoption("--sfn-cov-fail-under", type=float, metavar="PERCENT", help="fail when less was taken")


def pytest_configure(config: pytest.Config) -> None:
    directory = config.getoption("--sfn-cov")
    if directory is None:
        return
    import os

    from sfn_emulator.coverage.recording import SUFFIX, Recording

    place = config.rootpath / directory
    if not hasattr(config, "workerinput"):
        for old in place.glob(f"*{SUFFIX}"):
            old.unlink()
    config.stash[_COVERAGE] = Recording(place)
    os.environ[_SERVERS] = str(place)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _COVERAGE in config.stash:
        config.stash[_COVERAGE].close()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if _COVERAGE not in config.stash:
        return
    from sfn_emulator.coverage.reports.text import text

    terminalreporter.section("coverage of state machines")
    terminalreporter.write(text(_covered(config)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    least = session.config.getoption("--sfn-cov-fail-under")
    if _COVERAGE not in session.config.stash or least is None or hasattr(session.config, "workerinput"):
        return
    from sfn_emulator.coverage.reports.text import total

    taken = total(_covered(session.config))
    if taken < least:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\n--sfn-cov-fail-under: {taken:.1f} % was taken, less than {least:g} %")  # noqa: T201 - pytest's own way


def _covered(config: pytest.Config) -> list[Any]:
    from sfn_emulator.coverage.covered import covered
    from sfn_emulator.coverage.recording import read

    sources = [config.rootpath / name for name in config.getoption("--sfn-cov-source")]
    found = covered(read([config.rootpath / config.getoption("--sfn-cov")]), sources)
    return [machine for machine in found if not sources or Path(machine.path) in sources]


@pytest.fixture
def state_machine(request: pytest.FixtureRequest) -> Callable[..., Callable[..., Any]]:
    """``state_machine(definition, substitutions={}, express=False)`` → ``run(input, tasks={}, ...) -> Execution``.

    ``substitutions`` fill ``${Names}``. ``run`` takes what ``engine.local.run_locally`` takes, whose ``Execution`` has
    ``status``, ``output``, ``error``, ``cause`` and ``events``. Raises ``DefinitionError`` with every problem at once.
    """
    from sfn_emulator.engine.local import Execution, run_locally

    recording = request.config.stash.get(_COVERAGE, None)

    def compiled(
        definition: Given, substitutions: Mapping[str, Any] | None = None, *, express: bool = False
    ) -> Callable[..., Execution]:
        program = _compiled(definition, _text(definition, substitutions or {}), express, recording)

        def run(given: Any = None, **options: Any) -> Execution:
            return run_locally(program, given, express=express, **options)

        return run

    return compiled


@pytest.fixture(scope="session")
def sfn_endpoint() -> Iterator[str]:
    """An emulator that is gone when the session is."""
    server = subprocess.Popen(
        [sys.executable, "-m", "sfn_emulator", "--port", "0", "--in-memory", "--time", "skip"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        assert server.stdout is not None
        ready = server.stdout.readline()
        if not ready.startswith("ready "):
            pytest.fail("the emulator did not start; run `python -m sfn_emulator --in-memory` to see why")
        yield ready.split()[1]
        server.terminate()


@pytest.fixture(scope="session")
def sfn_client(sfn_endpoint: str) -> Callable[..., Any]:
    """``sfn_client(service, **options)`` → a boto3 client; the credentials are made up."""
    import boto3

    def client(service: str, **options: Any) -> Any:
        session = boto3.Session("test", "test", region_name="us-east-1")
        make: Callable[..., Any] = session.client
        return make(service, endpoint_url=sfn_endpoint, **options)

    return client


@pytest.fixture
def sfn_reset(sfn_endpoint: str) -> Callable[..., None]:
    """The emulator is as new when the test begins; ``sfn_reset(service=None)`` makes it so again, or one service."""
    import json
    from urllib.request import Request, urlopen

    def reset(service: str | None = None) -> None:
        body = json.dumps({} if service is None else {"service": service}).encode()
        with urlopen(Request(f"{sfn_endpoint}/_sfn/reset", body, {"Content-Type": "application/json"}), timeout=30):
            pass

    reset()
    return reset


def _compiled(definition: Given, text: str, express: bool, recording: Any) -> Any:
    from sfn_emulator.asl.model import MachineType
    from sfn_emulator.asl.parse import load
    from sfn_emulator.engine.program import compile

    machine = load(text, MachineType.EXPRESS if express else MachineType.STANDARD)
    if recording is None:
        return compile(machine)
    path = "" if isinstance(definition, Mapping) or _is_text(definition) else str(definition)
    return compile(machine, recording.watch(machine, text, path=path))


def _is_text(definition: Path | str) -> bool:
    """Whether it is a definition itself, and not the path of one."""
    return isinstance(definition, str) and ("\n" in definition or definition.lstrip().startswith("{"))


def _text(definition: Given, substitutions: Mapping[str, Any]) -> str:
    """The JSON text, with ``${Name}`` filled in; a quoted one alone in its string may become a number."""
    import json

    text = json.dumps(definition) if isinstance(definition, Mapping) else _read(definition)
    for name, value in substitutions.items():
        text = text.replace(f'"${{{name}}}"', json.dumps(value)).replace(f"${{{name}}}", str(value))
    return text


def _read(definition: Path | str) -> str:
    """A file's text, or the text itself; YAML becomes JSON."""
    import json

    from sfn_emulator.asl.lint import YAML_SUFFIXES
    from sfn_emulator.asl.text.source import DEPTH_LIMIT
    from sfn_emulator.asl.text.yaml_source import YamlError, scan_yaml

    given = _is_text(definition)
    text = str(definition) if given else Path(definition).read_text(encoding="utf-8-sig")
    if not (str(definition).endswith(YAML_SUFFIXES) or (given and not text.lstrip().startswith(("{", "[")))):
        return text
    try:
        return json.dumps(scan_yaml(text, DEPTH_LIMIT).value)
    except YamlError as error:
        pytest.fail(f"{'the definition' if given else definition}:{error.line}:{error.column}: {error}", pytrace=False)
