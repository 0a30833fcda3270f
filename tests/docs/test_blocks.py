"""Every code block of the documentation is run, by a test of its page or here, or says why not."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from sfn_emulator.command.front_door import front_door
from tests.docs.blocks import Block, blocks
from tests.docs.test_tutorial import shell
from tests.processes import ROOT
from tests.waiting import PATIENCE

DOCS = ROOT / "docs"
OF_THEIR_OWN = {
    "tutorial.md": "tests/docs/test_tutorial.py",
    "mocks.md": "tests/test_mocks_page.py",
    "walk-through.md": "tests/test_readme.py",
}
"""Pages that are tried by a test of their own."""
COMMAND = re.compile(r"(?:aws|cd|curl|docker|export|make|npm|pip|pytest|python\d?|sam|sfn-emulator|[A-Z_]+=\S+) ")

BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(DOCS)}:{block.line}")
    for page in sorted(DOCS.rglob("*.md"))
    for block in blocks(page)
]
HERE = [
    block
    for page in sorted(DOCS.rglob("*.md"))
    if page.name not in OF_THEIR_OWN
    for block in blocks(page)
    if block.why_not is None
]


def is_shell(block: Block) -> bool:
    return block.language in ("sh", "bash") or (not block.language and COMMAND.match(block.text) is not None)


def test_pages_with_a_test_of_their_own_have_it() -> None:
    assert all((DOCS / page).exists() and (ROOT / test).exists() for page, test in OF_THEIR_OWN.items())


def test_python_is_run(tmp_path: Path) -> None:
    """As modules, and where there are tests in them, as tests."""
    for number, block in enumerate(block for block in HERE if block.language == "python"):
        (tmp_path / f"test_block_{number}.py").write_text(block.text)
    environment = shell(tmp_path / "bin")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_commands_are_run(tmp_path: Path) -> None:
    environment = shell(tmp_path / "bin")
    for block in filter(is_shell, HERE):
        done = subprocess.run(
            ["sh", "-e"],
            cwd=tmp_path,
            env=environment,
            input=block.text,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{block.text}\n{done.stderr}"


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_that_is_not_run_says_why(block: Block) -> None:
    assert block.why_not is None or len(block.why_not) > 10


@pytest.mark.parametrize("block", BLOCKS)
def test_our_commands_have_the_options_that_are_told(block: Block) -> None:
    for name, options in re.findall(r"^\s*(?:\S+=\S+ )?sfn-emulator (\w+)((?:[^\n|>#]|\\\n)*)", block.text, re.M):
        command = front_door.get_command(click.Context(front_door), name)
        assert command is not None, name
        known = set(option_names(command))
        assert not set(re.findall(r"(?<=\s)--[\w-]+", options)) - known


def option_names(command: click.Command) -> list[str]:
    """Its own, and those of commands below it."""
    own = [name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)]
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return own + [name for one in below for name in option_names(one)]
