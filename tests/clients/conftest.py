"""One server for all clients of a test process."""

from collections.abc import Iterator

import pytest

from tests.clients.speakers import SURROUNDINGS, Boto, CommandLine, JavaScript, javascript, why_no_javascript
from tests.processes import Process, running


@pytest.fixture(scope="session")
def server() -> Iterator[Process]:
    pages = ("--allow-origin", "http://localhost:3000", "--allow-origin", "https://app.localhost")
    with running("--in-memory", "--time", "skip", *pages) as process:
        yield process


@pytest.fixture(scope="session")
def boto(server: Process) -> Boto:
    return Boto(server)


@pytest.fixture
def command_line(server: Process, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name, value in SURROUNDINGS.items():
        monkeypatch.setenv(name, value)
    return CommandLine(server)


@pytest.fixture(scope="session")
def script(server: Process) -> Iterator[JavaScript]:
    if reason := why_no_javascript():
        pytest.skip(reason)
    with javascript(server) as speaker:
        yield speaker
