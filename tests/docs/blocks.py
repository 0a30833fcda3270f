"""The code blocks of a page of documentation, in their order.

What stands behind the language is the file a block is saved as, or how it is run:

    ```json machine.asl.json     ```sh in the background     ```python

A comment before a block, ``<!-- not run: why -->``, keeps it from being run.
"""

import re
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<why>[^>]+) -->\n)?"
    r"^(?P<fence>```+)(?P<language>\w*)[ ]?(?P<told>[^\n]*)\n(?P<text>.*?)^(?P=fence)$",
    re.M | re.S,
)


class Block(NamedTuple):
    language: str
    told: str
    text: str
    why_not: str | None
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(found["language"], found["told"], found["text"], found["why"], text.count("\n", 0, found.start()) + 1)
        for found in _BLOCK.finditer(text)
    ]
