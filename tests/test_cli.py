"""The command line by its real process: what it prints, its exit status, and what it leaves behind.

Where many wrong inputs differ in their words only, ``main`` is called in this process, one after the other.
"""

import contextlib
import io
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import cli
from deploy import config, targets
from terminal import background, show
from tests.waiting import PATIENCE, until
from tests.warm import Forked

ROOT = Path(__file__).parent.parent
CONFIG = config.load()


@dataclass(frozen=True)
class Ran:
    """A finished command. ``json`` reads what it printed."""

    status: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Runs commands in one state directory; ``environment`` is added to a bare one."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},
            "SAGA_STATE_DIR": str(directory),
            "AWS_EC2_METADATA_DISABLED": "true",
            **environment,
        }

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> Ran:
        command = [sys.executable, str(ROOT / "cli.py"), *arguments]
        environment = {**self.environment, **environment}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with Forked(command, cwd=ROOT, env=environment, text=True, **pipes) as ended:
            out, error = ended.communicate(stdin, timeout=PATIENCE)
        return Ran(ended.returncode, out, error)

    def here(self, *arguments: str) -> Ran:
        """The same in this process: a tenth of the work."""
        out, error, status = io.StringIO(), io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(error):
            for name in os.environ.keys() - self.environment.keys():
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            try:
                cli.main(list(arguments))
            except SystemExit as left:
                status = int(left.code or 0)
        return Ran(status, out.getvalue(), error.getvalue())

    @cached_property
    def _target(self) -> targets.Target:
        return targets.connect("embedded", CONFIG, json.loads((self.directory / "server.json").read_text())["url"])

    def client(self, service: str) -> Any:
        return self._target.client(service)

    def held(self) -> list[Any]:
        """Every row of every table and every execution, asked over the wire."""
        rows = [self._target.client("dynamodb").scan(TableName=name)["Items"] for name in CONFIG.tables]
        machine = self._target.arn("states", f"stateMachine:{CONFIG.state_machine['name']}")
        executions = self._target.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
        return [*rows, executions]


def complaint(ran: Ran) -> str:
    """The one line a failed command says."""
    assert ran.status == 1
    assert ran.out == ""
    assert ran.error.startswith("error: ")
    assert ran.error.count("\n") == 1
    return ran.error


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Terminal]:
    """A directory of its own, its server (if one was started) stopped afterwards."""
    terminal = Terminal(tmp_path / "state")
    yield terminal
    background.stop(terminal.directory)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A server in the background with the saga deployed."""
    made = Terminal(tmp_path_factory.mktemp("cli") / "state")
    assert made.run("up", "--port", "0").status == 0
    assert made.run("deploy").status == 0
    yield made
    assert made.run("down").status == 0
    assert made.here("status", "--json").json["running"] is False


def test_validate_finds_nothing_wrong_with_what_we_ship(fresh):
    ran = fresh.run("validate")
    assert (ran.status, ran.out) == (0, "no problems\n")
    assert not fresh.directory.exists()


def test_validate_tells_file_line_and_column_of_every_problem(fresh, tmp_path):
    definition = tmp_path / "bad.asl.json"
    definition.write_text('{\n  "StartAt": "A",\n  "States": {\n    "A": {"Type": "Pass", "Next": "B"}\n  }\n}\n')
    order = tmp_path / "order.json"
    order.write_text(
        '{\n  "ItemId": "ITEM001",\n  "CustomerId": "c",\n  "MessageId": "m",\n  "FailAtStage": "Lunch"\n}\n'
    )
    broken = tmp_path / "broken.json"
    broken.write_text('{\n  "ItemId": \n}')
    ran = fresh.here("validate", str(definition), "--input", str(order), "--input", str(broken))
    assert ran.status == 1
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"{definition}:4:")
    assert any(line.startswith(f"{order}:5:3: FailAtStage: 'Lunch' is not one of") for line in lines)
    assert any(line.startswith(f"{broken}:3:") for line in lines)


def test_a_server_is_started_found_and_stopped(fresh):
    up = fresh.run("up", "--port", "0", "--json").json
    again = fresh.run("up", "--json").json
    assert again == up
    status = fresh.run("status", "--json").json
    assert (status["running"], status["url"]) == (True, up["url"])
    assert fresh.run("down").out == f"stopped the server at {up['url']}\n"
    assert fresh.here("down").out == "no server of this directory is running\n"
    assert fresh.here("status", "--json").json["running"] is False


def test_a_busy_port_is_named(fresh):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert port in complaint(fresh.run("up", "--port", port))


def test_a_state_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    text = complaint(Terminal(tmp_path / "file" / "state").run("up", "--port", "0"))
    assert f"{tmp_path}/file/state: cannot be written" in text


def test_deploying_again_has_nothing_to_do(terminal):
    ran = terminal.run("deploy", "--json")
    assert ran.json == {"target": "embedded", "changes": [], "diff": "", "applied": True, "unwanted": []}


def test_a_plan_shows_the_difference_and_changes_nothing(terminal, tmp_path):
    changed = tmp_path / "config.yaml"
    changed.write_text((ROOT / "deploy/config.yaml").read_text().replace("wait_seconds: 30", "wait_seconds: 5"))
    for run in (terminal.run, terminal.here):
        ran = run("deploy", "--plan", "--config", str(changed))
        assert ran.status == 0
        assert '-      "Seconds": 30,' in ran.out
        assert '+      "Seconds": 5,' in ran.out


def test_an_order_that_goes_through_ends_with_status_0(terminal):
    ran = terminal.run("start", "--item", "ITEM002", "--customer", "DEF/002", "--quantity", "2", "--message-id", "good")
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert [line.split()[1:3] for line in lines[:3:2]] == [["Place", "Order"], ["Update", "Inventory"]]
    assert "SUCCEEDED" in lines
    assert any("Orders/good" in line and "+ Quantity=2, OrderStatus=PAID" in line for line in lines)
    assert "\x1b" not in ran.out


def test_an_order_that_fails_ends_with_status_2_and_shows_the_tables_at_the_wait(terminal):
    ran = terminal.run("start", "--item", "ITEM003", "--fail-at", "UpdateInventory", "--message-id", "bad", "--json")
    assert ran.status == 2
    told = ran.json
    assert (told["status"], told["error"], told["changed"]) == ("FAILED", "OrderCompensated", [])
    tables = told["tables"]
    assert list(tables) == ["before", "at the wait", "after"]
    stock = [tables[moment]["Inventory"]["ITEM003"]["ItemsInStock"] for moment in tables]
    assert stock == [2000, 1999, 2000]
    assert [moment for moment in tables if "bad" in tables[moment]["Orders"]] == ["at the wait"]
    waits = [step["seconds"] for step in told["steps"] if step["type"] == "Wait"]
    assert len(waits) == 1
    assert 30 <= waits[0] < 60
    outcomes = {step["state"]: (step["outcome"], step["status"]) for step in told["steps"]}
    assert outcomes["Update Inventory"] == ("turned", "ERROR")
    assert outcomes["Revert Inventory"] == ("compensated", "INVENTORY_REVERTED")


def test_a_compensation_that_fails_for_ever_is_told_with_its_attempts_and_the_repair_it_needs(terminal):
    ran = terminal.run(
        "start", "--fail-at", "RevertPayment", "--fail-mode", "before", "--message-id", "stuck", "--json"
    )
    assert (ran.status, ran.json["error"]) == (2, "CompensationFailed")
    (tried,) = [step for step in ran.json["steps"] if step["state"] == "Revert Payment"]
    assert (tried["outcome"], tried["error"], tried["attempts"]) == ("caught", "InjectedError", 7)
    changed = {(change["mark"], change["table"], change["key"]) for change in ran.json["changed"]}
    assert changed == {("+", "Payments", "stuck"), ("+", "Repairs", "stuck/RevertPayment")}


def test_an_order_can_go_through_the_rest_api(terminal):
    ran = terminal.run("start", "--via", "api", "--message-id", "by-api", "--json")
    assert (ran.status, ran.json["status"]) == (0, "SUCCEEDED")
    assert ran.json["executionArn"].endswith(":by-api")


def test_an_order_need_not_be_waited_for_and_is_listed_and_told_afterwards(terminal):
    arn = terminal.run("start", "--no-wait", "--message-id", "later").out.strip()
    assert arn.endswith(":later")
    assert "later" in [row["name"] for row in terminal.here("executions", "--json").json]
    until(lambda: terminal.here("history", "later", "--json").json["status"] != "RUNNING")
    told = terminal.here("history", "later", "--json").json
    assert (told["status"], told["steps"][0]["state"]) == ("SUCCEEDED", "Place Order")
    events = terminal.run("history", arn, "--events", "--json").json
    assert events[0]["type"] == "ExecutionStarted"


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["start", "--item", "NOPE"], "there is no item NOPE in the Inventory table; there are ITEM001"),
        (["start", "--via", "api", "--item", "NOPE"], "there is no item NOPE"),
        (["start", "--fail-at", "Lunch"], "'Lunch' is not one of 'None', 'PlaceOrder'"),
        (["start", "--fail-mode", "never"], "'never' is not one of 'status'"),
        (["start", "--quantity", "0"], "order: Quantity: 0 is less than the minimum of 1"),
        (["start", "--message-id", "a b"], "order: MessageId: 'a b' does not match"),
        (["start", "--input", "/none.json"], "/none.json: cannot be read"),
        (["history", "nothing"], "see 'python cli.py executions'"),
        (["invoke", "Nobody", "statemachine/inputs/success.json"], "Function not found"),
        (["deploy", "--target", "mars"], "'mars' is not one of 'embedded', 'localstack', 'aws'"),
        (["tables", "--target", "localstack", "--endpoint", "http://localhost:9"], "docker compose up -d"),
        (["tables", "--endpoint", "http://127.0.0.1:9"], "start it with 'python cli.py up'"),
        (["up", "--target", "aws"], "No such option '--target'"),
        (["demo", "--target", "aws"], "No such option '--target'"),
        (["start", "--input", "statemachine/inputs/success.json", "--item", "ITEM002"], "leave ItemId to it"),
        (["up", "--time", "60"], "which --time 60 would not change; stop it first"),
        (["up", "--in-memory"], "which --in-memory would not change"),
        (["up", "--port", "1"], "which --port 1 would not change"),
        (["start", "--target", "localstack", "--time", "skip"], "time can't be skipped on localstack"),
        (["invoke", "Nobody"], "there is no function Nobody; deploy/config.yaml has PlaceOrderLambda"),
        (["tables", "--endpoint", "nonsense"], "'nonsense' is not an address like http://127.0.0.1:8083"),
        (["start", "--quantity", "x"], "see 'python cli.py start --help'"),
        (["history", "arn:aws:states:x"], "give the name that 'python cli.py executions' shows"),
        (["prove", "--nope"], "No such option '--nope'; see 'python cli.py prove --help'"),
        (["prove", "--saga", "/none"], "/none: No such file or directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_changes_nothing(terminal, arguments, wrong):
    before = terminal.held()
    assert wrong in complaint(terminal.here(*arguments))
    assert terminal.held() == before


def test_malformed_and_oversized_input_files_are_refused(terminal, tmp_path):
    malformed, oversized = tmp_path / "malformed.json", tmp_path / "oversized.json"
    malformed.write_text('{"ItemId": "ITEM001",}')
    oversized.write_text(json.dumps({"CustomerId": "x" * 300_000}))
    assert f"{malformed}:1:" in complaint(terminal.here("start", "--input", str(malformed)))
    assert "more than an input's limit of 262144" in complaint(terminal.here("start", "--input", str(oversized)))


def test_an_order_id_can_be_used_once(terminal):
    assert terminal.run("start", "--message-id", "once").status == 0
    assert "belongs to an earlier saga" in complaint(terminal.run("start", "--message-id", "once"))


def test_one_function_can_be_called_with_an_event_from_a_file(terminal, tmp_path):
    event = tmp_path / "event.json"
    request = {"ItemId": "ITEM001", "CustomerId": "c", "MessageId": "m", "FailAtStage": "None"}
    event.write_text(json.dumps({"OrderId": "alone", "Saga": "s", "Request": request}))
    assert terminal.run("invoke", "PlaceOrderLambda", str(event), "--json").json["payload"]["Status"] == "ORDER_PLACED"
    event.write_text("{}")
    ran = terminal.here("invoke", "PlaceOrderLambda", str(event))
    assert ran.status == 1
    assert json.loads(ran.out)["errorType"] == "KeyError"


def test_aws_is_asked_about_before_anything_is_made_there(terminal, tmp_path):
    url = terminal.here("status", "--json").json["url"]
    changed = tmp_path / "config.yaml"
    changed.write_text((ROOT / "deploy/config.yaml").read_text().replace("topic: Order", "topic: Other"))
    aws = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    aws["AWS_DEFAULT_REGION"] = "us-east-1"
    arguments = ["deploy", "--target", "aws", "--config", str(changed)]
    ran = terminal.run(*arguments, stdin="n\n", **aws)
    assert ran.status == 1
    assert "AWS account 123456789012, region us-east-1" in ran.error
    assert "stopped" in ran.error
    assert terminal.here("deploy", "--json").json["changes"] == []


def test_a_function_is_called_with_an_example_and_shows_its_log(terminal):
    for function in CONFIG.functions:
        ran = terminal.here("invoke", function)
        assert ran.status == 0, ran.out
        assert ran.out.startswith('event: {"')
        assert "REPORT RequestId" in ran.error
    assert terminal.here("invoke", "PlaceOrderLambda", "--json").json["payload"]["Status"] == "ORDER_PLACED"


def test_an_input_file_can_be_started_again(terminal):
    file = str(ROOT / "statemachine/inputs/success.json")
    names = [terminal.here("start", "--input", file, "--no-wait", "--json").json["executionArn"] for _ in range(2)]
    assert names[0] != names[1]
    assert names[1].rpartition("-")[0].endswith(names[0].rpartition(":")[2])
    assert "belongs to an earlier saga" in complaint(
        terminal.here("start", "--input", file, "--message-id", names[0].rpartition(":")[2])
    )


def test_an_order_not_followed_takes_the_time_it_was_told(terminal):
    arn = terminal.here("start", "--fail-at", "UpdateInventory", "--time", "real", "--no-wait", "--json").json
    name = arn["executionArn"].rpartition(":")[2]
    assert until(lambda: _waiting(terminal, name)) == ["Wait state"]
    assert terminal.here("stop", name).out == f"stopped {name}; nothing was undone, see 'python cli.py tables'\n"
    assert terminal.here("history", name, "--json").json["status"] == "ABORTED"


def _waiting(terminal, name):
    """The states the saga waits in."""
    steps = terminal.here("history", name, "--json").json["steps"]
    return [step["state"] for step in steps if step["outcome"] == "waiting"]


def test_ctrl_c_says_what_goes_on_and_how_to_look_at_it(terminal):
    command = [sys.executable, str(ROOT / "cli.py"), "start", "--fail-at", "UpdateInventory", "--time", "real"]
    with subprocess.Popen(
        [*command, "--message-id", "left-alone"],
        cwd=ROOT,
        env=terminal.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert any("Wait state" in line for line in following.stdout)
        following.send_signal(signal.SIGINT)
        error = following.stderr.read()
    assert following.returncode == 1
    assert "the saga left-alone goes on: 'python cli.py history left-alone' shows it" in error
    assert terminal.here("history", "left-alone", "--json").json["status"] == "RUNNING"
    assert terminal.here("stop", "left-alone").status == 0


def test_a_step_that_failed_says_why_and_what_undid_it(terminal):
    ran = terminal.here("start", "--item", "ITEM001", "--quantity", "999999", "--message-id", "too-many")
    (failed,) = [line for line in ran.out.splitlines() if "! Update Inventory" in line]
    assert "ERROR: " in failed
    assert "fewer than 999999" in failed
    assert "Undone by: Revert Inventory, Remove Order" in ran.out


def test_each_steps_writes_are_shown_though_nobody_could_look_in_time(terminal):
    ran = terminal.here("start", "--fail-at", "PlaceOrder", "--message-id", "brief", "--json")
    assert [(write["state"], write["mark"], write["table"], write["key"]) for write in ran.json["writes"]] == [
        ("Place Order", "+", "Orders", "brief"),
        ("Remove Order", "-", "Orders", "brief"),
    ]
    assert list(ran.json["tables"]) == ["before", "after Place Order", "after"]
    assert (ran.json["changed"], ran.json["undone"]) == ([], ["Remove Order"])
    words = terminal.here("start", "--fail-at", "PlaceOrder", "--message-id", "brief-again").out
    assert re.search(r"Place Order +\+ Orders/brief-again +Quantity=1, OrderStatus=PENDING\n", words)
    assert re.search(r"Remove Order +- Orders/brief-again\n", words)


def test_a_target_that_tells_no_writes_says_when_was_looked(terminal):
    url = terminal.here("status", "--json").json["url"]
    there = ["--target", "localstack", "--endpoint", url]
    ran = terminal.here("start", *there, "--fail-at", "PlaceOrder")
    assert "looked at: before, " in ran.out
    assert "what was written and undone between two looks is not seen" in ran.out
    assert "What each step wrote" not in ran.out


MANY = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "End": True,
            "ItemProcessor": {
                "StartAt": "Both",
                "States": {
                    "Both": {
                        "Type": "Parallel",
                        "End": True,
                        "Branches": [
                            {"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}},
                            {"StartAt": "Right", "States": {"Right": {"Type": "Fail", "Error": "E", "Cause": "why"}}},
                        ],
                    }
                },
            },
        }
    },
}


def test_history_tells_parallel_and_map_as_a_tree(terminal):
    client = terminal.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/DistributedTransactionOrchestratorRole"
    machine = client.create_state_machine(name="many", definition=json.dumps(MANY), roleArn=role)["stateMachineArn"]
    arn = client.start_execution(stateMachineArn=machine, input="[1]")["executionArn"]
    until(lambda: terminal.here("history", arn, "--json").json["status"] == "FAILED")
    told = terminal.here("history", arn, "--json").json
    assert [(step["in"], step["state"]) for step in told["steps"]] == [
        (None, "Each"),
        ("Each[0]", "Both"),
        ("Each[0]/Both[0]", "Left"),
        ("Each[0]/Both[1]", "Right"),
    ]
    lines = [" ".join(line.split()) for line in terminal.here("history", arn).out.splitlines()]
    assert lines[1:4] == ["└─ item 0", "✗ Both 0.00 s E: why", "├─ branch 1"]
    assert lines[-2:] == ["✗ Right 0.00 s E: why", "FAILED: E"]
    client.delete_state_machine(stateMachineArn=machine)


def test_status_tells_words_and_where_to_post(terminal):
    out = terminal.here("status").out
    assert "state machines: 1" in out
    assert not set("[]{}") & set(out.replace("[prod]", ""))
    assert "POST orders to http://" in out


def test_executions_show_what_they_are_sorted_by(terminal):
    lines = terminal.here("executions").out.splitlines()
    assert lines[0].split() == ["status", "started", "ended", "name"]
    ended = [line[32:51] for line in lines[1:] if line[32:51].strip()]
    assert ended == sorted(ended, reverse=True)


WITHOUT_A_SERVER = (
    ["tables"],
    ["executions"],
    ["history", "x"],
    ["deploy", "--plan"],
    ["start"],
    ["start", "--no-wait"],
    ["stop", "x"],
    ["invoke", "PlaceOrderLambda"],
    ["destroy"],
)


@pytest.mark.parametrize("command", WITHOUT_A_SERVER, ids=" ".join)
def test_only_a_command_that_deploys_starts_a_server(fresh, tmp_path, command):
    quiet = tmp_path / "config.yaml"
    quiet.write_text((ROOT / "deploy/config.yaml").read_text().replace("127.0.0.1:8083", "127.0.0.1:9"))
    assert "is running; 'python cli.py up' starts one, 'python cli.py deploy' starts" in complaint(
        fresh.here(*command, "--config", str(quiet))
    )
    assert not fresh.directory.exists()


def test_resources_of_an_older_configuration_are_named_and_removed(terminal, tmp_path):
    named = (ROOT / "deploy/config.yaml").read_text()
    older = tmp_path / "older.yaml"
    older.write_text(named.replace("tables:\n", "tables:\n  Forgotten: {key: [OrderId]}\n", 1))
    assert terminal.here("deploy", "--config", str(older)).status == 0
    told = terminal.here("deploy", "--plan")
    assert "no longer wanted: Forgotten (table); --prune removes it" in told.out
    assert terminal.here("deploy", "--prune", "--json").json["changes"] == ["delete table Forgotten"]
    assert terminal.here("deploy", "--plan", "--json").json["unwanted"] == []


@pytest.mark.parametrize(
    "command", [["tables"], ["status"], ["executions"], ["start"], ["--help"], ["start", "--help"]]
)
def test_nothing_is_cut_off_at_80_columns(terminal, command):
    """On a terminal 80 columns wide, what can't stand side by side stands one below the other."""
    told = on_a_terminal([sys.executable, str(ROOT / "cli.py"), *command], terminal.environment)
    assert max(len(line) for line in told) <= 80
    if command == ["start"]:
        assert any("+ Quantity=1, OrderStatus=PAID" in line for line in told)


def test_every_table_is_named_also_one_without_a_row_or_with_narrow_ones(capsys):
    show.told(show.contents({"Orders": {}, "Reservations": {"1": {"Id": "1"}}}))
    assert capsys.readouterr().out.rstrip().splitlines() == ["Orders (0)", "", "Reservations (1)", "Id", "1"]


def test_another_program_is_not_taken_for_aws(terminal):
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        ran = terminal.run("deploy", "--endpoint", f"http://127.0.0.1:{other.server_port}")
        other.shutdown()
    assert "another program answers there, not an AWS service" in complaint(ran)


def on_a_terminal(command, environment):
    """The lines a command prints on a terminal of 80 columns, without its colours."""
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    named = {**environment, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, cwd=ROOT, env=named, stdin=terminal, stdout=terminal, stderr=terminal):
        os.close(terminal)
        told = b""
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
            while part := os.read(screen, 65_536):
                told += part
    os.close(screen)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told.decode())
    return [line.split("\r")[-1] for line in plain.replace("\r\n", "\n").split("\n")]


def test_a_saga_that_has_ended_cannot_be_stopped(terminal):
    assert terminal.here("start", "--message-id", "over", "--json").json["status"] == "SUCCEEDED"
    assert "over has ended already: SUCCEEDED" in complaint(terminal.here("stop", "over"))


def test_a_server_that_somebody_else_started_is_not_taken_for_ours(terminal, fresh, tmp_path):
    port = terminal.here("status", "--json").json["url"].rpartition(":")[2]
    config_file = tmp_path / "config.yaml"
    config_file.write_text((ROOT / "deploy/config.yaml").read_text().replace("8083", port))
    here = ["--config", str(config_file)]
    refused = complaint(fresh.here("up", *here))
    assert f"was started elsewhere and keeps its state in {terminal.directory}; stop it there, or take" in refused
    assert f"was started elsewhere; it keeps its state in {terminal.directory}" in fresh.here("tables", *here).error
    ours = fresh.run("up", "--port", "0", "--in-memory", "--json", *here).json["url"]
    assert fresh.here("status", "--json", *here).json["url"] == ours != f"http://127.0.0.1:{port}"


def test_help_tells_each_command_whole_at_80_columns(fresh):
    told = fresh.run("--help", COLUMNS="80").out
    assert "..." not in told.partition("Commands:")[2]
    assert "Run a saga that succeeds and one that is undone" in " ".join(told.split())


def test_without_a_command_the_help_is_shown(fresh):
    ran = fresh.run()
    assert ran.status == 1
    assert "Commands:" in ran.error


def test_before_deploy_and_after_destroy_there_is_nothing_and_every_command_says_how_to_mend_it(fresh):
    fresh.run("up", "--port", "0", "--in-memory")
    for command in (["start"], ["tables"], ["executions"]):
        assert "run 'python cli.py deploy'" in complaint(fresh.here(*command))
    assert fresh.run("deploy").status == 0
    assert fresh.run("destroy", "--json").json["changes"]
    assert fresh.here("destroy").out == "nothing to remove\n"
    assert "is the saga deployed?" in complaint(fresh.run("tables"))


def test_the_demo_shows_both_ways_and_leaves_nothing_behind(fresh, tmp_path):
    place = tmp_path / "temporary"
    place.mkdir()
    ran = fresh.run("demo", TMPDIR=str(place))
    assert ran.status == 0, ran.error
    assert "SUCCEEDED" in ran.out
    assert "FAILED: OrderCompensated" in ran.out
    assert "at the wait" in ran.out
    assert ran.out.endswith("Every table is back where it was.\n")
    assert list(place.iterdir()) == []
    assert not fresh.directory.exists()


def test_time_that_is_asked_to_be_real_is_really_waited(terminal, tmp_path):
    changed = tmp_path / "config.yaml"
    changed.write_text((ROOT / "deploy/config.yaml").read_text().replace("wait_seconds: 30", "wait_seconds: 1"))
    assert terminal.here("deploy", "--config", str(changed)).status == 0
    ran = terminal.run("start", "--fail-at", "UpdateInventory", "--time", "real", "--json")
    (wait,) = [step["seconds"] for step in ran.json["steps"] if step["type"] == "Wait"]
    assert 1 <= wait < 30
