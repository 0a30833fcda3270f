"""The service behind the API, in memory, with time that stands still until it is moved."""

from collections.abc import Iterator

import pytest

from tests.service.world import World


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()
