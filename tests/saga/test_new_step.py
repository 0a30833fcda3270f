"""CONTRIBUTING's worked example, done in a copy of the checkout: the saga's own tests follow by themselves."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.processes import ROOT
from tests.waiting import PATIENCE

COPIED = ("statemachine", "handlers", "deploy", "terminal", "tests/saga")
FILES = ("cli.py", "pyproject.toml", *(f"tests/{path.name}" for path in (ROOT / "tests").glob("[!t]*.py")))


def blocks() -> Iterator[tuple[str, str]]:
    """Language and content of each code block of the example."""
    told = (ROOT / "CONTRIBUTING.md").read_text().partition("## A new step")[2]
    yield from re.findall(r"^```(\w+)\n(.*?)^```", told, re.M | re.S)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which the example was done."""
    place = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, place / name)
    (place / "sfn_emulator").symlink_to(ROOT / "sfn_emulator")
    (states, repair), (code,), (config, claim) = (
        [text for kind, text in blocks() if kind == language] for language in ("json", "python", "yaml")
    )
    edited(place / "statemachine" / "definition.asl.json", lambda told: with_step(told, states, repair))
    (place / "handlers" / "shipping.py").write_text(code)
    edited(place / "deploy" / "config.yaml", lambda told: merged(told, yaml.safe_load(config)))
    edited(place / "statemachine" / "saga.yaml", lambda told: merged(told, yaml.safe_load(claim)))
    return place


def edited(path: Path, change: Any) -> None:
    """JSON is YAML, so one reader and one writer do for both."""
    path.write_text(json.dumps(change(yaml.safe_load(path.read_text())), indent=2))


def merged(told: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return told | {key: {**told[key], **value} for key, value in more.items()}


def with_step(told: dict[str, Any], states: str, repair: str) -> dict[str, Any]:
    told["States"] |= json.loads(states)
    told["States"]["Is payment success"]["Choices"][0]["Next"] = "Reserve Shipping"
    told["States"]["Is order removed"]["Choices"][0]["And"].append(json.loads(repair))
    return told


def ran(checkout: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=checkout, capture_output=True, text=True, timeout=4 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_definition_is_sound(checkout: Path) -> None:
    assert ran(checkout, "cli.py", "validate") == "no problems\n"
    assert "ReserveShipping" in ran(checkout, "cli.py", "start", "--help")


def test_the_sagas_own_tests_follow_by_themselves(checkout: Path) -> None:
    shape = ("tests/saga/test_statemachine.py", "tests/saga/test_permissions.py")
    assert " passed" in ran(checkout, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *shape)


FEW = '''"""The saga's own tests, of the new step's cases alone."""

import pytest

from tests.saga import test_saga
from tests.saga.places import deployed

CASES = [("None", "status"), ("ReserveShipping", "status"), ("ReserveShipping", "before"), ("CancelShipping", "before")]
matrix = test_saga.matrix
pytest_generate_tests = test_saga.each_case
test_tables = test_saga.test_a_saga_failed_at_a_stage_leaves_the_tables_as_it_must
test_way_back = test_saga.test_the_way_back_is_the_way_forward_in_reverse


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with deployed("embedded", tmp_path_factory.mktemp("embedded")) as made:
        yield made
'''


def test_the_new_step_is_deployed_failed_and_undone(checkout: Path) -> None:
    """A few of the cases, since the whole matrix takes a minute; `pytest tests/saga` in the copy tries them all."""
    (checkout / "tests/saga/test_few.py").write_text(FEW)
    told = ran(checkout, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "tests/saga/test_few.py")
    assert "6 passed" in told


@pytest.mark.parametrize("forgotten", ["statemachine/saga.yaml", "handlers/shipping.py"])
def test_a_forgotten_part_is_named(checkout: Path, forgotten: str, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    shutil.copytree(checkout, place, symlinks=True)
    if forgotten.endswith(".py"):
        (place / forgotten).unlink()
    else:
        shutil.copy(ROOT / forgotten, place / forgotten)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "tests/saga/test_statemachine.py"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=4 * PATIENCE, check=False)
    assert done.returncode == 1
    assert "hipping" in done.stdout
