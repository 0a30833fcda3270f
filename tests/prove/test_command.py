"""``sfn-emulator prove`` as people and pipelines call it: what it prints, and what its exit status says."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sfn_emulator.command.front_door import front_door
from sfn_emulator.picture.graph import graph_of
from tests.prove.sagas import CLAIMS, SAGA, catch

ROOT = Path(__file__).parents[2]


def prove(*arguments: object) -> Result:
    return CliRunner().invoke(front_door, ["prove", *map(str, arguments)])


@pytest.fixture
def saga(tmp_path: Path) -> Path:
    file = tmp_path / "order.asl.json"
    file.write_text(json.dumps(SAGA))
    (tmp_path / "saga.yaml").write_text(json.dumps(CLAIMS))
    return file


def broken(saga: Path) -> Path:
    pay = {**SAGA["States"]["Pay"], "Catch": [{"ErrorEquals": ["No"], "Next": "Refund"}, *catch("Release")]}
    saga.write_text(json.dumps({**SAGA, "States": {**SAGA["States"], "Pay": pay}}))
    return saga


def test_a_proof_ends_with_0_and_says_how_far_it_goes(saga: Path) -> None:
    result = prove(saga)
    assert result.exit_code == 0
    first, *bounds = result.output.splitlines()
    assert first.startswith("static: proved: ")
    assert bounds[0].startswith("  bound: up to 2 faults at once (")


def test_a_counterexample_ends_with_3_and_is_told_step_by_step(saga: Path) -> None:
    result = prove(broken(saga), "--faults", 1)
    assert result.exit_code == 3
    assert "'Undone' means undone, but the effect of 'Pay' may stand: 'Refund' did not undo it" in result.output
    assert "     Pay: failed with SomeOtherError (its effect happened, its answer was lost)\n" in result.output


def test_how_far_a_long_proof_is_stands_on_standard_error_where_there_is_no_terminal(
    saga: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfn_emulator.command.prove.EVERY", 0)
    result = prove(saga)
    assert result.exit_code == 0
    assert "100 ways walked\n" in result.stderr
    assert "ways walked" not in result.stdout


def test_paths_are_written_as_histories(saga: Path, tmp_path: Path) -> None:
    prove(broken(saga), "--histories", tmp_path / "out")
    files = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in files] == ["1-out-of-order.history.json", "2-not-undone.history.json"]
    told = json.loads(files[1].read_text())
    assert told["events"][-1]["type"] == "ExecutionFailed"
    assert [event["id"] for event in told["events"]] == list(range(1, len(told["events"]) + 1))
    assert graph_of(json.loads(told["definition"]))


def test_json_has_the_findings_with_their_histories(saga: Path) -> None:
    told = json.loads(prove(broken(saga), "--json").output)["static"]
    assert {finding["rule"] for finding in told["findings"]} == {"out-of-order", "not-undone"}
    assert all(finding["history"][0]["type"] == "ExecutionStarted" for finding in told["findings"])


def test_without_claims_the_definitions_own_weaknesses_are_told(saga: Path) -> None:
    (saga.parent / "saga.yaml").unlink()
    result = prove(broken(saga))
    assert result.exit_code == 0
    assert result.output.startswith("no claims: a saga.yaml beside the definition says")
    assert "static: nothing was claimed" in result.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ('{"StartAt": "A", "States": {"A": {"Type": "Task"}}}', "tells all"),
        ('{"hello": 1}', "not a state machine"),
    ],
)
def test_a_saga_that_cannot_be_proved_ends_with_1_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "bad.asl.json"
    file.write_text(text)
    result = prove(file)
    assert result.exit_code == 1
    assert told in result.output
    assert result.output.count("\n") == 1
    assert str(file) in result.output


def test_a_missing_file_ends_with_1(tmp_path: Path) -> None:
    result = prove(tmp_path / "none.asl.json")
    assert (result.exit_code, "No such file" in result.output) == (1, True)


def test_placeholders_are_filled_or_defined() -> None:
    definition = ROOT / "statemachine" / "definition.asl.json"
    static = ("--setup", "none")
    assert prove(definition, *static).exit_code == 0
    assert prove(definition, *static, "--set", "WaitSeconds=5").exit_code == 0
    assert prove(definition, *static, "--set", "WaitSeconds").exit_code == 2


# -- the linter's warnings by choice


def test_the_linter_warns_of_failures_by_choice(tmp_path: Path) -> None:
    states = dict(SAGA["States"])
    shadowed = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Undone"}, {"ErrorEquals": ["Busy"], "Next": "Undone"}]
    states["Note"] = {key: value for key, value in states["Note"].items() if key != "Catch"}
    states["Release"] = {**states["Release"], "Catch": shadowed}
    states["Refund"] = {**states["Refund"], "Retry": [{"ErrorEquals": ["A"]}, {"ErrorEquals": ["A", "B"]}]}
    file = tmp_path / "order.asl.json"
    file.write_text(json.dumps({**SAGA, "States": states}, indent=1))
    lint = CliRunner().invoke(front_door, ["lint", "--advice", "--json", str(file)])
    assert lint.exit_code == 0
    told = {(row["code"], row["location"]) for row in json.loads(lint.output)}
    assert told == {
        ("UNGUARDED_TASK", "/States/Note"),
        ("ESCAPING_ERRORS", "/States/Release/Catch"),
        ("UNREACHABLE_HANDLER", "/States/Release/Catch[1]"),
        ("SHADOWED_ERROR", "/States/Refund/Retry[1]/ErrorEquals"),
    }
    assert all(row["line"] > 1 for row in json.loads(lint.output))
    assert CliRunner().invoke(front_door, ["lint", str(file)]).output == ""
