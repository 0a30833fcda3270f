"""A directory of its own for a test, and a server with the saga deployed for a file of tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from terminal.server import background
from tests.cli.terminal import ROOT, Terminal


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Terminal]:
    """A directory of its own, its server (if one was started) stopped afterwards."""
    terminal = Terminal(tmp_path / "state")
    yield terminal
    background.stop(terminal.directory)


@pytest.fixture
def elsewhere(tmp_path: Path) -> tuple[str, str]:
    """Options for a port where nobody answers: somebody who works with the saga has a server on the usual one."""
    config = tmp_path / "config.yaml"
    config.write_text((ROOT / "deploy/config.yaml").read_text().replace("127.0.0.1:8083", "127.0.0.1:9"))
    return "--config", str(config)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A server in the background with the saga deployed."""
    made = Terminal(tmp_path_factory.mktemp("cli") / "state")
    assert made.run("up", "--port", "0").status == 0
    assert made.run("deploy").status == 0
    yield made
    assert made.run("down").status == 0
    assert made.here("down").out == "no server of this directory is running\n"
