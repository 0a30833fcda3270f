"""``sfn-emulator run``: an execution in virtual time, from files, standard input or text."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sfn_emulator.command.run import command

SHOP = """
StartAt: Ask
States:
  Ask: {Type: Wait, Seconds: "${Days}", Next: Charge}
  Charge:
    Type: Task
    Resource: arn:aws:lambda:us-east-1:123456789012:function:Charge
    Retry: [{ErrorEquals: [Busy], IntervalSeconds: 60}]
    End: true
"""


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "shop.asl.yaml"
    path.write_text(SHOP)
    return str(path)


def ran(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(command, list(arguments), input=given)


def tasks(directory: Path, text: str) -> tuple[str, str]:
    (directory / "tasks.yaml").write_text(text)
    return "--tasks", str(directory / "tasks.yaml")


def test_a_month_passes_in_no_time_and_every_state_is_a_line(shop: str, tmp_path: Path) -> None:
    answers = tasks(tmp_path, 'Charge: [{throw: Busy}, {return: {"paid": true}}]')
    told = ran(shop, "--set", "Days=2592000", "--input", '{"n": 1}', *answers)
    assert told.exit_code == 0
    ask, charge, end = told.output.splitlines()
    assert ask.split() == ["✓", "Ask", "30", "d"]
    assert charge.split()[:5] == ["✓", "Charge", "1", "min", "2"]
    assert end == 'SUCCEEDED {"paid":true}'


def test_the_end_is_told_in_json(shop: str, tmp_path: Path) -> None:
    answers = tasks(tmp_path, "Charge: {throw: Card.Refused, cause: no money}")
    told = ran(shop, "--set", "Days=1", "--json", *answers)
    found = json.loads(told.output)
    assert told.exit_code == 3
    assert [found[key] for key in ("status", "error", "cause", "seconds")] == ["FAILED", "Card.Refused", "no money", 1]


def test_a_name_that_nothing_bears_is_refused(shop: str, tmp_path: Path) -> None:
    misspelt = ran(shop, "--set", "Days=1", *tasks(tmp_path, "Chrage: {return: 1}"))
    assert (misspelt.exit_code, misspelt.output.count("\n")) == (1, 1)
    assert "tasks.yaml: the definition has no Task 'Chrage'; did you mean 'Charge'?" in misspelt.output
    other = ran(shop, "--set", "Days=1", *tasks(tmp_path, "Ask: 1"))
    assert "has no Task 'Ask'; its Tasks are Charge" in other.output
    unset = ran(shop, "--set", "Day=1")
    assert (unset.exit_code, unset.output.count("\n")) == (1, 1)
    assert "shop.asl.yaml has no ${Day}; what it has: ${Days}" in unset.output


def test_a_task_nobody_does_fails_and_says_so(shop: str) -> None:
    told = ran(shop, "--set", "Days=1")
    assert told.exit_code == 3
    assert "No task was given for 'Charge'" in told.output


def test_an_execution_that_waits_for_more_than_time_says_so(tmp_path: Path) -> None:
    path = tmp_path / "asks.json"
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
    path.write_text(json.dumps({"StartAt": "Ask", "States": {"Ask": task}}))
    told = ran(str(path))
    assert told.exit_code == 3
    assert "RUNNING: 'Ask' waits for an answer" in told.output


def test_input_and_definition_come_from_files_and_standard_input(tmp_path: Path) -> None:
    (tmp_path / "input.json").write_text('{"from": "file"}')
    passing = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
    (tmp_path / "a.json").write_text(passing)
    assert 'SUCCEEDED {"from":"file"}' in ran("-", "--input", str(tmp_path / "input.json"), given=passing).output
    assert 'SUCCEEDED {"from":"pipe"}' in ran(str(tmp_path / "a.json"), "--input", "-", given='{"from":"pipe"}').output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nothing.json"], "/nothing.json: No such file"),
        (["SHOP", "--input", "nothing"], "neither JSON nor a file"),
        (["SHOP", "--set", "Days"], "'Days' is not NAME=VALUE"),
        (["SHOP", "--tasks", "SHOP/x"], "Not a directory"),
        (["SHOP"], "tells all"),
    ],
    ids=str,
)
def test_an_unusable_file_is_one_line(arguments: list[str], words: str, shop: str) -> None:
    told = ran(*(argument.replace("SHOP", shop) for argument in arguments))
    assert told.exit_code in (1, 2)
    assert words in told.stderr


def test_a_text_that_multiplies_itself_is_refused(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    file = tmp_path / "laughs.yaml"
    file.write_text("\n".join(levels))
    told = CliRunner().invoke(command, [str(file)])
    assert told.exit_code == 1 and "laughs.yaml:" in told.output
