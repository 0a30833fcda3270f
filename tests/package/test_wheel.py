"""The wheel installs the complete emulator and nothing else, beside a project's own packages of any name."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from sfn_emulator import __version__
from tests.processes import ROOT
from tests.waiting import PATIENCE

PACKAGE = ROOT / "sfn_emulator"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as pip would build it, from a copy of what belongs to it."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "sfn_emulator", "handlers", "deploy", "terminal", "cli.py"):
        (source / name).symlink_to(ROOT / name)
    build = f"from setuptools.build_meta import build_wheel; build_wheel({str(made)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True, timeout=PATIENCE)
    (found,) = made.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, and of this one's packages the dependencies alone."""
    place = tmp_path_factory.mktemp("clean")
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin" / "python"
    ours = sysconfig.get_path("purelib")
    theirs = Path(sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)}))
    (theirs / "dependencies.pth").write_text(f"{ours}\n")  # as a plain path: an editable install there is not followed
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-compile",
        "--quiet",
        "--no-index",
    ]
    subprocess.run([*command, "--ignore-installed", str(wheel)], check=True, capture_output=True, timeout=PATIENCE)
    return python


def told(command: list[str], cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ran = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_wheel_holds_the_emulator_alone(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert names == {"sfn_emulator", f"sfn_emulator-{__version__}.dist-info"}


def test_the_wheel_holds_all_of_it_and_its_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {
        str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert not files - names
    assert f"sfn_emulator-{__version__}.dist-info/licenses/LICENSE" in names


def test_a_project_keeps_its_own_handlers_beside_it(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "__init__.py").write_text("WHOSE = 'mine'\n")
    look = (
        "import handlers, sfn_emulator, importlib.util as u;"
        "print(handlers.WHOSE, sfn_emulator.__version__, [n for n in ('deploy', 'terminal', 'cli') if u.find_spec(n)])"
    )
    assert told([str(installed), "-c", look], tmp_path) == f"mine {__version__} []\n"
    site = str(installed.parent.parent)
    where = told([str(installed), "-c", "import sfn_emulator; print(sfn_emulator.__file__)"], tmp_path)
    assert where.startswith(site)


def test_the_installed_package_runs(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.asl.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}')
    program = str(installed.parent / "sfn-emulator")
    assert told([program, "--version"], tmp_path) == f"sfn-emulator, version {__version__}\n"
    assert told([program, "run", "a.asl.json", "--input", "[1]"], tmp_path).endswith("SUCCEEDED [1]\n")
    assert told([program, "lint", "a.asl.json"], tmp_path) == ""


def test_every_dependency_is_imported_somewhere() -> None:
    """What is not needed to serve is an extra. moto's own needs are named by their comments in pyproject.toml."""
    text = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    modules = {"pyyaml": "yaml", "jsonata-python": "jsonata"}
    for_moto = {"jsonpath-ng", "py-partiql-parser", "pyparsing"}
    wanted = [line for line in metadata.requires("moto") or () if "extra" in line]
    assert all(any(line.lower().replace("_", "-").startswith(name) for line in wanted) for name in for_moto)
    declared = (ROOT / "pyproject.toml").read_text().split("dependencies = [")[1].split("\n]")[0]
    names = [line.strip().strip('",').split(">")[0].split("[")[0] for line in declared.splitlines() if '"' in line]
    ours = [modules.get(name, name) for name in names if name not in for_moto]
    assert not [name for name in ours if f"import {name}" not in text and f"from {name}" not in text]
