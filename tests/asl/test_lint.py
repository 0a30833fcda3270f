"""Checking files: what is printed, where it points, and what is left open by substitutions."""

import json
from pathlib import Path

import pytest

from sfn_emulator.asl.__main__ import main
from sfn_emulator.asl.lint import UnreadableError, lint, lint_file, lint_text
from sfn_emulator.asl.model import MachineType

BROKEN = """{
  "StartAt": "A",
  "States": {
    "A": {
      "Type": "Task",
      "Resource": "${ChargeArn}",
      "TimeoutSeconds": ${Limit},
      "Next": "Nowhere"
    },
    "B": {"Type": "Pass", "Result": {"v.$": "$.a"}, "End": true}
  }
}
"""

STATIC = "The Result of a Pass state is static: fields that end with '.$' are not evaluated"

YAML = """
StartAt: A
States:
  A:
    Type: Task
    Resource: !GetAtt Charge.Arn
    TimeoutSeconds: ${Limit}
    Retry:
      - ErrorEquals: [States.ALL, Other]
    Next: B
  B:
    Type: Wait
    Timestamp: 2024-01-01T00:00:00Z
    End: true
"""


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.asl.json"
    path.write_text(BROKEN)
    return str(path)


def test_every_problem_is_a_line_with_its_place(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([broken]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{broken}:10:27 warning PASS_RESULT_IS_STATIC {STATIC} at /States/B/Result",
        f"{broken}:8:7 MISSING_TRANSITION_TARGET Missing 'Next' target: Nowhere at /States/A/Next",
        f'{broken}:10:5 MISSING_TRANSITION_TARGET State "B" is not reachable. at /States/B',
    ]


def test_json_output_holds_location_and_pointer(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", broken]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["severity"] for row in rows] == ["WARNING", "ERROR", "ERROR"]
    assert rows[1] == {
        "file": broken,
        "line": 8,
        "column": 7,
        "severity": "ERROR",
        "code": "MISSING_TRANSITION_TARGET",
        "kind": "MISSING_TRANSITION_TARGET",
        "message": "Missing 'Next' target: Nowhere",
        "location": "/States/A/Next",
        "pointer": "/States/A/Next",
    }


def test_a_sound_file_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sound.json"
    path.write_text('{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}')
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == ""


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nothing.json"
    assert main([str(path)]) == 1
    assert capsys.readouterr().err == f"{path}: No such file or directory\n"


def test_a_folder_and_bytes_that_are_no_text_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="Is a directory"):
        lint_file(tmp_path)
    (tmp_path / "x.json").write_bytes(b"{\xff}")
    with pytest.raises(UnreadableError, match="not UTF-8"):
        lint_file(tmp_path / "x.json")


def test_yaml_has_lines_and_columns_too(tmp_path: Path) -> None:
    path = tmp_path / "machine.yaml"
    path.write_text(YAML)
    (problem,) = lint_file(path)
    assert (problem.line, problem.column) == (9, 23)
    assert problem.pointer == "/States/A/Retry[0]/ErrorEquals[0]"
    assert problem.place == "/States/A/Retry/0/ErrorEquals/0"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("StartAt: A\nStates: {A: {% x %}}\n", 2, "while scanning for the next token"),
        ("StartAt: A\nStartAt: B\n", 2, "Duplicate field 'StartAt'"),
        ("a: &a [1]\nb: .inf\n", 2, "'.inf' is not a number of JSON"),
    ],
)
def test_yaml_that_does_not_parse_is_told_with_its_line(text: str, line: int, message: str) -> None:
    (problem,) = lint_text(text, yaml=True)
    assert problem.line == line
    assert message in problem.message


def test_yaml_that_multiplies_itself_is_bounded() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    (problem,) = lint_text(bomb, yaml=True)
    assert "too deeply or too large" in problem.message


def test_yaml_merges_and_aliases_are_followed() -> None:
    text = """
StartAt: A
States:
  A: &task {Type: Pass, Comment: first, Next: B}
  B: {<<: *task, Next: C}
  C: {Type: Succeed}
"""
    assert lint_text(text) == ()


def test_substitutions_leave_their_field_open_and_nothing_else() -> None:
    text = json.dumps(
        {
            "StartAt": "A",
            "TimeoutSeconds": "${T}",
            "States": {
                "A": {
                    "Type": "Map",
                    "MaxConcurrency": "${C}",
                    "ItemProcessor": {
                        "ProcessorConfig": {"Mode": "${Mode}"},
                        "StartAt": "W",
                        "States": {"W": {"Type": "Wait", "SecondsPath": "${P}", "End": True}},
                    },
                    "Retry": [{"ErrorEquals": ["E"], "BackoffRate": "${R}", "Oops": 1}],
                    "End": True,
                }
            },
        }
    )
    (problem,) = lint_text(text)
    assert problem.place == "/States/A/Retry/0/Oops"


def test_a_created_definition_may_hold_no_substitution_for_a_number() -> None:
    from sfn_emulator.asl.parse import parse

    machine, problems = parse('{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":"${S}","End":true}}}')
    assert machine is None
    assert [problem.place for problem in problems] == ["/States/A/Seconds"]


def test_express_rules_hold_when_asked_for() -> None:
    text = '{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::ecs:runTask.sync","End":true}}}'
    assert lint(text) == ()
    (problem,) = lint(text, MachineType.EXPRESS)
    assert problem.kind == "EXPRESS"


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Next": "${Next}"},
        {"Type": "Choice", "Choices": "${Rules}", "Default": "${Next}"},
        {"Type": "Task", "Resource": "${Arn}", "Catch": "${Catchers}", "End": True},
        {"Type": "${Type}", "Next": "${Next}"},
        {"Type": "Pass", "Assign": "${Variables}", "Next": "B"},
    ],
)
def test_a_substitution_may_lead_anywhere_and_assign_anything(state: dict[str, object]) -> None:
    states = {"A": state, "B": {"Type": "Pass", "InputPath": "$x", "End": True}}
    assert lint_text(json.dumps({"StartAt": "A", "States": states})) == ()


def test_a_substitution_may_name_the_first_state_and_the_query_language() -> None:
    states = {"A": {"Type": "Pass", "InputPath": "$.a", "End": True}}
    assert lint_text(json.dumps({"StartAt": "${First}", "QueryLanguage": "${Language}", "States": states})) == ()
