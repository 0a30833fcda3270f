"""No text of others gives orders to a terminal: not a state's name, not a cause, not a function's line."""

import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.text import Text

from sfn_emulator.command.front_door import front_door
from sfn_emulator.picture.drawn import Drawn
from sfn_emulator.picture.printable import printable

ORDERS = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e\r\x7f"
"""Sets the title, clears the screen, colours, turns the text's direction, goes back to the line's start."""
NAME = f"Charge {ORDERS}"
STATES = {
    NAME: {"Type": "Pass", "Comment": ORDERS, "Next": "Fail"},
    "Fail": {"Type": "Fail", "Error": f"Refused{ORDERS}", "Cause": f"no money{ORDERS}"},
}


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "shop.asl.json"
    path.write_text(json.dumps({"Comment": ORDERS, "StartAt": NAME, "States": STATES}))
    return str(path)


def said(*arguments: str) -> str:
    told = CliRunner().invoke(front_door, list(arguments), prog_name="sfn-emulator", color=True)
    return told.output + told.stderr


def gives_orders(text: str) -> bool:
    return any(sign in text for sign in "\x1b\x07\x9b\u202e\r\x7f")


@pytest.mark.parametrize("command", ["graph", "run", "prove", "iam"])
def test_what_a_command_says_of_a_definition_gives_no_orders(file: str, command: str) -> None:
    told = said(command, file)
    assert told
    assert not gives_orders(told)


def test_problems_of_a_definition_are_told_without_orders(tmp_path: Path) -> None:
    path = tmp_path / f"shop{ORDERS}.asl.json"
    path.write_text(json.dumps({"StartAt": ORDERS, "States": {**STATES, "Lost": {"Type": ORDERS, "Next": ORDERS}}}))
    for format_ in ("text", "github", "json", "sarif"):
        told = said("lint", str(path), "--format", format_)
        assert "001b" in told
        assert not gives_orders(told)


def test_a_picture_of_it_is_xml_and_its_data_is_what_it_was(file: str) -> None:
    assert ElementTree.fromstring(said("graph", file, "--format", "svg")).tag.endswith("svg")
    assert NAME in [node["name"] for node in json.loads(said("graph", file, "--format", "json"))["nodes"]]


def test_on_a_terminal_our_own_styles_stay() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, color_system="standard", width=200)
    console.print(Drawn(Text(f"red{ORDERS}", style="red")))
    assert shown.getvalue().startswith("\x1b[31mred\\u001b]0;title")
    assert shown.getvalue().count("\x1b") == 2


def test_lines_tabs_and_letters_stay() -> None:
    assert printable("a\tb\nc é 訂單 😀 עברית") == "a\tb\nc é 訂單 😀 עברית"


def test_the_story_of_a_failing_test_gives_no_orders(state_machine: Any) -> None:
    told = repr(state_machine({"StartAt": NAME, "States": STATES})({}))
    assert "no money" in told
    assert not gives_orders(told)
