"""A server whose disk is full, damaged or gone says so, answers what it can, and loses nothing that it acknowledged."""

import json
import resource
import shutil
import socket
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.processes import Process, refused, running
from tests.waiting import PATIENCE, ended, until

ROLE = "arn:aws:iam::123456789012:role/machine"
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 10, "End": True}}}


def create(client: Any, name: str, definition: dict[str, Any]) -> str:
    made = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    return str(made["stateMachineArn"])


def let_files_grow(server: Process, most: int) -> None:
    """As ``ulimit -f``, for a server that runs: a write beyond it fails, as on a full disk."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def test_a_full_disk_refuses_writes_answers_reads_and_loses_nothing(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path)) as server:
        client, queues = server.client("stepfunctions"), server.client("sqs")
        activity = client.create_activity(name="a")["activityArn"]
        task = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": activity, "End": True}}}
        machine, waiting = create(client, "m", PASS), create(client, "w", task)
        execution = client.start_execution(stateMachineArn=waiting)["executionArn"]
        queues.create_queue(QueueName="small")
        assert health(server)[0] == 200
        let_files_grow(server, 4096)
        with pytest.raises(ClientError, match=r"ServiceUnavailable.*could not be kept"):
            queues.create_queue(QueueName="large", tags={"k": "x" * 4096})
        assert "could not be kept" in health(server)[1]["reason"]
        for name in ("a", "b"):
            with pytest.raises(ClientError, match=r"ServiceUnavailable.*state directory cannot be written") as refusal:
                client.start_execution(stateMachineArn=machine, name=name)
            assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert client.list_executions(stateMachineArn=machine)["executions"] == []
        assert client.describe_execution(executionArn=execution)["status"] == "RUNNING"
        assert health(server)[0] == 503
        let_files_grow(server, resource.RLIM_INFINITY)
        until(lambda: health(server)[0] == 200)
        started = client.start_execution(stateMachineArn=machine, name="a")["executionArn"]
        token = client.get_activity_task(activityArn=activity)["taskToken"]
        client.send_task_success(taskToken=token, output="1")
        assert ended(client, execution)["status"] == "SUCCEEDED"
        server.kill()
    change(tmp_path, "UPDATE history_page SET body = 'nothing'")
    with running("--state-dir", str(tmp_path)) as server:
        client = server.client("stepfunctions")
        assert {ended(client, arn)["status"] for arn in (execution, started)} == {"SUCCEEDED"}
        assert health(server)[0] == 200
        with pytest.raises(ClientError, match=r"ServiceUnavailable.*cannot be read"):
            client.get_execution_history(executionArn=started)
        assert "The state directory cannot be read: what is stored of" in health(server)[1]["reason"]


def test_a_file_damaged_in_the_middle_is_named_in_one_line_and_left_as_it_is(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path)) as server:
        client = server.client("stepfunctions")
        machine = create(client, "m", PASS)
        for n in range(20):
            client.start_execution(stateMachineArn=machine, input=json.dumps({"n": n, "text": "x" * 5_000}))
    file = tmp_path / "service.sqlite"
    whole = file.read_bytes()
    file.write_bytes(whole[:40_000] + b"\xa5" * 20_000 + whole[60_000:])
    damaged = file.read_bytes()
    status, error = refused("--port", "0", "--state-dir", str(tmp_path))
    assert (status, error.count("\n")) == (1, 1)
    assert "holds another 'service.sqlite' than was left there: it is damaged or was replaced" in error
    assert "left as it is" in error
    assert file.read_bytes() == damaged


def health(server: Process) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"{server.url}/health", timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_state_directory_that_was_removed_takes_no_more_writes(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path / "state")) as server:
        states, queues, stacks = (server.client(name) for name in ("stepfunctions", "sqs", "cloudformation"))
        machine = create(states, "m", PASS)
        queues.create_queue(QueueName="first")
        shutil.rmtree(tmp_path / "state")
        assert health(server)[0] == 503
        with pytest.raises(ClientError, match=r"ServiceUnavailable.*was removed"):
            states.start_execution(stateMachineArn=machine)
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            queues.create_queue(QueueName="second")
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            stacks.create_stack(StackName="s", TemplateBody='{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}')
        assert states.list_executions(stateMachineArn=machine)["executions"] == []
        assert "was removed" in health(server)[1]["reason"]


def test_an_execution_whose_row_is_wrong_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path)) as server:
        states = server.client("stepfunctions")
        machine = create(states, "w", WAIT)
        wrong, right = (
            states.start_execution(stateMachineArn=machine, name=name)["executionArn"] for name in ("wrong", "right")
        )
        server.kill()
    change(tmp_path, "UPDATE execution SET revision = 'none' WHERE name = 'wrong'")
    with running("--state-dir", str(tmp_path)) as server:
        states = server.client("stepfunctions")
        status, told = health(server)
        assert (status, told["status"]) == (503, "failing")
        assert f"{wrong} could not be taken up and is left as it is" in told["reason"]
        with pytest.raises(ClientError, match=r"ServiceUnavailable.*the revision none"):
            states.get_execution_history(executionArn=wrong)
        assert states.describe_execution(executionArn=wrong)["status"] == "RUNNING"
        assert states.describe_execution(executionArn=right)["status"] in ("RUNNING", "SUCCEEDED")
        _, said = server.stop()
        assert "Traceback" not in said


def test_a_row_that_can_not_be_read_at_all_stops_the_start_with_one_line(tmp_path: Path) -> None:
    with running("--state-dir", str(tmp_path)) as server:
        states = server.client("stepfunctions")
        states.start_execution(stateMachineArn=create(states, "w", WAIT), name="wrong")
        server.kill()
    change(tmp_path, "UPDATE execution SET type = 7")
    status, error = refused("--port", "0", "--state-dir", str(tmp_path))
    assert (status, error.count("\n")) == (1, 1)
    assert f"State directory '{tmp_path}' cannot be used: what is stored of the execution" in error


def change(directory: Path, statement: str) -> None:
    with closing(sqlite3.connect(directory / "service.sqlite")) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.mark.skipif(not Path("/proc").exists(), reason="how many files a process has is told by Linux's /proc")
def test_a_server_without_files_for_more_clients_says_so_once_and_goes_on(tmp_path: Path) -> None:
    with running("--in-memory") as server:
        pid = server.process.pid
        few = len(list(Path(f"/proc/{pid}/fd").iterdir())) + 4
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, few))
        where = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        clients = [socket.create_connection(where) for _ in range(12)]
        for client in clients[:4]:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        for client in clients:
            client.close()
        assert health(server)[0] == 200
        status, said = server.stop()
    assert status == 0
    assert said.count("No connection can be taken at present: [Errno 24]") == said.count("\n") == 1
