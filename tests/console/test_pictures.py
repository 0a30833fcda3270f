"""The pictures in the documentation are taken of the page itself.

``MAKE_PICTURES=1 pytest tests/console/test_pictures.py`` takes them anew.
"""

import os
import struct
from pathlib import Path

import pytest

from tests.console.conftest import Saga
from tests.console.page import Page, wait_for
from tests.processes import ROOT

PICTURES = ROOT / "docs" / "pictures"
VIEWS = {"graph": {"visit": 2}, "tables": {"view": "tables", "event": 17, "visit": 4, "tab": "definition"}}
LARGEST = 150_000


@pytest.mark.parametrize("name", VIEWS)
def test_the_documentation_shows_the_page_as_it_is(page: Page, saga: Saga, name: str, tmp_path: Path) -> None:
    page.browser.set_window_size(1120, 760)
    page.open("execution", saga.arn("undone"), **VIEWS[name])
    page.one("svg .node" if name == "graph" else ".tables-body table")
    wait_for(lambda: page.all(".panel-body > *"))
    taken = tmp_path / f"{name}.png"
    page.browser.save_screenshot(str(taken))
    if os.environ.get("MAKE_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        (PICTURES / taken.name).write_bytes(taken.read_bytes())
    kept = (PICTURES / taken.name).read_bytes()
    assert _size(kept) == _size(taken.read_bytes())
    assert len(kept) < LARGEST


def _size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height
