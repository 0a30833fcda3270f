"""The front door ``sfn-emulator``: its table of commands, its help, and the ways to call it."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sfn_emulator import __version__
from sfn_emulator.command.front_door import COMMANDS, FrontDoor, front_door, main
from sfn_emulator.command.help_page import HelpPage
from tests.processes import ROOT, Process, refused
from tests.waiting import PATIENCE

FOLDER = Path(ROOT / "sfn_emulator" / "command")
SHARED = {"__init__", "front_door", "help_page", "lines", "running_server", "files"}
"""The files of the folder that commands share."""


def called(*arguments: str) -> Result:
    return CliRunner().invoke(front_door, list(arguments), prog_name="sfn-emulator")


def commands() -> list[HelpPage]:
    assert isinstance(front_door, FrontDoor)
    context = front_door.make_context("sfn-emulator", [], resilient_parsing=True)
    found = [front_door.get_command(context, name) for name in COMMANDS]
    return [command for command in found if isinstance(command, HelpPage)]


def test_every_file_of_the_folder_is_a_command_of_the_table() -> None:
    doors = {path.parent.name for path in FOLDER.glob("*/__init__.py")} | {path.stem for path in FOLDER.glob("*.py")}
    assert doors - SHARED == set(COMMANDS)


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_every_command_tells_examples_and_exit_statuses(command: HelpPage) -> None:
    told = called(command.name or "", "--help").output
    assert "Examples:" in told
    assert "Exit status:" in told
    assert all(f"sfn-emulator {command.name}" in line for line, _ in command.examples)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_is_wider_than_80_columns(name: str) -> None:
    told = CliRunner(env={"COLUMNS": "80"}).invoke(front_door, [name, "--help"], prog_name="sfn-emulator").output
    assert max(map(len, told.splitlines())) <= 80


def test_the_table_is_told_without_importing_a_command() -> None:
    program = (
        "import sys; from sfn_emulator.command.front_door import front_door;"
        "front_door(['--help'], 'x', standalone_mode=False); print(*sys.modules)"
    )
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(line in told for line in COMMANDS)
    assert not {f"sfn_emulator.command.{name}" for name in COMMANDS} & set(told.split())


@pytest.mark.parametrize("arguments", [(), ("serve",)], ids=["bare", "serve"])
def test_it_serves_with_or_without_the_word(arguments: tuple[str, ...]) -> None:
    server = Process(*arguments, "--port", "0", "--in-memory", cold=True)
    try:
        with urllib.request.urlopen(f"{server.url}/health", timeout=PATIENCE) as answer:
            assert json.load(answer)["version"] == __version__
    finally:
        assert server.stop() == (0, "")


def test_an_environment_variable_stands_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFN_EMULATOR_TIME", "soon")
    assert "Invalid value for '--time'" in refused("--in-memory")[1]


@pytest.mark.parametrize("option", ["lambda", "iam", "port", "sdk-integrations"])
def test_the_variable_has_the_options_name(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SFN_EMULATOR_{option.replace('-', '_').upper()}", "nonsense")
    assert f"Invalid value for '--{option}'" in refused("--in-memory")[1]


def test_a_variable_that_no_option_reads_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFN_EMULATOR_TIEM", "skip")
    monkeypatch.setenv("SFN_EMULATOR_ENDPOINT", "http://127.0.0.1:4000")  # which server the other commands ask
    server = Process("--port", "0", "--in-memory")
    noted = "note: SFN_EMULATOR_TIEM is not read: no option has that name; is SFN_EMULATOR_TIME meant?\n"
    assert server.stop() == (0, noted)


def test_a_word_that_is_no_command_is_refused() -> None:
    status, error = refused("sevre")
    assert status == 2
    assert "No such command 'sevre'" in error


@pytest.mark.parametrize(
    ("line", "status", "told"),
    [
        ("nope", 2, "sfn-emulator: No such command 'nope'; 'sfn-emulator --help' tells what there is"),
        ("serve --port 99999", 2, "'99999' is not a port; give a number from 0 to 65535; 'sfn-emulator serve --help'"),
        ("lint", 2, "sfn-emulator lint: Missing argument 'FILE...'"),
        ("clock --endpoint nonsense", 2, "'nonsense' is not an address like http://127.0.0.1:8083"),
        ("logs --endpoint http://", 2, "'http://' is not an address"),
        ("dev FILE --endpoint 127.0.0.1:8083", 2, "'127.0.0.1:8083' is not an address"),
        ("show nobody --endpoint http://127.0.0.1:1", 1, "no server answers at http://127.0.0.1:1; start one with"),
        (
            "run FILE",
            1,
            "INVALID_JSON_DESCRIPTION: Unexpected end-of-input: expected close marker for Object; 'sfn-emu",
        ),
        ("graph FILE", 1, "cut.json:2:1: not JSON: Unexpected end-of-input: expected close marker for Object\n"),
        ("prove FILE", 1, "cut.json:2:1: not JSON: Unexpected end-of-input: expected close marker for Object\n"),
        ("run FILE --input {", 1, "--input: not JSON (unexpected end of data"),
        ("run FILE --input nowhere", 1, "--input: 'nowhere' is neither JSON nor a file"),
    ],
)
def test_an_error_is_one_line(
    line: str, status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cut.json").write_text("{\n")
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "cut.json") if word == "FILE" else word for word in line.split()])
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n")) == (status, "", 1)
    assert told in said.err


def test_a_package_that_a_command_lacks_is_named() -> None:
    program = (
        "import sys; sys.modules['httptools'] = None;"  # how Python marks a module that can't be imported
        "from sfn_emulator.command.front_door import main; main(['serve', '--in-memory', '--port', '0'])"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert "lacks the package 'httptools'; run '. .venv/bin/activate' in a checkout" in ended.stderr


def test_every_program_tells_its_version() -> None:
    assert called("--version").output == f"sfn-emulator, version {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_learn_to_complete_words(shell: str) -> None:
    assert "_SFN_EMULATOR_COMPLETE" in called("--completion", shell).output


def test_words_are_completed() -> None:
    environment = {**os.environ, "_SFN_EMULATOR_COMPLETE": "bash_complete", "COMP_CWORD": "1"}
    for words, expected in {"sfn-emulator se": "plain,serve", "sfn-emulator --vers": "plain,--version"}.items():
        asked = subprocess.run(
            [sys.executable, "-m", "sfn_emulator"],
            cwd=ROOT,
            env={**environment, "COMP_WORDS": words},
            capture_output=True,
            text=True,
            check=True,
        )
        assert asked.stdout.split() == [expected]
