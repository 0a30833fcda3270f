"""The commands that ask a server that runs: its clock and its logs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread, Timer
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sfn_emulator.command.front_door import front_door
from tests.cloud.functions import deploy, invoke, make_role
from tests.processes import ROOT, Process, running
from tests.waiting import PATIENCE, ended, until

MENDED = "name the emulator's address with --endpoint"
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory", "--verbose") as one:
        make_role(one)
        deploy(one, "Hello", "def handler(event, context):\n    print('hello', event['n'])\n")
        invoke(one, "Hello", {"n": 7})
        yield one


def called(*arguments: str) -> Result:
    return CliRunner().invoke(front_door, list(arguments), prog_name="sfn-emulator")


def test_the_clock_is_told_and_moved_on(server: Process) -> None:
    before = json.loads(called("clock", "--json", "--endpoint", server.url).output)
    after = json.loads(called("clock", "advance", "2h", "--json", "--endpoint", server.url).output)
    assert after["now"] - before["now"] == pytest.approx(7200, abs=600)
    assert called("clock", "--endpoint", server.url).output.endswith("(time: real)\n")


@pytest.mark.parametrize("arguments", [["advance"], ["show", "3"], ["advance", "soon"], ["advance", "0"]], ids=str)
def test_a_duration_that_makes_no_sense_is_a_usage_error(arguments: list[str]) -> None:
    assert called("clock", *arguments).exit_code == 2


@pytest.mark.parametrize("arguments", [["clock"], ["logs"], ["logs", "f"]], ids=str)
def test_without_a_server_the_one_line_says_how_to_start_one(arguments: list[str]) -> None:
    ran = called(*arguments, "--endpoint", NOBODY)
    assert ran.exit_code == 1
    assert ran.stderr.startswith(f"sfn-emulator: no server answers at {NOBODY}; start one with 'sfn-emulator serve'")
    assert ran.stderr.count("\n") == 1


class Other(BaseHTTPRequestHandler):
    """A program that answers each request with a page."""

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.page)

    do_POST = do_GET  # noqa: N815 - http.server's name
    status, page = 404, b"<html>not here</html>"

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Welcoming(Other):
    status, page = 200, b"{}"


@pytest.fixture(params=[Other, Welcoming])
def another_program(request: pytest.FixtureRequest) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{other.server_port}"
        other.shutdown()


@pytest.mark.parametrize("line", ["clock", "clock advance 1h"], ids=str)
def test_another_program_is_not_taken_for_the_emulator(line: str, another_program: str) -> None:
    ran = called(*line.split(), "--endpoint", another_program)
    assert ran.exit_code == 1
    assert ran.stderr == f"sfn-emulator: another program answers at {another_program}; {MENDED}\n"


@pytest.mark.parametrize("line", ["logs", "logs f", "show x", "record x -o out"], ids=str)
@pytest.mark.parametrize("another_program", [Other], indirect=True)
def test_a_page_of_another_program_is_not_shown(line: str, another_program: str) -> None:
    ran = called(*line.split(), "--endpoint", another_program)
    assert ran.exit_code == 1
    assert ran.stderr.startswith(f"sfn-emulator: another program answers at {another_program};")


def lines(server: Process, *arguments: str) -> list[Any]:
    """Written by a thread of the server, a moment after the function answered."""

    def told() -> list[str]:
        return called("logs", *arguments, "--endpoint", server.url).stdout.splitlines()

    until(lambda: any("hello 7" in line for line in told()))
    return told()


def test_functions_output_is_shown(server: Process) -> None:
    told = [line for line in lines(server) if "hello 7" in line]
    assert len(told) == 1
    assert told[0].split()[1:] == ["Hello", "hello", "7"]
    (same,) = [json.loads(line) for line in lines(server, "Hello", "--filter", "hello", "--json")]
    assert (same["group"], same["message"]) == ("/aws/lambda/Hello", "hello 7")


def test_new_lines_are_followed_also_after_one_that_is_dated_ahead(server: Process) -> None:
    """Where waits are skipped, an execution's lines bear times that are still to come."""
    logs, group = server.client("logs"), {"logGroupName": "/aws/lambda/Ahead", "logStreamName": "s"}
    logs.create_log_group(logGroupName=group["logGroupName"])
    logs.create_log_stream(**group)
    now = int(datetime.fromisoformat(json.loads(lines(server, "Hello", "--json")[0])["time"]).timestamp() * 1000)
    command = [sys.executable, "-u", "-m", "sfn_emulator", "logs", "Ahead", "--follow", "--endpoint", server.url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as following:
        watch = Timer(PATIENCE, following.kill)
        watch.start()
        try:
            for at, text in ((now + 3_600_000, "ahead"), (now, "present"), (now, "present, too")):
                logs.put_log_events(**group, logEvents=[{"timestamp": at, "message": text}])
                assert following.stdout is not None
                assert following.stdout.readline().endswith(f"  Ahead  {text}\n")
        finally:
            watch.cancel()
            following.kill()


def test_a_group_there_is_not_is_named(server: Process) -> None:
    ran = called("logs", "Nobody", "--endpoint", server.url)
    assert ran.exit_code == 1
    assert ran.stderr.startswith("sfn-emulator: Nobody: The specified log group does not exist; without a name")


def test_verbose_tells_a_line_for_each_execution_and_each_line_of_a_function(server: Process) -> None:
    states = server.client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "No"}}})
    role = "arn:aws:iam::123456789012:role/any"
    arn = states.create_state_machine(name="shop", definition=definition, roleArn=role)["stateMachineArn"]
    ended(states, states.start_execution(stateMachineArn=arn, name="one")["executionArn"])
    told = server.stop()[1]
    assert "shop:one RUNNING" in told
    assert "shop:one FAILED No" in told
    assert "Hello hello 7" in told
