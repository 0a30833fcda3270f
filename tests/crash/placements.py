"""Where a proof says that the emulator dies, a real server is killed: both must leave the same rows.

A proof plays the death in its own process (``prove.world.hosting``). Here each call of a small machine kills the server
that called it, once, just before its write or just after it; the server is started again on what it had stored, and the
execution goes on. The machine's functions add and are not conditional, so that a call made once more is seen.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError

from sfn_emulator.prove.claims import claims
from sfn_emulator.prove.faults import Fault, Kind
from sfn_emulator.prove.proof import Wanted, world_of
from sfn_emulator.prove.world.tables import plain
from tests.crash.life import Life
from tests.waiting import PATIENCE

ROLE: Final = "arn:aws:iam::123456789012:role/placed"
STEPS: Final = ("Take", "Pay", "Give")
PLACES: Final = [(number, kind) for number in range(len(STEPS)) for kind in (Kind.DIES_BEFORE, Kind.DIES_AFTER)]

_CODE: Final = '''
import os, signal
from pathlib import Path
import boto3

table = boto3.resource("dynamodb").Table("Counts")


def dies(name, when):
    """Kills whoever runs this function, once, if that is what the trial asks for."""
    asked = Path(os.environ.get("ASKED", "nothing"))
    if asked.is_file() and asked.read_text() == f"{name} {when}":
        asked.unlink()
        os.kill(int(asked.with_name("server").read_text()), signal.SIGKILL)


def count(event, context):
    name = context.function_name
    dies(name, "dies-before")
    table.update_item(Key={"Id": name}, UpdateExpression="ADD N :one", ExpressionAttributeValues={":one": 1})
    dies(name, "dies-after")
    if name == "Pay":
        raise RuntimeError("refused")
    return {}
'''


def make(client: Callable[[str], Any], asked: str = "") -> str:
    """Take, then Pay, which always fails after it was done, then Give."""
    client("dynamodb").create_table(
        TableName="Counts",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client("iam").create_role(RoleName="placed", AssumeRolePolicyDocument="{}")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("counting.py", _CODE)
    arns = {name: _function(client, name, archive.getvalue(), asked) for name in STEPS}
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Give"}]
    states = {
        "Take": {"Type": "Task", "Resource": arns["Take"], "Next": "Pay"},
        "Pay": {"Type": "Task", "Resource": arns["Pay"], "Catch": caught, "End": True},
        "Give": {"Type": "Task", "Resource": arns["Give"], "End": True},
    }
    definition = json.dumps({"StartAt": "Take", "States": states})
    made = client("stepfunctions").create_state_machine(name="placed", roleArn=ROLE, definition=definition)
    return str(made["stateMachineArn"])


def _function(client: Callable[[str], Any], name: str, code: bytes, asked: str) -> str:
    made = client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=ROLE,
        Handler="counting.count",
        Code={"ZipFile": code},
        Environment={"Variables": {"ASKED": asked} if asked else {}},
    )
    return str(made["FunctionArn"])


def breaches(directory: Path) -> Iterator[str]:
    """A line for each place at which the two differ."""
    saga = world_of(Wanted(claims(), make))
    saga.warm_up({})
    for number, kind in PLACES:
        played = saga.tried({}, (Fault(number, STEPS[number], kind),)).after["Counts"]
        place = directory / f"{number}-{kind}"
        place.mkdir()
        real = _killed(place, f"{STEPS[number]} {kind}")
        if real != played:
            yield f"{STEPS[number]} {kind}: a killed server leaves {real}, a proof says {played}"


def _killed(place: Path, asked: str) -> list[Any]:
    """The rows that an execution leaves whose server was killed there."""
    life = Life(place / "state", "--time", "skip")
    with closing(_Ending(life)):
        life.begin()
        arn = make(life.speak, str(place / "asked"))
        (place / "server").write_text(str(life.pid))
        (place / "asked").write_text(asked)
        with suppress(BotoCoreError):  # the server may be gone before it could answer
            life.client().start_execution(stateMachineArn=arn, name="prove")
        life.gone()
        life.begin()
        execution = f"{arn.replace(':stateMachine:', ':execution:')}:prove"
        deadline = time.monotonic() + PATIENCE
        while life.client().describe_execution(executionArn=execution)["status"] == "RUNNING":
            if time.monotonic() > deadline:
                return ["the execution did not end"]
        items = life.speak("dynamodb").scan(TableName="Counts")["Items"]
        rows = [{name: plain(value) for name, value in item.items()} for item in items]
        return sorted(rows, key=lambda row: str(row["Id"]))


class _Ending:
    def __init__(self, life: Life) -> None:
        self.close = life.end
