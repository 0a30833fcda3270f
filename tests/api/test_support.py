"""docs/support.md names every operation, and says truly which are refused."""

import re
from pathlib import Path

from sfn_emulator.api.operations import operations
from tests.service.world import World

SUPPORT = (Path(__file__).parent.parent.parent / "docs" / "support.md").read_text()


def test_every_operation_has_a_row_and_those_refused_say_no() -> None:
    world = World()
    section = SUPPORT.partition("## Operations")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE))
    assert set(rows) == set(operations(world.service))
    refused = {name for name, row in operations(world.service).items() if getattr(row, "__name__", "") == "refuse"}
    assert refused == {name for name, status in rows.items() if status == "no"}
    world.close()
