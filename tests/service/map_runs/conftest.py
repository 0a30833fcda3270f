"""A world with Distributed Maps."""

from collections.abc import Iterator

import pytest

from tests.service.map_runs.world import MapWorld


@pytest.fixture
def maps() -> Iterator[MapWorld]:
    world = MapWorld()
    yield world
    world.close()
