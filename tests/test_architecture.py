"""The house rules that can be measured, each with its reason in CONTRIBUTING.md."""

import ast
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("sfn_emulator", "handlers", "deploy", "terminal")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")) + list(ROOT.glob("cli.py"))
FORBIDDEN_WORDS = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


def functions() -> Iterator[tuple[str, int]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", _lines_of_code(node)


def _lines_of_code(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, docstring left out: a rule's source may be told at any length."""
    first = node.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if told else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


def test_functions_are_short() -> None:
    lengths = dict(functions())
    too_long = {name: n for name, n in lengths.items() if n > 60}
    assert not too_long
    assert statistics.median(lengths.values()) < 12


def test_no_file_is_too_long_to_read() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert not {name: n for name, n in lengths.items() if n > 400}


def test_a_folder_has_about_a_dozen_doors() -> None:
    doors = Counter(path.parent for path in SOURCES if path.name != "__init__.py")
    doors.update(path.parent for path in (ROOT / "sfn_emulator").rglob("*/") if (path / "__init__.py").exists())
    house = ROOT / "sfn_emulator"  # its doors are the wings of the architecture page, and what puts them together
    limits = {house: 22}
    assert not {str(folder.relative_to(ROOT)): n for folder, n in doors.items() if n > limits.get(folder, 18)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_nouns_and_say_what_they_hold(path: Path) -> None:
    assert not FORBIDDEN_WORDS & set(path.stem.split("_"))
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) or not tree.body


def test_no_circle_among_the_modules_of_the_page() -> None:
    page = ROOT / "sfn_emulator" / "console" / "page"
    below = {
        path: {
            (path.parent / name).resolve() for name in re.findall(r'^import .* from "(.+)";$', path.read_text(), re.M)
        }
        for path in page.rglob("*.js")
    }
    list(TopologicalSorter(below).static_order())  # raises CycleError, which names the circle


def test_no_test_patches_what_it_tests() -> None:
    patching = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if path != Path(__file__) and "unittest.mock" in path.read_text()
    ]
    assert not patching


def test_no_cycle_hides_behind_type_checking() -> None:
    assert not [str(path) for path in SOURCES if "TYPE_CHECKING" in path.read_text()]
