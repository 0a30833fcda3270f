"""``python -m tests.crash.damages``: every file of a state directory, damaged in every way, and what the server says.

Two directories are tried, one of a killed server and one of a server that was stopped. Each row of the table is one
damage and one start. A server that starts must still hold everything that was acknowledged; if it does not, the row
ends with SILENT, and the exit status is 1.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from tests.cloud.functions import deploy, make_role
from tests.processes import Process, running
from tests.waiting import ended, until

DATABASES: Final = ("service.sqlite", "stacks.sqlite", "outbox.sqlite", "sources.sqlite")
_MACHINE: Final = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
_TEMPLATE: Final = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}
_PLACES: Final = (0.3, 0.55, 0.8, 0.97)
"""Where a byte is flipped, as parts of a file's length."""

Damage = Callable[[Path, Path, Path], object]
"""Of a file, within a directory, with an older copy of that directory at hand."""


def _flipped(part: float) -> Damage:
    def flip(path: Path, place: Path, older: Path) -> None:
        content = bytearray(path.read_bytes())
        if content:
            content[int(len(content) * part)] ^= 0x55
        path.write_bytes(content)

    return flip


def _replaced(path: Path, place: Path, older: Path) -> None:
    shutil.copyfile(older / path.relative_to(place), path)


ONE: Final[dict[str, Damage]] = {
    "removed": lambda path, place, older: path.unlink(),
    "emptied": lambda path, place, older: os.truncate(path, 0),
    "cut in half": lambda path, place, older: os.truncate(path, path.stat().st_size // 2),
    "an older copy": _replaced,
    **{f"a byte at {part:.0%}": _flipped(part) for part in _PLACES},
}


def _logs_removed(path: Path, place: Path, older: Path) -> None:
    for beside in ("-wal", "-shm"):
        Path(f"{path}{beside}").unlink(missing_ok=True)


def _log_emptied(path: Path, place: Path, older: Path) -> None:
    os.truncate(f"{path}-wal", 0)
    Path(f"{path}-shm").unlink()


def _older_without_log(path: Path, place: Path, older: Path) -> None:
    _logs_removed(path, place, older)
    _replaced(path, place, older)


def _visited(path: Path, place: Path, older: Path) -> None:
    subprocess.run(["sqlite3", path, "SELECT count(*) FROM sqlite_master"], check=True, capture_output=True)


OF_DATABASES: Final[dict[str, Damage]] = {
    "log and index removed": _logs_removed,
    "log emptied, index removed": _log_emptied,
    "older copy, no log": _older_without_log,
    "visited by sqlite3": _visited,
}


# -- what is kept


def _fill(server: Process, round_: int) -> None:
    states = server.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/machine"
    machine = states.create_state_machine(name=f"m{round_}", definition=json.dumps(_MACHINE), roleArn=role)
    for n in range(12):
        told = states.start_execution(stateMachineArn=machine["stateMachineArn"], name=f"e{n}", input=f"[{n}]")
        ended(states, told["executionArn"])
    rows = server.client("dynamodb")
    if round_ == 0:
        make_role(server)
        deploy(server, "broken", "def handler(event, context):\n    raise ValueError('again')")
        key: dict[str, Any] = {"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}
        key |= {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
        rows.create_table(TableName="Rows", **key)
    for n in range(8):
        rows.put_item(TableName="Rows", Item={"k": {"S": f"{round_}-{n}"}})
    server.client("cloudformation").create_stack(StackName=f"s{round_}", TemplateBody=json.dumps(_TEMPLATE))
    for n in range(3):
        server.client("lambda").invoke(FunctionName="broken", InvocationType="Event", Payload=json.dumps({"n": n}))
    function = "arn:aws:lambda:us-east-1:123456789012:function:broken"
    server.client("events").put_rule(Name=f"r{round_}", ScheduleExpression="rate(1 day)")
    server.client("events").put_targets(Rule=f"r{round_}", Targets=[{"Id": "t", "Arn": function}])


def _held(server: Process, place: Path) -> dict[str, Any]:
    """Everything that was acknowledged, as the server tells it or, of what it does not tell, as its files do."""
    states = server.client("stepfunctions")
    held: dict[str, Any] = {}
    for machine in states.list_state_machines()["stateMachines"]:
        for told in states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]:
            found = states.describe_execution(executionArn=told["executionArn"])
            events = states.get_execution_history(executionArn=told["executionArn"])["events"]
            held[told["executionArn"]] = (found["status"], found["input"], found["output"], len(events))
    held["rows"] = sorted(row["k"]["S"] for row in server.client("dynamodb").scan(TableName="Rows")["Items"])
    stacks = server.client("cloudformation").describe_stacks()["Stacks"]
    held["stacks"] = sorted((stack["StackName"], stack["StackStatus"]) for stack in stacks)
    held["code"] = server.client("lambda").get_function(FunctionName="broken")["Configuration"]["CodeSha256"]
    held["parcels"] = _table(place / "outbox.sqlite", "SELECT kind, target, content FROM parcel ORDER BY id")
    held["anchors"] = _table(place / "sources.sqlite", "SELECT key, text FROM checkpoint ORDER BY key")
    return held


def _table(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def _kept(scratch: Path) -> tuple[Path, Path, Path, dict[str, Any]]:
    """The directories of an older time, of a killed server, and of a stopped one; and what the two last hold."""
    place, older = scratch / "state", scratch / "older"
    with running("--state-dir", str(place)) as server:
        _fill(server, 0)
    shutil.copytree(place, older)
    with running("--state-dir", str(place)) as server:
        _fill(server, 1)
        server.client("lambda").invoke(FunctionName="broken", InvocationType="Event", Payload="{}")
        wanted = until(lambda: found if len((found := _held(server, place))["anchors"]) == 2 else None)
        server.kill()
    killed = scratch / "killed"
    shutil.copytree(place, killed)
    with running("--state-dir", str(place)):
        pass
    return older, killed, place, wanted


# -- the trials


def _trials(place: Path) -> Iterator[tuple[str, str, Damage]]:
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        name = str(path.relative_to(place))
        if not name.startswith("code/"):  # unpacked again by each server
            for what, damage in ONE.items():
                yield name, what, damage
    for name in DATABASES:
        for what, damage in OF_DATABASES.items():
            yield name, what, damage


def _outcome(place: Path, wanted: dict[str, Any]) -> tuple[str, bool]:
    """What the server says, and whether something is lost in silence."""
    options = ("--port", "0", "--state-dir", str(place), "--adopt-state-dir")
    said = ""
    for _ in range(2):  # who is refused tries again
        try:
            server = Process(*options)
        except AssertionError as error:
            said = str(error).strip().partition("\n")[0].replace(str(place), "…")
        else:
            break
    else:
        return said, False
    try:
        held = _held(server, place)
        missing = sorted(key.rpartition("execution:")[2] for key, value in wanted.items() if held.get(key) != value)
        what = f"starts{' at the second try' if said else ''}"
        return (f"{what}, all is there", False) if not missing else (f"{what}; differs: {', '.join(missing)}", True)
    except Exception as error:  # a refusal of a read says what is wrong
        return f"starts; a read is refused: {error}".replace(str(place), "…"), False
    finally:
        with suppress(Exception):
            server.stop()
        server.process.kill()


def main() -> int:
    silent = 0
    with tempfile.TemporaryDirectory() as scratch:
        older, killed, stopped, wanted = _kept(Path(scratch))
        for way, whole in (("killed", killed), ("stopped", stopped)):
            for name, what, damage in _trials(whole):
                place = Path(scratch) / "trial"
                shutil.copytree(whole, place)
                try:
                    damage(place / name, place, older)
                except FileNotFoundError:  # the older one has no such file
                    pass
                else:
                    said, lost = _outcome(place, wanted)
                    silent += lost
                    print(f"| {way} | {name} | {what} | {said}{' SILENT' if lost else ''} |", flush=True)
                shutil.rmtree(place)
    print(f"{silent} silent")
    return silent and 1


if __name__ == "__main__":
    sys.exit(main())
