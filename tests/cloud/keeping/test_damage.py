"""A damaged, emptied or missing file, or one of another version, is reported before the start and left as it is."""

import json
import os
import shutil
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sfn_emulator.cloud.keeping.journal import Journal, JournalError
from sfn_emulator.cloud.keeping.keeper import Keeper
from sfn_emulator.cloud.keeping.state_dir import StateDir
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.message import Request
from sfn_emulator.errors import RESTORE
from sfn_emulator.service.store.database import Database, StateDirectoryError
from tests.cloud.functions import deploy, make_role
from tests.processes import Process, refused, running
from tests.waiting import PATIENCE, until

WAITS: dict[str, Any] = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Call"},
        "Call": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True},
    },
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a killed server: a snapshot, a journal after it, and an open execution that needs both."""
    place = tmp_path_factory.mktemp("killed") / "state"
    with running("--state-dir", str(place)) as server:
        make_role(server)
        deploy(server, "f", "def handler(event, context):\n    return 'done'")
        objects = server.client("s3")
        objects.create_bucket(Bucket="kept")
        while not list((place / "neighbours").glob("snapshot-?")):
            objects.put_object(Bucket="kept", Key="large", Body=bytes(8 * 1024 * 1024))
        objects.put_object(Bucket="kept", Key="last", Body=b"after the snapshot")
        states = server.client("stepfunctions")
        role = "arn:aws:iam::123456789012:role/machine"
        machine = states.create_state_machine(name="m", definition=json.dumps(WAITS), roleArn=role)["stateMachineArn"]
        states.start_execution(stateMachineArn=machine, name="under-way")
        server.kill()
    return place


@pytest.fixture
def place(killed: Path, tmp_path: Path) -> Path:
    shutil.copytree(killed, tmp_path / "state")
    return tmp_path / "state"


def cut(path: Path, to: Callable[[int], int]) -> None:
    os.truncate(path, to(path.stat().st_size))


def flip(path: Path, at: Callable[[int], int]) -> None:
    content = bytearray(path.read_bytes())
    content[at(len(content))] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "snapshot cut in half": lambda kept: cut(kept / "snapshot-1", lambda size: size // 2),
    "snapshot without its end": lambda kept: cut(kept / "snapshot-1", lambda size: size - 1),
    "snapshot emptied": lambda kept: cut(kept / "snapshot-1", lambda size: 0),
    "snapshot removed": lambda kept: (kept / "snapshot-1").unlink(),
    "a bit of the snapshot": lambda kept: flip(kept / "snapshot-1", lambda size: size // 2),
    "snapshot of a newer version": lambda kept: (kept / "snapshot-1").write_bytes(
        (kept / "snapshot-1").read_bytes().replace(b"snapshot 2\n", b"snapshot 3\n", 1)
    ),
    "another snapshot": lambda kept: shutil.copy(kept / "journal-1", kept / "snapshot-1"),
    "journal emptied": lambda kept: cut(kept / "journal-1", lambda size: 0),
    "journal with its header alone": lambda kept: cut(kept / "journal-1", lambda size: 26),
    "journal without its last frame": lambda kept: cut(kept / "journal-1", lambda size: size - 1),
    "journal removed": lambda kept: (kept / "journal-1").unlink(),
    "the length of a frame": lambda kept: flip(kept / "journal-1", lambda size: 27),
    "a bit of a frame": lambda kept: flip(kept / "journal-1", lambda size: 60),
    "manifest removed": lambda kept: (kept / "manifest").unlink(),
    "manifest emptied": lambda kept: cut(kept / "manifest", lambda size: 0),
    "manifest of something else": lambda kept: (kept / "manifest").write_text('{"format": 2}'),
    "a journal that nobody knows": lambda kept: shutil.copy(kept / "journal-1", kept / "journal-7"),
}


def told(place: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_told_of_and_changes_nothing(place: Path, damage: Callable[[Path], object]) -> None:
    damage(place / "neighbours")
    before = told(place)
    with pytest.raises(JournalError) as refusal:
        Keeper(place / "neighbours", fsync=False)
    assert str(place / "neighbours") in str(refusal.value)
    assert str(refusal.value).count("\n") == 0
    assert (RESTORE in str(refusal.value)) != ("newer version of sfn-emulator" in str(refusal.value))
    assert told(place) == before


def test_the_way_to_begin_anew_is_the_one_that_works(place: Path) -> None:
    flip(place / "neighbours" / "journal-1", lambda size: 60)
    with pytest.raises(JournalError, match="to begin anew, move the whole state directory away"):
        Keeper(place / "neighbours", fsync=False)
    place.rename(place.with_name("away"))
    kept = StateDir(place)
    Keeper(kept.part("neighbours"), fsync=False).close()
    kept.release()


def test_a_directory_that_is_whole_is_taken(place: Path) -> None:
    Keeper(place / "neighbours", fsync=False).close()


def test_a_journal_that_a_snapshot_replaced_may_come_back_with_a_loss_of_power(place: Path) -> None:
    shutil.copy(place / "neighbours" / "journal-1", place / "neighbours" / "journal-0")
    Keeper(place / "neighbours", fsync=False).close()


SERVICE: dict[str, Callable[[Path], object]] = {
    "log removed": lambda file: Path(f"{file}-wal").unlink(),
    "log emptied": lambda file: cut(Path(f"{file}-wal"), lambda size: 0),
    "log cut in half": lambda file: cut(Path(f"{file}-wal"), lambda size: size // 2),
    "log without its last page": lambda file: cut(Path(f"{file}-wal"), lambda size: size - 100),
    "a bit of the log": lambda file: flip(Path(f"{file}-wal"), lambda size: size // 2),
    "file cut in half": lambda file: cut(file, lambda size: size // 2),
    "file of a newer version": lambda file: newer(file),
}


def newer(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:60] + (99).to_bytes(4, "big") + content[64:])


@pytest.mark.parametrize("damage", SERVICE.values(), ids=SERVICE)
def test_lost_commits_of_executions_are_noticed(place: Path, damage: Callable[[Path], object]) -> None:
    damage(place / "service.sqlite")
    kept = {path: content for path, content in told(place).items() if not path.name.endswith("-shm")}
    for _ in range(2):  # a second start is no way to go on
        with pytest.raises(StateDirectoryError) as refusal:
            Database.open(place)
    assert "it was left as it is" in str(refusal.value)
    assert (RESTORE in str(refusal.value)) != ("newer version" in str(refusal.value))
    assert str(refusal.value).count("\n") == 0
    assert {path: content for path, content in told(place).items() if not path.name.endswith("-shm")} == kept


def health(server: Process) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(server.url + "/health", timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def under_way(server: Process) -> Any:
    arn = "arn:aws:states:us-east-1:123456789012:execution:m:under-way"
    return server.client("stepfunctions").describe_execution(executionArn=arn)


def test_the_server_does_not_start_or_starts_without_the_neighbours_and_no_execution_ends(place: Path) -> None:
    snapshot = place / "neighbours" / "snapshot-1"
    whole = snapshot.read_bytes()
    cut(snapshot, lambda size: size // 2)
    kept = told(place / "neighbours")
    options = ("--port", "0", "--state-dir", str(place), "--adopt-state-dir")
    status, error = refused(*options)
    assert (status, error.count("\n")) == (1, 1)
    assert f"{RESTORE} It is left as it is. --without-neighbours starts Step Functions alone." in error
    with running(*options, "--without-neighbours") as server:
        status, wrong = health(server)
        assert (status, wrong["status"]) == (503, "failing")
        assert str(snapshot) in wrong["reason"]
        assert (wrong["held"]["neighbours"], wrong["held"]["functions"], wrong["held"]["tables"]) == (None, None, None)
        for service, call in CALLS.items():
            with pytest.raises(ClientError) as refusal:
                getattr(server.client(service), call)()
            assert refusal.value.response["Error"]["Code"] == "ServiceUnavailable", service
            assert refusal.value.response["Error"]["Message"] == wrong["reason"], service
        reset = urllib.request.Request(server.url + "/_sfn/reset", b"{}", method="POST")
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(reset, timeout=PATIENCE)
        until(lambda: len(history(server)) >= 5)
        assert under_way(server)["status"] == "RUNNING"
        tables = f"{server.url}/_sfn/api/tables?arn={under_way(server)['executionArn']}"
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(tables, timeout=PATIENCE)
        assert server.stop()[0] == 0
    assert told(place / "neighbours") == kept
    snapshot.write_bytes(whole)
    with running(*options) as server:
        until(lambda: under_way(server)["status"] != "RUNNING")
        assert under_way(server)["output"] == '"done"'
        assert server.client("s3").get_object(Bucket="kept", Key="last")["Body"].read() == b"after the snapshot"


CALLS = {
    "sqs": "list_queues",
    "lambda": "list_functions",
    "dynamodb": "list_tables",
    "sts": "get_caller_identity",
    "cloudformation": "list_stacks",
    "sns": "list_topics",
    "iam": "list_roles",
    "s3": "list_buckets",
    "ec2": "describe_vpcs",
    "cloudwatch": "list_metrics",
    "route53": "list_hosted_zones",
    "cloudfront": "list_distributions",
    "ses": "list_identities",
    "rds": "describe_db_instances",
}
"""A call for each protocol that AWS's services speak, and for each way to tell them apart."""


def history(server: Process) -> list[Any]:
    arn = under_way(server)["executionArn"]
    events: list[Any] = server.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    return events


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("stopped") / "state"
    with running("--state-dir", str(place)) as server:
        server.client("sqs").create_queue(QueueName="one")
    return place


@pytest.fixture
def small(stopped: Path, tmp_path: Path) -> Path:
    return shutil.copytree(stopped, tmp_path / "small")


LOSSES: dict[str, Callable[[Path], object]] = {
    "neighbours gone": lambda kept: shutil.rmtree(kept / "neighbours"),
    "neighbours emptied": lambda kept: [file.unlink() for file in (kept / "neighbours").iterdir()],
    "stacks gone": lambda kept: (kept / "stacks.sqlite").unlink(),
    "stacks damaged": lambda kept: (kept / "stacks.sqlite").write_bytes(b"no database at all" * 400),
    "both gone": lambda kept: [shutil.rmtree(kept / "neighbours"), (kept / "stacks.sqlite").unlink()],
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_whatever_the_neighbours_lost_it_starts_without_them(small: Path, loss: Callable[[Path], object]) -> None:
    """And the loss is still noticed when they are wanted again."""
    loss(small)
    before = told_of_neighbours(small)
    options = ("--port", "0", "--state-dir", str(small), "--adopt-state-dir")
    with running(*options, "--without-neighbours") as server:
        status, wrong = health(server)
        assert (status, wrong["held"]["neighbours"]) == (503, None)
        assert RESTORE in wrong["reason"]
        assert server.client("stepfunctions").list_state_machines()["stateMachines"] == []
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            server.client("cloudformation").list_stacks()
        assert server.stop()[0] == 0
    assert told_of_neighbours(small) == before
    status, error = refused(*options)
    assert (status, error.count("\n")) == (1, 1)
    assert error.endswith("left as it is. --without-neighbours starts Step Functions alone.\n")
    assert told_of_neighbours(small) == before


def told_of_neighbours(place: Path) -> dict[Path, bytes]:
    return {path: content for path, content in told(place).items() if {"neighbours", "stacks.sqlite"} & {*path.parts}}


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (["went", "us-east-1", "POST", "/", "", {}, 1.0, 1], "holds a request for 'went', which is not answered here"),
        (
            ["sqs", "us-east-1", "POST", "/", "Action=DeleteQueue&QueueUrl=x%2Fnone", {}, 1.0, 1],
            "'DeleteQueue /' for sqs is refused now",
        ),
        (["sqs"], "ValueError"),
    ],
)
def test_a_journal_that_cannot_be_restored_stops_the_server(small: Path, frame: list[Any], why: str) -> None:
    """All files are whole; what they hold can't be brought back."""
    kept = small / "neighbours"
    keeper = Keeper(kept, fsync=False)
    head = json.dumps(frame).encode()
    keeper._journal.append(len(head).to_bytes(4, "big") + head)
    keeper.close()
    before = told(kept)
    status, error = refused("--port", "0", "--state-dir", str(small), "--adopt-state-dir")
    assert status == 1
    assert "The neighbours' state could not be restored." in error
    assert why in error
    assert {path: content for path, content in told(kept).items() if path.name.startswith("journal")} == {
        path: content for path, content in before.items() if path.name.startswith("journal")
    }


def test_a_request_that_waits_for_what_could_not_be_restored_does_not_keep_the_process_alive() -> None:
    neighbours = Neighbours("123456789012", refusal="The neighbours' state could not be restored.")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(neighbours.answer, "sqs", "us-east-1", Request("POST", "/", "", {}, b"Action=ListQueues"))
        neighbours.close()
        assert waiting.result(PATIENCE).status == 503


def test_a_file_of_executions_that_was_emptied_or_changed_is_missed(small: Path) -> None:
    file = small / "service.sqlite"
    whole = file.read_bytes()
    file.write_bytes(b"")
    assert "has lost 'service.sqlite'" in refused("--port", "0", "--state-dir", str(small), "--adopt-state-dir")[1]
    file.write_bytes(whole)
    flip(file, lambda size: size - 200)
    assert (
        "holds another 'service.sqlite' than was left there"
        in refused("--port", "0", "--state-dir", str(small), "--adopt-state-dir")[1]
    )
    file.write_bytes(whole)
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_a_journal_that_was_written_to_its_end_is_cut_back_to_its_last_whole_frame(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append(b"whole")
    extent = journal.extent
    journal.close()
    with (tmp_path / "journal").open("ab") as file:
        file.write(b"\x00\x00")
    again = Journal(tmp_path / "journal", known=extent)
    assert again.extent == extent
    again.close()
