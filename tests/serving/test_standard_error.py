"""Nobody waits for who reads the server's lines: not when nobody does, and not when the reader has gone."""

import json
import signal
from typing import Any, Final

from tests.processes import Process, running
from tests.waiting import PATIENCE, ended

ROLE: Final = "arn:aws:iam::123456789012:role/machine"
LOUD: Final = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Loud", "Cause": "c" * 32_000}}}
"""Each execution tells 32 KB with ``--verbose``. A pipe takes 64 KB, and a megabyte waits."""


def machine(server: Process, definition: dict[str, Any]) -> str:
    states = server.client("stepfunctions")
    return str(
        states.create_state_machine(name="m", roleArn=ROLE, definition=json.dumps(definition))["stateMachineArn"]
    )


def last_of(server: Process, count: int) -> str:
    """The status of the last of ``count`` executions."""
    states, arn = server.client("stepfunctions"), machine(server, LOUD)
    execution = [states.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(count)][-1]
    return str(ended(states, execution)["status"])


def test_lines_that_nobody_reads_are_dropped_and_counted() -> None:
    with running("--in-memory", "--verbose") as server:
        assert last_of(server, 60) == "FAILED"
        status, told = server.stop()
    assert status == 0
    assert "m:" in told
    assert "pieces of text were not shown: standard error was not read.)" in told


def test_a_server_whose_reader_has_gone_goes_on_and_stops_when_its_terminal_is_closed() -> None:
    with running("--in-memory", "--verbose") as server:
        assert server.process.stderr is not None
        server.process.stderr.close()
        server.process.stderr = None
        assert last_of(server, 3) == "FAILED"
        is_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # so it is for the server, too
        server.process.send_signal(signal.SIGTERM if is_nohup else signal.SIGHUP)
        server.process.communicate(timeout=PATIENCE)
        assert server.process.returncode == 0
