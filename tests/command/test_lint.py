"""``sfn-emulator lint``: what it prints, in each format, and its exit status."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sfn_emulator.command.lint import command
from sfn_emulator.lint.codes import CODES
from tests.processes import ROOT

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


def linted(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(command, list(arguments), input=given)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.asl.json"
    path.write_text(BROKEN)
    return str(path)


def test_every_problem_is_a_line_with_its_place(broken: str) -> None:
    ran = linted(broken)
    assert ran.exit_code == 1
    assert ran.output.splitlines() == [
        f"{broken}:10:27 warning PASS_RESULT_IS_STATIC {STATIC} at /States/B/Result",
        f"{broken}:8:7 MISSING_TRANSITION_TARGET Missing 'Next' target: Nowhere at /States/A/Next",
        f'{broken}:10:5 MISSING_TRANSITION_TARGET State "B" is not reachable. at /States/B',
    ]


def test_json_holds_location_and_pointer(broken: str) -> None:
    rows = json.loads(linted("--json", broken).output)
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


def test_sarif_has_a_rule_a_level_and_a_region_for_each(broken: str) -> None:
    told = json.loads(linted("--format", "sarif", broken).output)
    (run,) = told["runs"]
    assert (told["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "sfn-emulator")
    assert [(r["ruleId"], r["level"]) for r in run["results"]] == [
        ("PASS_RESULT_IS_STATIC", "warning"),
        ("MISSING_TRANSITION_TARGET", "error"),
        ("MISSING_TRANSITION_TARGET", "error"),
    ]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    place = run["results"][1]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": broken}, "region": {"startLine": 8, "startColumn": 7}}


def test_sarif_names_a_file_by_a_uri_and_says_what_a_rule_is_about(tmp_path: Path) -> None:
    path = tmp_path / "a b.asl.json"
    path.write_text(BROKEN)
    (run,) = json.loads(linted("--format", "sarif", str(path)).output)["runs"]
    assert {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]} == {
        str(path).replace(" ", "%20")
    }
    assert [rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]] == [
        CODES["MISSING_TRANSITION_TARGET"],
        CODES["PASS_RESULT_IS_STATIC"],
    ]
    (run,) = json.loads(linted("--format", "sarif", "-", given=BROKEN).output)["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "%3Cstdin%3E"


def test_every_code_has_its_sentence_in_the_documentation() -> None:
    page = (ROOT / "docs" / "how-to" / "linting.md").read_text()
    assert {code: text for code, text in re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", page, re.MULTILINE)} == CODES
    rooms = ("asl", "lint", "query")
    written = "".join(file.read_text() for room in rooms for file in (ROOT / "sfn_emulator" / room).rglob("*.py"))
    named = set(re.findall(r'(?:warning\([^"]*|: Final = )"([A-Z]+(?:_[A-Z]+)+)"', written))
    assert named <= set(CODES)


def test_github_annotations_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a,b.json"
    path.write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "50%"}}}')
    first = linted("--format", "github", str(path)).output.splitlines()[0]
    file = str(path).replace(",", "%2C")
    assert first == (f"::error file={file},line=1,col=51,title=MISSING_TRANSITION_TARGET::Missing 'Next' target: 50%25")


def test_a_sound_file_prints_nothing_and_standard_input_is_a_file(tmp_path: Path) -> None:
    sound = '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    (tmp_path / "sound.json").write_text(sound)
    for ran in (linted(str(tmp_path / "sound.json")), linted("-", given=sound)):
        assert (ran.exit_code, ran.output) == (0, "")
    assert linted("-", given="{").output.startswith("<stdin>:1:")


def test_a_file_that_is_not_there_is_one_line_and_the_others_are_checked(tmp_path: Path, broken: str) -> None:
    ran = linted(str(tmp_path / "nothing.json"), broken)
    assert ran.exit_code == 1
    assert ran.stderr == f"{tmp_path}/nothing.json: No such file or directory\n"
    assert len(ran.stdout.splitlines()) == 3


def test_express_rules_hold_when_asked_for() -> None:
    text = '{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::ecs:runTask.sync","End":true}}}'
    assert "EXPRESS" not in linted("-", "--json", given=text).output
    assert "EXPRESS" in linted("-", "--json", "--express", given=text).output


def test_the_module_of_the_language_is_the_same_linter(broken: str) -> None:
    asked = [sys.executable, "-m", "sfn_emulator.asl", "--json", broken]
    ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, linted("--json", broken).output)
