"""One server for this folder's tests, and stacks on it."""

from collections.abc import Iterator

import pytest

from tests.cloud.stacks.stacks import Stacks
from tests.processes import running


@pytest.fixture(scope="session")
def stacks() -> Iterator[Stacks]:
    with running("--in-memory") as process:
        yield Stacks(process)
