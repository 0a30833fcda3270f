"""Coverage of a definition: by tests in process, by servers, by both together, through xdist and kills."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from click.testing import CliRunner

from sfn_emulator.asl.parse import load
from sfn_emulator.command.front_door import front_door
from sfn_emulator.coverage.covered import Covered, covered
from sfn_emulator.coverage.recording import Recording, read
from sfn_emulator.coverage.reports.cobertura import cobertura
from sfn_emulator.coverage.reports.lcov import lcov
from sfn_emulator.coverage.reports.painted import painted_mermaid, painted_svg
from sfn_emulator.coverage.reports.text import text
from sfn_emulator.engine.local.execution import run_locally
from sfn_emulator.engine.program import compile
from tests.processes import ROOT, running

SHOP = """{
  "StartAt": "Charge",
  "States": {
    "Charge": {
      "Type": "Task",
      "Resource": "arn:aws:lambda:us-east-1:123456789012:function:charge",
      "Retry": [{"ErrorEquals": ["Card.Busy", "States.Timeout"], "MaxAttempts": 1}],
      "Catch": [
        {"ErrorEquals": ["Card.Refused", "Card.Lost"], "Next": "Refuse"},
        {"ErrorEquals": ["States.ALL"], "Next": "Sorry"}
      ],
      "Next": "Large?"
    },
    "Large?": {
      "Type": "Choice",
      "Choices": [
        {"Variable": "$.sum", "NumericGreaterThan": 100, "Next": "Done"},
        {"Variable": "$.sum", "NumericGreaterThan": 10, "Next": "Done"}
      ],
      "Default": "Done"
    },
    "Done": {"Type": "Succeed"},
    "Refuse": {"Type": "Pass", "Next": "Sorry"},
    "Sorry": {"Type": "Fail", "Error": "Shop.Sorry"}
  }
}
"""


def ran(tmp_path: Path, *answers: object) -> Covered:
    """The definition after one execution for each script of the card's answers."""
    recording = Recording(tmp_path / "notes")
    machine = load(SHOP)
    for script in answers:
        run_locally(compile(machine, recording.watch(machine, SHOP, path="shop.asl.json")), tasks={"Charge": script})
    recording.close()
    (found,) = covered(read([tmp_path / "notes"]))
    return found


def missing(found: Covered) -> list[str]:
    return [line for line in text([found]).splitlines() if line.startswith("  line ")]


def test_a_good_run_leaves_its_handlers_and_other_ways_untaken(tmp_path: Path) -> None:
    found = ran(tmp_path, [{"return": {"sum": 200}}])
    assert missing(found) == [
        "  line 7: Charge: Retrier 1 never retried Card.Busy",
        "  line 7: Charge: Retrier 1 never retried States.Timeout",
        "  line 9: Charge: Catcher 1 never caught Card.Refused",
        "  line 9: Charge: Catcher 1 never caught Card.Lost",
        "  line 10: Charge: Catcher 2 never caught States.ALL",
        "  line 18: Large?: Choice rule 2 never taken",
        "  line 20: Large?: Default never taken",
        "  line 23: Refuse: never entered",
        "  line 23: Refuse: Next never followed",
        "  line 24: Sorry: never entered",
    ]
    assert found.counts()["state"] == (3, 5)


def test_each_name_of_a_handler_is_a_point_of_its_own(tmp_path: Path) -> None:
    refused = [{"throw": "Card.Refused"}]
    busy = [{"throw": "Card.Busy"}, {"throw": "Card.Gone"}]
    found = ran(
        tmp_path, refused, busy, [{"return": {"sum": 50}}], [{"return": {"sum": 1}}], [{"return": {"sum": 200}}]
    )
    assert missing(found) == [
        "  line 7: Charge: Retrier 1 never retried States.Timeout",
        "  line 9: Charge: Catcher 1 never caught Card.Lost",
    ]
    assert 80 < found.percent < 100


def test_states_inside_a_map_and_a_parallel_count(tmp_path: Path) -> None:
    inner = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}
    branch = json.loads(json.dumps(inner).replace("Inner", "Branch"))
    definition = json.dumps(
        {
            "StartAt": "Each",
            "States": {
                "Each": {"Type": "Map", "ItemProcessor": inner, "Next": "Both"},
                "Both": {
                    "Type": "Parallel",
                    "Branches": [branch],
                    "End": True,
                },
            },
        }
    )
    recording, machine = Recording(tmp_path), load(definition)
    run_locally(compile(machine, recording.watch(machine, definition)), [1, 2])
    recording.close()
    (found,) = covered(read([tmp_path]))
    assert found.percent == 100


def test_lcov_and_cobertura_tell_lines_and_branches(tmp_path: Path) -> None:
    found = ran(tmp_path, [{"return": {"sum": 200}}])
    lines = lcov([found]).splitlines()
    assert lines[:2] == ["TN:", "SF:shop.asl.json"] and lines[-1] == "end_of_record"
    assert {"BRDA:17,0,0,1", "BRDA:18,0,0,0", "DA:4,1", "DA:24,0"} <= set(lines)
    (made,) = fromstring(cobertura([found])).iter("class")
    told = {line.get("number"): (line.get("hits"), line.get("condition-coverage")) for line in made.iter("line")}
    assert told["9"] == ("0", "0% (0/2)") and told["4"] == ("1", None)


def test_the_graph_is_painted_where_nothing_went(tmp_path: Path) -> None:
    found = ran(tmp_path, [{"return": {"sum": 200}}])
    drawn = painted_mermaid(found)
    assert "class Refuse,Sorry missed" in drawn and "linkStyle" in drawn
    picture = fromstring(painted_svg(found))
    red = [e for e in picture.iter("{http://www.w3.org/2000/svg}rect") if "missed" in (e.get("class") or "")]
    assert len(red) == 2


def test_a_deployed_definition_is_reported_by_the_lines_of_its_file(tmp_path: Path) -> None:
    source = tmp_path / "shop.asl.json"
    source.write_text(SHOP)
    with running("--in-memory", "--time", "skip", "--coverage", str(tmp_path / "notes")) as server:
        machines = server.client("stepfunctions")
        deployed = json.dumps(json.loads(SHOP))
        role = "arn:aws:iam::123456789012:role/r"
        arn = machines.create_state_machine(name="shop", definition=deployed, roleArn=role)["stateMachineArn"]
        machines.start_execution(stateMachineArn=arn)
        while machines.list_executions(stateMachineArn=arn)["executions"][0]["status"] == "RUNNING":
            pass
        server.kill()
    (found,) = covered(read([tmp_path / "notes"]), [source])
    assert found.path == str(source)
    assert "  line 10: Charge: Catcher 2 never caught States.ALL" not in missing(found)
    assert "  line 9: Charge: Catcher 1 never caught Card.Refused" in missing(found)


TEST = """
import pytest

@pytest.mark.parametrize("sum", [1, 50, 200])
def test_a_sum(state_machine, sum):
    shop = state_machine("shop.asl.json")
    assert shop(tasks={"Charge": [{"return": {"sum": sum}}]}).status == "SUCCEEDED"
"""


def test_a_session_in_which_no_machine_ran_took_too_little(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): ...\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "sfn_emulator.pytest_plugin", "--rootdir", "."]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command += ["--sfn-cov-fail-under", "1"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "--sfn-cov-fail-under: no state machine ran" in done.stdout


@pytest.mark.parametrize(
    "text", [b"1\n", b"\xff\xfe", b'{"machine": "x", "point": ["state", "A"]}\n', b'{"machine": "x"}\n']
)
def test_a_file_without_notes_is_told_to_hold_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "some.sfncov").write_bytes(text)
    told = CliRunner().invoke(front_door, ["cover", "report", str(tmp_path)])
    assert told.exit_code == 1
    assert f"nothing was noted in {tmp_path}: no state machine ran, or it holds no notes" in told.output


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_session_tells_at_its_end_and_fails_when_it_took_too_little(tmp_path: Path, workers: str) -> None:
    (tmp_path / "shop.asl.json").write_text(SHOP)
    (tmp_path / "test_shop.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "sfn_emulator.pytest_plugin", "-n", workers]
    command += ["--sfn-cov-source", "shop.asl.json", "--sfn-cov-fail-under", "60", "--rootdir", "."]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "line 9: Charge: Catcher 1 never caught Card.Refused" in done.stdout
    assert "Choice rules 2/2" in done.stdout
    assert done.returncode == 1 and "was taken, less than 60" in done.stdout
    report = [
        sys.executable,
        "-m",
        "sfn_emulator",
        "cover",
        "report",
        "--source",
        "shop.asl.json",
        "--fail-under",
        "20",
    ]
    told = subprocess.run(report, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0 and "Defaults 1/1" in told.stdout
