"""Worlds for tests: the example of docs/prove.md, and a counter that handlers read and write without care."""

import io
import json
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from sfn_emulator.prove.claims import claims, read_claims
from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.proof import Wanted, world_of

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "order"


@cache
def example(name: str) -> Saga:
    """``saga`` is the compact one, ``mended`` the other."""
    told = read_claims(EXAMPLE / f"{name}.yaml")
    made = world_of(Wanted(told, told.setup, told.invariants))
    made.warm_up(told.inputs[0])
    return made


CARELESS = b"""
import boto3

def add(event, context):
    dynamodb = boto3.client("dynamodb")
    found = dynamodb.get_item(TableName="Counter", Key={"Id": {"S": "n"}}, ConsistentRead=True)["Item"]
    count = int(found["N"]["N"]) + 1
    dynamodb.put_item(TableName="Counter", Item={"Id": {"S": "n"}, "N": {"N": str(count)}})
    return {"count": count}
"""

REMEMBERING = b"""
import boto3

table = boto3.resource("dynamodb").Table("Counter")
calls = []

def add(event, context):
    calls.append(event)
    table.update_item(Key={"Id": "n"}, UpdateExpression="ADD N :one", ExpressionAttributeValues={":one": 1})
    return {"calls": len(calls)}
"""


def counter(client: Callable[[str], Any], code: bytes = CARELESS) -> str:
    """A state machine whose only Task is a function that reads, adds one and writes."""
    client("dynamodb").create_table(
        TableName="Counter",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client("dynamodb").put_item(TableName="Counter", Item={"Id": {"S": "n"}, "N": {"N": "0"}})
    role = "arn:aws:iam::123456789012:role/counter"
    client("iam").create_role(RoleName="counter", AssumeRolePolicyDocument="{}")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("adding.py", code)
    function = client("lambda").create_function(
        FunctionName="add",
        Runtime="python3.12",
        Role=role,
        Handler="adding.add",
        Code={"ZipFile": archive.getvalue()},
    )["FunctionArn"]
    states = {"Add": {"Type": "Task", "Resource": function, "TimeoutSeconds": 9, "End": True}}
    return str(
        client("stepfunctions").create_state_machine(
            name="counter", roleArn=role, definition=json.dumps({"StartAt": "Add", "States": states})
        )["stateMachineArn"]
    )


@cache
def careless(code: bytes = CARELESS) -> Saga:
    made = world_of(Wanted(claims(), partial(counter, code=code)))
    made.warm_up({})
    return made
