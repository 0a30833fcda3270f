"""Every command block of the README, run as it stands in a fresh copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import blocks
from tests.processes import ROOT, free_port
from tests.waiting import PATIENCE

BLOCKS = [block for block in blocks(ROOT / "README.md") if block.language in ("", "sh")]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What is in the repository, with a virtual environment that make takes for its own, and a port of its own."""
    place = tmp_path_factory.mktemp("clone")
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "*.egg-info", "node_modules", "tests", "benchmarks")
    shutil.copytree(ROOT, place, ignore=ignored, dirs_exist_ok=True)
    (place / ".venv" / "bin").mkdir(parents=True)
    python = place / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (place / ".venv" / ".run").touch()
    port = str(free_port())
    config = place / "deploy" / "config.yaml"
    config.write_text(config.read_text().replace("8083", port))
    yield place
    ran(place, "python cli.py down")


def ran(checkout: Path, commands: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SAGA", "SFN", "PYTHON"))}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{environment['PATH']}", "COLUMNS": "80", "TERM": "dumb"}
    return subprocess.run(
        ["sh", "-e"],
        cwd=checkout,
        env=environment,
        input=commands,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
    )


def test_there_are_blocks_and_what_is_not_run_says_why() -> None:
    assert sum(block.why_not is None for block in BLOCKS) >= 3
    assert all(block.why_not is None or len(block.why_not) > 10 for block in BLOCKS)


def test_every_block_works_as_it_stands(checkout: Path) -> None:
    """In their order, as somebody who reads from top to bottom copies and pastes them."""
    follow(checkout, ROOT / "README.md")


def follow(checkout: Path, page: Path) -> None:
    """Runs what is to be run; each line of a ``text`` block is in what the block before it printed."""
    port = re.search(r"127.0.0.1:(\d+)", (checkout / "deploy" / "config.yaml").read_text())
    assert port is not None
    printed: str | None = None
    for block in blocks(page):
        if block.language == "text" and printed is not None:
            assert [line for line in block.text.splitlines() if line not in printed] == [], printed
        if block.language not in ("", "sh"):
            continue
        printed = None
        if block.why_not is None:
            done = ran(checkout, block.text.replace("8083", port[1]))
            assert done.returncode == 0, f"{block.text}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stdout + done.stderr
            printed = done.stdout


def test_the_walk_through_works_as_it_stands(checkout: Path) -> None:
    follow(checkout, ROOT / "docs" / "walk-through.md")


def test_without_packages_one_line_says_what_to_do(checkout: Path, tmp_path: Path) -> None:
    shutil.copytree(checkout, tmp_path / "bare", ignore=shutil.ignore_patterns(".venv", ".sfn"))
    bare = Path(sys.base_prefix) / "bin" / "python3"
    done = subprocess.run([bare, "-S", "cli.py", "tables"], cwd=tmp_path / "bare", capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: the packages it needs are not installed; run 'make up' once")
    emulator = subprocess.run([bare, "-S", "-m", "sfn_emulator"], cwd=tmp_path / "bare", capture_output=True, text=True)
    assert (emulator.returncode, emulator.stderr.count("\n")) == (1, 1)
    assert "lacks the package 'click'; run '. .venv/bin/activate'" in emulator.stderr
