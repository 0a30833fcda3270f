"""Power loss with ``--fsync``: unsynced data is lost, and no acknowledged write."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cloud.test_neighbours import TABLE
from tests.processes import running

SHIM = Path(__file__).with_name("unsynced.c")


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc on this machine to build the shim that drops writes")
def test_nothing_that_was_acknowledged_is_lost_with_the_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, state, kept = tmp_path / "unsynced.so", tmp_path / "state", tmp_path / "kept"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, SHIM, "-ldl"], check=True)
    for part in ("path", "inode"):
        (kept / part).mkdir(parents=True)
    with monkeypatch.context() as preloaded:
        preloaded.setenv("LD_PRELOAD", str(library))
        preloaded.setenv("UNSYNCED_ROOT", str(state))
        preloaded.setenv("UNSYNCED_KEPT", str(kept))
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
    lost = as_the_power_left_it(state, kept / "path")
    with running("--state-dir", str(lost), "--adopt-state-dir") as server:
        arn = machine["stateMachineArn"]
        going = server.client("stepfunctions").list_executions(stateMachineArn=arn, statusFilter="RUNNING")
        assert len(going["executions"]) == 20
        assert server.client("dynamodb").scan(TableName="Rows")["Count"] == 20
        assert server.client("s3").list_objects_v2(Bucket="kept")["KeyCount"] == 20


def as_the_power_left_it(state: Path, kept: Path) -> Path:
    """The directory with what was waited for, and nothing else."""
    lost = state.with_name("lost")
    lost.mkdir()
    for file in kept.iterdir():
        target = lost / file.name.replace("|", "/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    before = sum(1 for path in state.rglob("*") if path.is_file())
    assert 0 < sum(1 for path in lost.rglob("*") if path.is_file()) < before, "something was not waited for"
    assert (lost / "service.sqlite").stat().st_size > 0
    return lost
