"""A server whose disk is full refuses writes, answers reads, and loses nothing."""

import json
import resource
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.processes import Process, refused, running
from tests.waiting import ended

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
        client = server.client("stepfunctions")
        machine, waiting = create(client, "m", PASS), create(client, "w", WAIT)
        execution = client.start_execution(stateMachineArn=waiting)["executionArn"]
        let_files_grow(server, 4096)
        for name in ("a", "b"):
            with pytest.raises(ClientError, match=r"ServiceUnavailable.*state directory cannot be written") as refusal:
                client.start_execution(stateMachineArn=machine, name=name)
            assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert client.list_executions(stateMachineArn=machine)["executions"] == []
        assert client.describe_execution(executionArn=execution)["status"] == "RUNNING"
        let_files_grow(server, resource.RLIM_INFINITY)
        started = client.start_execution(stateMachineArn=machine, name="a")["executionArn"]
        assert ended(client, execution)["status"] == "SUCCEEDED"
        server.kill()
    with running("--state-dir", str(tmp_path)) as server:
        client = server.client("stepfunctions")
        assert {ended(client, arn)["status"] for arn in (execution, started)} == {"SUCCEEDED"}


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
