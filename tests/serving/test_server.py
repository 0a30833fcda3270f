"""The server as a process: how it starts, says so, refuses and stops."""

import contextlib
import http.client
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.processes import ROOT, Process, free_port, refused, running
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def shared() -> Iterator[Process]:
    """One server for all that is asked of a server that runs."""
    with running("--in-memory", "--allow-host", "my.test") as server:
        yield server


def health(server: Process, host: str | None = None) -> Any:
    request = urllib.request.Request(server.url + "/health", headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.load(response)


def test_it_prints_one_line_when_it_answers_and_tells_its_health(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path / "state")) as server:
        assert server.ready.startswith("ready http://127.0.0.1:")
        told = health(server)
        assert (told["status"], told["account"], told["time"]) == ("ok", "123456789012", "real")
        assert told["stateDirectory"] == str(tmp_path / "state")
        assert told["uptime"] >= 0
        assert told["version"]
        assert server.stop() == (0, "")


def test_it_counts_what_it_holds() -> None:
    with running("--in-memory") as server:
        states, tables = server.client("stepfunctions"), server.client("dynamodb")
        nothing = {"open": 0, "stored": 0}
        held = {"stateMachines": 0, "activities": 0, "executions": nothing, "tokens": 0, "functions": 0, "tables": 0}
        assert health(server)["held"] == {"neighbours": [], **held}
        activity = states.create_activity(name="pack")["activityArn"]
        waits = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": activity, "End": True}}}
        role = "arn:aws:iam::123456789012:role/machine"
        machine = states.create_state_machine(name="m", definition=json.dumps(waits), roleArn=role)["stateMachineArn"]
        arns = [states.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(2)]
        states.stop_execution(executionArn=arns[0])
        key: dict[str, Any] = {
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        }
        tables.create_table(TableName="T", BillingMode="PAY_PER_REQUEST", **key)
        assert health(server)["held"] == {
            "neighbours": ["dynamodb"],
            "stateMachines": 1,
            "activities": 1,
            "executions": {"open": 1, "stored": 2},
            "tokens": 1,
            "functions": 0,
            "tables": 1,
        }


def test_it_is_ready_soon_and_small_when_idle() -> None:
    """Soon is not much more work than importing what any AWS client and web server need: true of slow machines too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import boto3, httptools"], check=True, timeout=PATIENCE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    importing = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took: list[float] = []
    while not took or (min(took) > 5 * importing and len(took) < 3):  # the first after an installation also compiles
        with running("--in-memory", cold=True) as server:
            took.append(cpu_seconds(server))
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
            assert kilobytes < 120 * 1024
    assert min(took) < 5 * importing


def cpu_seconds(server: Process) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_stop_waits_for_no_idle_client() -> None:
    with running("--in-memory") as server:
        idle = http.client.HTTPConnection(server.url.removeprefix("http://"))
        idle.request("GET", "/health")
        idle.getresponse().read()
        assert server.stop()[0] == 0
        idle.close()


def test_a_busy_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, error = refused("--in-memory", "--port", str(port))
    assert status == 1
    assert error == (
        f"sfn-emulator: Cannot listen on 127.0.0.1:{port}: address already in use. "
        "Stop the program that uses it, or choose another port with --port (0 picks a free one).\n"
    )


def test_of_two_servers_that_start_at_once_one_is_told_that_the_port_is_taken() -> None:
    command = [sys.executable, "-m", "sfn_emulator", "--in-memory", "--port", str(free_port())]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    ready = [process for process in both if process.stdout and process.stdout.readline().startswith("ready ")]
    for process in ready:
        process.terminate()
    errors = [process.communicate(timeout=PATIENCE)[1] for process in both]
    assert len(ready) == 1
    assert sorted(process.returncode for process in both) == [0, 1]
    assert "Cannot listen on 127.0.0.1" in "".join(errors)


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
def test_an_address_of_no_interface_is_mended_by_another_address(host: str) -> None:
    status, error = refused("--in-memory", "--port", "0", "--host", host)
    assert status == 1
    assert error.startswith(f"sfn-emulator: Cannot listen on {host}:0: ")
    assert "Name an address of this machine with --host: 127.0.0.1" in error
    assert error.count("\n") == 1


def test_a_state_directory_has_one_owner(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path)) as server:
        status, error = refused("--port", "0", "--state-dir", str(tmp_path))
        assert status == 1
        assert f"is held by the server with process id {server.process.pid} at {server.url}. Stop that one" in error
        assert error.count("\n") == 1
    with running("--state-dir", str(tmp_path)) as again:
        assert health(again)["status"] == "ok"


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, error = refused("--port", "0", "--state-dir", str(tmp_path / "file" / "state"))
    assert status == 1
    assert error.startswith(
        f"sfn-emulator: State directory '{tmp_path}/file/state' cannot be written: not a directory."
    )
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--port", "70000"], "'70000' is not a port"),
        (["--time", "soon"], "'soon' is neither 'real' nor 'skip' nor a factor greater than 0"),
        (["--retention", "-1"], "'-1' is not a number of days"),
        (["--account", "12"], "'12' is not an account id"),
        (["--endpoint", "lamda=http://127.0.0.1:1"], "'lamda' is no service of boto3's; is lambda meant?"),
    ],
)
def test_arguments_that_make_no_sense_are_explained(arguments: list[str], why: str) -> None:
    status, error = refused(f"{arguments[0]}={arguments[1]}")
    assert status == 2
    assert why in error


def test_a_profile_of_the_shell_does_not_reach_the_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_CONFIG_FILE", __file__)  # and this is no configuration
    with running("--in-memory") as server:
        answer = urllib.request.urlopen(
            server.url + "/?Action=CreateQueue&Version=2012-11-05&QueueName=q", timeout=PATIENCE
        )
        with answer:
            assert answer.status == 200
    status, error = refused("--in-memory", "--port", "0", "--endpoint", "s3=aws")
    assert (status, error.count("\n")) == (1, 1)
    assert error.endswith("Check AWS_PROFILE.\n")


def test_listening_for_others_is_warned_about() -> None:
    with running("--in-memory", "--host", "0.0.0.0") as server:
        assert "warning: listening on 0.0.0.0" in server.stop()[1]


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "bucket.s3.localhost", "states.us-east-1.amazonaws.com"])
def test_names_of_this_machine_and_of_aws_are_answered(host: str, shared: Process) -> None:
    assert health(shared, host)["status"] == "ok"


def test_a_foreign_host_name_is_refused_unless_allowed(shared: Process) -> None:
    assert health(shared, "my.test:8083")["status"] == "ok"
    with pytest.raises(urllib.error.HTTPError) as refusal:
        health(shared, "attacker.example")
    with refusal.value as answer:
        assert answer.code == 403
        assert "does not answer to the host name 'attacker.example'" in answer.read().decode()


def test_a_body_that_is_too_long_is_refused_before_it_is_read(shared: Process) -> None:
    connection = http.client.HTTPConnection(shared.url.removeprefix("http://"), timeout=PATIENCE)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_clients_that_never_finish_a_request_hold_up_nobody(shared: Process) -> None:
    host, port = shared.url.removeprefix("http://").split(":")
    halves = [socket.create_connection((host, int(port))) for _ in range(400)]
    for half in halves:
        half.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc")
    assert health(shared)["status"] == "ok"
    for half in halves:
        half.close()


def test_a_body_that_breaks_off_is_not_taken_for_the_whole(shared: Process) -> None:
    client = shared.client("s3")
    client.create_bucket(Bucket="kept")
    host, port = shared.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as breaking:
        breaking.sendall(b"PUT /kept/half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc")
        breaking.shutdown(socket.SHUT_WR)
        assert breaking.recv(100) == b""
    assert "Contents" not in client.list_objects_v2(Bucket="kept")


def test_a_stop_waits_for_nobody_who_waits() -> None:
    with running("--in-memory") as server:
        url = server.client("sqs").create_queue(QueueName="silent")["QueueUrl"]
        activity = server.client("stepfunctions").create_activity(name="silent")["activityArn"]

        def wait(call: Callable[[], Any]) -> None:
            with contextlib.suppress(ClientError, BotoCoreError):
                call()

        waiting = [
            threading.Thread(target=wait, args=(call,))
            for call in (
                lambda: server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20),
                lambda: server.client("stepfunctions").get_activity_task(activityArn=activity),
            )
        ]
        for thread in waiting:
            thread.start()
        server.client("sqs").list_queues()
        assert server.stop() == (0, "")
        for thread in waiting:
            thread.join()
