"""The AWS CLI as a user runs it: a process, its exit status, what it prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.clients.journey import PASS, ROLE
from tests.clients.speakers import SURROUNDINGS, CommandLine
from tests.processes import Process
from tests.waiting import PATIENCE

AWS = Path(sys.executable).with_name("aws")


def aws(server: Process, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [AWS, "stepfunctions", *words],
        env={"PATH": os.environ["PATH"], **SURROUNDINGS, "AWS_ENDPOINT_URL": server.url, **more},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_a_definition_comes_from_a_file_and_the_endpoint_from_the_environment(server: Process, tmp_path: Path) -> None:
    file = tmp_path / "machine.asl.json"
    file.write_text(PASS)
    told = ("--name", "from-file", "--definition", f"file://{file}", "--role-arn", ROLE, "--type", "EXPRESS")
    made = aws(server, "create-state-machine", *told, "--query", "stateMachineArn", "--output", "text")
    assert (made.returncode, made.stderr) == (0, "")
    arn = made.stdout.strip()
    assert arn == "arn:aws:states:us-east-1:123456789012:stateMachine:from-file"
    done = aws(server, "start-sync-execution", "--state-machine-arn", arn, "--input", '{"a": [1, "é"]}')
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(json.loads(done.stdout)["output"]) == {"a": [1, "é"]}


def test_a_refusal_is_printed_as_awss_is(server: Process) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:none"
    done = aws(server, "describe-state-machine", "--state-machine-arn", arn)
    assert (done.returncode, done.stdout) == (255, "")
    assert done.stderr.strip() == (
        "An error occurred (StateMachineDoesNotExist) when calling the DescribeStateMachine operation: "
        f"State Machine Does Not Exist: '{arn}'"
    )


def test_all_pages_are_gathered(command_line: CommandLine) -> None:
    command_line.region = "eu-north-1"
    for number in range(5):
        command_line("CreateActivity", name=f"gathered-{number}")
    found = command_line("ListActivities", pageSize=2)["activities"]
    assert [a["name"] for a in found if a["name"].startswith("gathered-")] == [f"gathered-{n}" for n in range(5)]
