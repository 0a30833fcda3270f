from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """In memory, with time that stands still until it is moved."""
    made = World()
    yield made
    made.close()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[World]:
    """With a state directory."""
    made = World(tmp_path / "state")
    yield made
    made.close()
