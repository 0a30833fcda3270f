"""Fixtures for anybody's tests of state machines; pytest finds them once the package is installed.

    def test_a_refused_card_leaves_no_order(state_machine):
        shop = state_machine("shop.asl.json")
        execution = shop({"n": 1}, tasks={"Charge": [{"throw": "Card.Refused"}]})
        assert execution.status == "FAILED"

``state_machine``   a definition (path, object or JSON text) → a function that runs it in process, in virtual time
``sfn_endpoint``    the URL of an emulator in a process of its own: in memory, waits skipped, one for a test session
``sfn_reset``       makes that emulator forget everything, or the state of the service it is called with
``sfn``             an emulator of the test's own: clients, tables before and after, clock, logs, ``wait_for``
``sfn_client``      boto3 clients for that endpoint: ``sfn_client("dynamodb")``

``--sfn-cov`` notes which states, rules, Retriers and Catchers the session took, in process and over the wire, and
reports at its end those that never were; ``--sfn-cov-source FILE`` names the definitions to report,
``--sfn-cov-fail-under`` fails the session when less was taken. Workers of pytest-xdist note in the same place.

pytest loads this file in every session, so what a fixture needs is imported only when it is asked for.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

_COVERAGE = pytest.StashKey[Any]()
_STORIES = pytest.StashKey[list[Any]]()
"""The runs of a test in process; they are shown if it fails."""
_DIRECTORY = ".sfn-coverage"
_SERVERS = "SFN_EMULATOR_COVERAGE"
"""The environment variable from which an emulator in a process of its own reads ``--coverage``."""

Given = Path | str | Mapping[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sfn", "AWS Step Functions")
    group.addoption(
        "--sfn-cov", nargs="?", const=_DIRECTORY, metavar="DIR", help=f"note what is taken (in {_DIRECTORY})"
    )
    group.addoption("--sfn-cov-source", action="append", default=[], metavar="FILE", help="a definition to tell of")
    group.addoption("--sfn-cov-fail-under", type=float, metavar="PERCENT", help="fail when less was taken")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sfn(**options): options of the emulator that the fixture sfn gives")
    sources, least = config.getoption("--sfn-cov-source"), config.getoption("--sfn-cov-fail-under")
    if config.getoption("--sfn-cov") is None and (sources or least is not None):
        config.option.sfn_cov = _DIRECTORY  # whoever asks how much was taken wants it noted
    directory = config.getoption("--sfn-cov")
    if directory is None:
        return
    missing = next((name for name in sources if not (config.rootpath / name).is_file()), None)
    if missing is not None:
        raise pytest.UsageError(f"--sfn-cov-source {missing}: no such file below {config.rootpath}")
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A failing test shows what ran, and what functions printed."""
    report = yield
    if report.when == "call" and report.failed:
        report.sections += [("state machine", repr(ran)) for ran in item.stash.get(_STORIES, [])]
        emulator = getattr(item, "funcargs", {}).get("sfn")
        for function, lines in ({} if emulator is None else emulator.logs()).items():
            report.sections.append((f"log of {function}", "\n".join(lines[-50:])))
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if _COVERAGE not in config.stash:
        return
    from sfn_emulator.coverage.reports.text import text
    from sfn_emulator.picture.printable import printable

    terminalreporter.section("coverage of state machines")
    terminalreporter.write(printable(text(_covered(config))))


def pytest_sessionfinish(session: pytest.Session) -> None:
    least = session.config.getoption("--sfn-cov-fail-under")
    if _COVERAGE not in session.config.stash or least is None or hasattr(session.config, "workerinput"):
        return
    from sfn_emulator.coverage.reports.text import total

    found = _covered(session.config)
    taken = total(found) if found else 0.0
    if taken < least:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        told = f"{taken:.1f} % was taken, less than {least:g} %" if found else "no state machine ran"
        print(f"\n--sfn-cov-fail-under: {told}")  # noqa: T201 - pytest's own way


def _covered(config: pytest.Config) -> list[Any]:
    from sfn_emulator.coverage.covered import covered
    from sfn_emulator.coverage.recording import read
    from sfn_emulator.picture.definition import UndrawableError

    sources = [config.rootpath / name for name in config.getoption("--sfn-cov-source")]
    try:
        found = covered(read([config.rootpath / config.getoption("--sfn-cov")]), sources)
    except UndrawableError as error:
        raise pytest.UsageError(f"--sfn-cov-source {error}") from None
    return [machine for machine in found if not sources or Path(machine.path) in sources]


@pytest.fixture
def state_machine(request: pytest.FixtureRequest) -> Callable[..., Callable[..., Any]]:
    """``state_machine(definition, substitutions={}, express=False)`` → ``run(input, tasks={}, ...) -> Ran``.

    ``substitutions`` fill ``${Names}``. ``run`` takes the arguments of ``run_locally`` (``engine.local.execution``).
    Its result has ``status``, ``output``, ``error``, ``cause``, ``events``, ``visited``, ``attempts(state)``,
    ``input_of(state)`` and ``output_of(state)``. Raises ``DefinitionError`` with every problem at once. The test fails
    for a task that no state has, an answer of no known form, a ``${Name}`` left over, and a Task that nobody answers.
    """
    from sfn_emulator.fixtures.ran import MistakeError, Ran, check_answered, check_filled, check_tasks, started

    recording = request.config.stash.get(_COVERAGE, None)
    stories = request.node.stash.setdefault(_STORIES, [])

    def compiled(
        definition: Given, substitutions: Mapping[str, Any] | None = None, *, express: bool = False
    ) -> Callable[..., Ran]:
        __tracebackhide__ = True
        given_text = _json(definition)
        text = _filled(given_text, substitutions or {})
        try:
            check_filled(given_text, text, substitutions or {})
        except MistakeError as mistake:
            raise pytest.fail.Exception(str(mistake), pytrace=False) from None
        machine, program = _compiled(definition, text, express, recording)

        def run(given: Any = None, *, tasks: Mapping[str, Any] | None = None, **options: Any) -> Ran:
            __tracebackhide__ = True
            try:
                check_tasks(machine, tasks or {})
                ran = started(program, given, express=express, tasks=tasks or {}, **options)
                stories.append(ran)
                ran.finish()
                check_answered(ran, tasks or {})
            except MistakeError as mistake:
                raise pytest.fail.Exception(str(mistake), pytrace=False) from None
            return ran

        return run

    return compiled


@pytest.fixture(scope="session")
def sfn_endpoint() -> Iterator[str]:
    """The URL of an emulator that ends with the session."""
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
def _sfn_emulators() -> Iterator[dict[Any, Any]]:
    """One process for each set of options, for the whole session."""
    kept: dict[Any, Any] = {}
    yield kept
    for emulator in kept.values():
        emulator.close()


@pytest.fixture
def sfn(request: pytest.FixtureRequest, _sfn_emulators: dict[Any, Any]) -> Any:
    """An emulator that is as new: ``client``, ``reset``, ``advance``, ``wait_for``, ``tables``, ``logs``.

    ``@pytest.mark.sfn(time="real", iam="enforce", mocks="mocks.json")`` sets options of ``sfn-emulator serve``.
    """
    from sfn_emulator.fixtures.emulator import Emulator

    marker = request.node.get_closest_marker("sfn")
    options = {} if marker is None else marker.kwargs
    key = repr(sorted(options.items()))
    if key not in _sfn_emulators:
        _sfn_emulators[key] = Emulator(**options)
    _sfn_emulators[key].reset()
    return _sfn_emulators[key]


@pytest.fixture(scope="session")
def sfn_client(sfn_endpoint: str) -> Callable[..., Any]:
    """``sfn_client(service, **options)`` → a boto3 client; the credentials are made up."""
    from sfn_emulator.fixtures import clients

    return partial(clients.client, sfn_endpoint)


@pytest.fixture
def sfn_reset(sfn_endpoint: str) -> Callable[..., None]:
    """The emulator is as new when the test begins. ``sfn_reset(service=None)`` resets it again, or one service."""
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
        return machine, compile(machine)
    path = "" if isinstance(definition, Mapping) or _is_text(definition) else str(definition)
    return machine, compile(machine, recording.watch(machine, text, path=path))


def _is_text(definition: Path | str) -> bool:
    """Whether a text is a definition itself, and not the path of one."""
    return isinstance(definition, str) and ("\n" in definition or definition.lstrip().startswith("{"))


def _json(definition: Given) -> str:
    import json

    return json.dumps(definition) if isinstance(definition, Mapping) else _read(definition)


def _filled(text: str, substitutions: Mapping[str, Any]) -> str:
    """The text with ``${Name}`` filled in; a quoted one alone in its string may become a number."""
    import json

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
        place = f"{'the definition' if given else definition}:{error.line}:{error.column}"
        raise pytest.fail.Exception(f"{place}: {error}", pytrace=False) from None
