"""docs/prove.md is true: its commands run, its output is the program's own, its tables are complete."""

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from sfn_emulator.command.front_door import front_door
from sfn_emulator.command.prove import command
from sfn_emulator.prove.claims import claims
from sfn_emulator.prove.faults import WORDS, Kind
from sfn_emulator.prove.walk.rules import Rule

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "prove.md").read_text()


def blocks(language: str = "") -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.M | re.S)
    return [text for told, text in found if told == language]


def commands() -> list[str]:
    return [line for block in blocks() for line in block.splitlines() if line.startswith("sfn-emulator prove")]


def test_every_option_of_a_command_on_the_page_exists() -> None:
    options = {name for parameter in command.params for name in parameter.opts}
    used = {word for line in commands() for word in line.split() if word.startswith("--")}
    assert used
    assert used <= options
    assert {option for option in re.findall(r"`(--[\w-]+)[` ]", PAGE)} <= options | {"--advice"}


def test_the_example_is_told_in_its_own_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    (line,) = (line for line in commands() if line.endswith("--only after"))
    result = CliRunner().invoke(front_door, [*line.split()[1:], "--memory", str(tmp_path)])
    assert result.exit_code == 3
    (told,) = blocks("text")
    assert told in result.output
    assert re.findall(r"^(\d+)\. ", result.output, re.M) == ["1", "2", "3", "4", "5"]


def test_the_mended_example_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (line,) = (line for line in commands() if "mended" in line)
    result = CliRunner().invoke(front_door, [*line.split()[1:], "--faults", "1", "--only", "after"])
    assert result.exit_code == 0, result.output
    assert "executed: proved: 3 placements" in result.output


def test_the_claims_on_the_page_are_claims() -> None:
    (block,) = blocks("yaml")
    assert claims(**yaml.safe_load(block)).undo["Charge Card"] == "Refund Card"


def test_the_tables_name_every_rule_every_fault_and_its_name() -> None:
    assert all(f"`{rule}`" in PAGE for rule in Rule)
    assert all(f"`{kind}`" in PAGE for kind in Kind)
    names = {name for words in WORDS.values() for name in (words.lambda_, words.other) if name.startswith("aws:")}
    assert all(f"`{name.split(' ')[0]}`" in PAGE for name in names)
