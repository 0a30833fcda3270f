"""The API's function: checks the body, starts the saga, answers.

Event and answer have the REST API's proxy form. 200 carries ``{"message": "Processed", "orderId", "executionArn"}``,
400 ``{"message": <what is wrong>}``, 409 the same for a MessageId that was used for a different order.
"""

import base64
import binascii
import json
import os
import re
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from handlers import tables

BODY_LIMIT = 65_536
"""Bytes; an order is a few hundred."""

SCHEMA = Path(__file__).parent.parent / "statemachine" / "order.schema.json"
CORS = {
    "Content-Type": "application/json",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "OPTIONS,POST",
    "Access-Control-Allow-Headers": "Content-Type",
}


class BadRequestError(Exception):
    """The text says in one line what is wrong with the request; ``status`` is the HTTP status of the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        self.status = status
        super().__init__(message)


@cache
def stepfunctions() -> Any:
    return boto3.client("stepfunctions")


@cache
def schema() -> dict[str, Any]:
    """The order's schema, with the stages that this deploy has."""
    told: dict[str, Any] = json.loads(SCHEMA.read_text())
    told["properties"]["FailAtStage"]["enum"] = os.environ["STAGES"].split(",")  # set by deploy
    return told


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A request of API Gateway (Lambda proxy) → its response: 200 with the execution's ARN, 4xx with what is wrong."""
    try:
        order = completed(parsed(event))
        check(order)
        arn = start(order)
    except BadRequestError as bad:
        return _response(bad.status, {"message": str(bad)})
    return _response(200, {"message": "Processed", "orderId": order["MessageId"], "executionArn": arn})


def parsed(event: dict[str, Any]) -> Any:
    """The JSON value of the request's body."""
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        if len(raw) > BODY_LIMIT:
            raise BadRequestError(f"body: {len(raw)} bytes are more than an order's limit of {BODY_LIMIT}")
        return json.loads(raw)
    except (binascii.Error, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BadRequestError(f"body: not JSON ({error})") from error


def completed(order: Any) -> dict[str, Any]:
    """The order, with defaults for the members that may be left out over HTTP."""
    if not isinstance(order, dict):
        raise BadRequestError("body: not a JSON object")
    message = order.get("MessageId")
    return {"FailAtStage": "None", **order, "MessageId": _new_id() if message in (None, "") else message}


def check(order: dict[str, Any]) -> None:
    """Raises ``BadRequestError`` for the first thing ``order.schema.json`` or the Inventory table objects to."""
    fields = schema()["properties"]
    for name in schema()["required"]:
        if name not in order:
            raise BadRequestError(f"{name}: is missing")
    for name, value in order.items():
        if name not in fields:
            raise BadRequestError(f"{name}: unknown; known are {', '.join(fields)}")
        for rule, objection in _RULES.items():
            if rule in fields[name] and (why := objection(fields[name][rule], value)):
                raise BadRequestError(f"{name}: {why}")
    if tables.row(tables.INVENTORY, {"ItemId": order["ItemId"]}) is None:
        raise BadRequestError(f"ItemId: there is no item {order['ItemId']} in the {tables.INVENTORY} table")


def start(order: dict[str, Any]) -> str:
    """The ARN of the execution named by the order's id, started now or by an earlier copy of the same request."""
    machine = os.environ["STATE_MACHINE_ARN"]
    text = json.dumps(order, sort_keys=True)
    try:
        started = stepfunctions().start_execution(stateMachineArn=machine, name=order["MessageId"], input=text)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        return _earlier(_execution_arn(machine, order["MessageId"]), order)
    return str(started["executionArn"])


def _earlier(arn: str, order: dict[str, Any]) -> str:
    if json.loads(stepfunctions().describe_execution(executionArn=arn)["input"]) != order:
        raise BadRequestError(f"MessageId: {order['MessageId']} was already used for a different order", 409)
    return arn


def _execution_arn(machine: str, name: str) -> str:
    """``arn:…:stateMachine:NAME[:alias]`` → ``arn:…:execution:NAME:name``"""
    parts = machine.split(":")
    return ":".join([*parts[:5], "execution", parts[6], name])


def _new_id() -> str:
    return str(uuid.uuid4())  # noqa: TID251  an order id of a request that brought none


def _response(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": CORS, "body": json.dumps(body)}


def _type(wanted: str, value: Any) -> str | None:
    kinds = {"string": str, "integer": int}
    return None if type(value) is kinds[wanted] else f"{json.dumps(value)} is not of type {wanted}"


def _enum(wanted: list[str], value: Any) -> str | None:
    return None if value in wanted else f"{json.dumps(value)} is not one of {', '.join(wanted)}"


def _pattern(wanted: str, value: str) -> str | None:
    return None if re.fullmatch(wanted, value) else f"{json.dumps(value)} does not match {wanted}"


_RULES = {  # in the order in which they are checked: later rules may rely on the type
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "minLength": lambda least, value: None if len(value) >= least else "is empty",
    "maxLength": lambda most, value: None if len(value) <= most else f"is longer than {most} characters",
    "minimum": lambda least, value: None if value >= least else f"{value} is less than {least}",
    "maximum": lambda most, value: None if value <= most else f"{value} is more than {most}",
}
