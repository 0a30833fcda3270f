"""One server for all clients of a test process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.speakers import SURROUNDINGS, Boto, CommandLine, JavaScript, javascript, why_no_javascript
from tests.processes import Process, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In one worker, so that there is one server."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("clients"))


@pytest.fixture(scope="session")
def server() -> Iterator[Process]:
    with running("--in-memory", "--time", "skip") as process:
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
