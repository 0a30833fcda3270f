"""Parcels still to be delivered are there, or the server says what is wrong and does not start."""

import json
import shutil
from pathlib import Path

import pytest

from sfn_emulator.errors import RESTORE
from tests.cloud.functions import deploy, make_role
from tests.processes import refused, running


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with a function that was called without waiting, and a schedule."""
    place = tmp_path_factory.mktemp("left") / "state"
    with running("--state-dir", str(place)) as server:
        make_role(server)
        deploy(server, "work", "def handler(event, context):\n    raise ValueError('again')")
        server.client("lambda").invoke(FunctionName="work", InvocationType="Event", Payload=json.dumps({}))
        server.client("events").put_rule(Name="r", ScheduleExpression="rate(1 day)")
        server.client("events").put_targets(
            Rule="r", Targets=[{"Id": "t", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:work"}]
        )
    with running("--state-dir", str(place)):
        pass
    return place


@pytest.fixture
def state(left: Path, tmp_path: Path) -> Path:
    return shutil.copytree(left, tmp_path / "state")


@pytest.mark.parametrize("name", ["outbox.sqlite", "sources.sqlite"])
@pytest.mark.parametrize("damage", ["garbage", "emptied", "gone"])
def test_a_damaged_file_is_named_and_the_server_does_not_start(state: Path, name: str, damage: str) -> None:
    file = state / name
    assert file.exists()
    for beside in ("-wal", "-shm"):  # what they hold would mend the file
        (state / f"{name}{beside}").unlink(missing_ok=True)
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(b"" if damage == "emptied" else b"no database at all" * 400)
    status, error = refused("--port", "0", "--state-dir", str(state), "--adopt-state-dir")
    assert status == 1
    assert RESTORE in error
    assert name in error and error.count("\n") == 1 and "Error:" not in error


def test_a_link_is_not_followed(state: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.sqlite"
    (state / "sources.sqlite").rename(elsewhere)
    (state / "sources.sqlite").symlink_to(elsewhere)
    status, error = refused("--port", "0", "--state-dir", str(state), "--adopt-state-dir")
    assert status == 1 and "sources.sqlite" in error
