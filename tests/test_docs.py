"""Documentation that is wrong fails the build."""

import ast
import json
import re
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
SUPPORT = ROOT / "docs" / "support.md"
CASES = ROOT / "tests" / "conformance"


class Row(NamedTuple):
    section: str
    feature: str
    status: str
    shown_by: str
    remark: str


def rows() -> list[Row]:
    found, section = [], ""
    for line in SUPPORT.read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("|") and not line.startswith(("|---", "| Feature ")):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found.append(Row(section, *cells))
    return found


ROWS = rows()


@cache
def cases(pattern: str) -> list[Any]:
    return [case for path in sorted(CASES.glob(pattern)) for case in json.loads(path.read_text())]


def covered() -> set[str]:
    return {name for case in cases("*.json") for name in case.get("covers", ())}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.feature)
def test_a_row_has_a_status_and_its_proof(row: Row) -> None:
    assert row.status in ("yes", "partly", "no")
    assert row.status == "yes" or row.remark, "what is not whole says what is missing"
    _shown(row)


def _shown(row: Row) -> None:
    name = _name(row)
    if row.shown_by == "cases":
        assert name in covered(), f"no case in tests/conformance covers '{name}'"
    elif row.shown_by.endswith(".json"):
        found = cases(row.shown_by)
        assert found
        if row.feature.startswith("`"):
            assert any(name in json.dumps(case) for case in found)
    else:
        file, _, test = row.shown_by.strip("`").partition("::")
        assert test in ("", *_tests(ROOT / file))


def _name(row: Row) -> str:
    """The feature's own name: what stands in back quotes, or all of it."""
    return row.feature.split("`")[1] if row.feature.startswith("`") else row.feature


def _tests(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_case_covers_a_row_there_is() -> None:
    assert not covered() - {_name(row) for row in ROWS if row.shown_by == "cases"}


def test_every_intrinsic_function_has_a_row() -> None:
    from sfn_emulator.query.jsonpath.intrinsics.functions import INTRINSICS

    assert {f"`States.{name}`" for name in INTRINSICS} == {
        row.feature for row in ROWS if row.feature.startswith("`States.")
    }


def test_the_help_tells_of_every_setting() -> None:
    from click.testing import CliRunner

    from sfn_emulator.command.serve import command
    from sfn_emulator.serving.settings import Settings

    told = CliRunner().invoke(command, ["--help"]).output
    named = {"lambda_mode": "lambda", "endpoints": "endpoint", "allowed_hosts": "allow-host"}
    named["allowed_origins"] = "allow-origin"
    options = {named.get(field.name, field.name.replace("_", "-")) for field in fields(Settings)}
    assert not {option for option in options - {"body-limit", "grace"} if f"  --{option} " not in told}


def test_links_in_the_documentation_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    dead = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not dead
