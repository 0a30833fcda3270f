"""Power loss with ``--fsync``: unsynced data is lost, and no acknowledged write."""

import json
from pathlib import Path

import pytest

from tests.cloud.test_neighbours import TABLE
from tests.crash.power import CAN_BE_LOST, as_the_power_left_it, shim, watched
from tests.processes import running


@pytest.mark.skipif(not CAN_BE_LOST, reason="no gcc on this machine to build the shim that drops writes")
def test_nothing_that_was_acknowledged_is_lost_with_the_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, kept = tmp_path / "state", tmp_path / "kept"
    with monkeypatch.context() as preloaded:
        for name, value in watched(state, kept, shim(tmp_path)).items():
            preloaded.setenv(name, value)
        with running("--state-dir", str(state), "--fsync") as server:
            states, rows, objects = (server.client(name) for name in ("stepfunctions", "dynamodb", "s3"))
            queue = server.client("sqs").create_queue(QueueName="q")["QueueUrl"]
            waits = {
                "StartAt": "T",
                "States": {
                    "T": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                        "Parameters": {"QueueUrl": queue, "MessageBody.$": "$$.Task.Token"},
                        "End": True,
                    }
                },
            }
            role = "arn:aws:iam::123456789012:role/m"
            machine = states.create_state_machine(name="m", roleArn=role, definition=json.dumps(waits))
            rows.create_table(TableName="Rows", **TABLE)
            objects.create_bucket(Bucket="kept")
            for n in range(20):
                states.start_execution(stateMachineArn=machine["stateMachineArn"], name=str(n))
                rows.put_item(TableName="Rows", Item={"k": {"S": str(n)}})
                objects.put_object(Bucket="kept", Key=str(n), Body=bytes(100))
            server.kill()
    lost = tmp_path / "lost"
    as_the_power_left_it(kept, lost)
    assert 0 < files_in(lost) < files_in(state), "something was not waited for"
    assert (lost / "service.sqlite").stat().st_size > 0
    with running("--state-dir", str(lost), "--adopt-state-dir") as server:
        arn = machine["stateMachineArn"]
        going = server.client("stepfunctions").list_executions(stateMachineArn=arn, statusFilter="RUNNING")
        assert len(going["executions"]) == 20
        assert server.client("dynamodb").scan(TableName="Rows")["Count"] == 20
        assert server.client("s3").list_objects_v2(Bucket="kept")["KeyCount"] == 20


def files_in(place: Path) -> int:
    return sum(1 for path in place.rglob("*") if path.is_file())
