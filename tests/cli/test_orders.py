"""Orders by the command line: what is shown of them, the exit status, and what they leave behind."""

import json
import os
import re
import signal
import subprocess
import sys

from terminal.saga_run import ServerGoneError
from terminal.server.background import Running
from tests.cli.terminal import ROOT, complaint
from tests.waiting import until


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


def test_an_order_id_can_be_used_once(terminal):
    assert terminal.run("start", "--message-id", "once").status == 0
    assert "belongs to an earlier saga" in complaint(terminal.run("start", "--message-id", "once"))


def test_an_input_file_can_be_started_again(terminal):
    file = str(ROOT / "statemachine/inputs/success.json")
    names = [terminal.here("start", "--input", file, "--json").json["executionArn"] for _ in range(2)]
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


def following(terminal, *options):
    """A ``start`` of a saga that is undone, while it runs."""
    command = [sys.executable, str(ROOT / "cli.py"), "start", "--fail-at", "UpdateInventory", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=terminal.environment, **pipes)


def test_ctrl_c_says_what_goes_on_and_how_to_look_at_it(terminal):
    with following(terminal, "--time", "real", "--message-id", "left-alone") as start:
        assert any("Wait state" in line for line in start.stdout)
        start.send_signal(signal.SIGINT)
        error = start.stderr.read()
    assert start.returncode == 1
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


def test_executions_show_what_they_are_sorted_by(terminal):
    lines = terminal.here("executions", "--limit", "1000").out.splitlines()
    assert lines[0].split() == ["status", "started", "ended", "name"]
    ended = [line[32:51] for line in lines[1:] if line[32:51].strip()]
    assert ended == sorted(ended, reverse=True)


def test_executions_that_are_left_out_are_counted(terminal):
    every = terminal.here("executions", "--limit", "1000", "--json").json
    told = terminal.here("executions", "--limit", "2").out.splitlines()
    assert told[-1] == f"2 of {len(every)} executions; --limit N shows more"
    assert len(told) == 4
    assert terminal.here("executions", "--limit", "2", "--json").json == every[:2]
    assert "shows more" not in terminal.here("executions", "--limit", "1000").out


def test_a_saga_takes_the_time_of_its_server_and_is_named_when_that_dies(fresh):
    assert fresh.run("up", "--port", "0", "--time", "real").status == 0
    assert fresh.run("deploy").status == 0
    server = json.loads((fresh.directory / "server.json").read_text())
    with following(fresh, "--message-id", "outlives") as start:
        assert "… Wait state\n" in start.stdout
        os.kill(server["pid"], signal.SIGKILL)
        error = start.stderr.read()
    assert (start.returncode, error.count("\n")) == (1, 1)
    assert f"the server at {server['url']} answers no longer; the saga outlives is kept and goes on" in error
    assert "after 'python cli.py up'; 'python cli.py history outlives' shows it" in error


def test_a_saga_whose_server_kept_nothing_is_lost_with_it():
    gone = ServerGoneError("arn:aws:states:us-east-1:123456789012:execution:saga:lost", Running(0, "http://here"))
    assert "it kept its state in memory, so the saga lost is lost; 'python cli.py deploy' begins anew" in str(gone)


def test_a_saga_that_has_ended_cannot_be_stopped(terminal):
    assert terminal.here("start", "--message-id", "over", "--json").json["status"] == "SUCCEEDED"
    assert "over has ended already: SUCCEEDED" in complaint(terminal.here("stop", "over"))


def test_time_that_is_asked_to_be_real_is_really_waited(terminal, tmp_path):
    changed = tmp_path / "config.yaml"
    changed.write_text((ROOT / "deploy/config.yaml").read_text().replace("wait_seconds: 30", "wait_seconds: 1"))
    assert terminal.here("deploy", "--config", str(changed)).status == 0
    ran = terminal.run("start", "--fail-at", "UpdateInventory", "--time", "real", "--json")
    (wait,) = [step["seconds"] for step in ran.json["steps"] if step["type"] == "Wait"]
    assert 1 <= wait < 30
