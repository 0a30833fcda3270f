"""A message in the documentation is one that is really printed."""

import ast
import re
from functools import cache
from pathlib import Path

import botocore.exceptions
import pytest

from tests.docs.blocks import Block, blocks
from tests.processes import ROOT

MESSAGES = [block for block in blocks(ROOT / "docs" / "troubleshooting.md") if block.told == "message"]
SOURCES = [*(ROOT / "sfn_emulator").rglob("*.py"), Path(botocore.exceptions.__file__)]


@cache
def texts() -> frozenset[str]:
    """Every text in the source; what is filled in is …."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES)
    nodes = (node for tree in trees for node in ast.walk(tree))
    found = (_text(node) for node in nodes if isinstance(node, ast.JoinedStr | ast.Constant))
    return frozenset(re.sub(r"\{\w+\}", "…", text) for text in found)


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "…"


@pytest.mark.parametrize("block", MESSAGES, ids=lambda block: block.text[:50].strip())
def test_a_message_is_printed_by_us(block: Block) -> None:
    pieces = [re.escape(piece) for piece in block.text.strip().split("…")]
    wanted = re.compile(".*".join(pieces), re.S)
    assert any(wanted.search(text) for text in texts())
