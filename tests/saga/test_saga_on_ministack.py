"""The very same tests on the localstack target, against a MiniStack of their own: a server no one here wrote.

Every stage once, in every mode at least once: MiniStack makes one call of a function at a time, so that all modes at
all stages would take it minutes.
"""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.saga import test_saga
from tests.saga.places import MINISTACK, Place, deployed

pytestmark = pytest.mark.skipif(find_spec("ministack") is None, reason="MiniStack is not installed (extra: test)")

MODES = {"PlaceOrder": "timeout", "UpdateInventory": "before", "MakePayment": "after", "RevertPayment": "before"}
CASES = [(stage, MODES.get(stage, "status")) for stage in test_saga.STAGES]

matrix = test_saga.matrix
pytest_generate_tests = test_saga.each_case
globals().update({name: test for name, test in vars(test_saga).items() if name.startswith("test_")})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with deployed(MINISTACK, tmp_path_factory.mktemp(MINISTACK)) as made:
        yield made
