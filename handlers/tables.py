"""The saga's DynamoDB tables and the few ways its steps write them: all conditional, all atomic.

Rows are plain dicts of str and int; the wire's typed form stays in this file.
"""

import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from handlers.saga import TransactionConflictError

INVENTORY = "Inventory"
ORDERS = "Orders"
PAYMENTS = "Payments"
RESERVATIONS = "Reservations"

Row = dict[str, Any]
MINE = "Saga = :saga"
_TRANSACTIONS = uuid.UUID("5b1f4a0e-6d0b-4c43-9a55-0d1b8c1b7d0e")


@cache
def dynamodb() -> Any:
    return boto3.client("dynamodb")


def typed(row: Row) -> dict[str, dict[str, str]]:
    """``{"Quantity": 1}`` → ``{"Quantity": {"N": "1"}}``."""
    return {name: {"N": str(v)} if isinstance(v, int) else {"S": v} for name, v in row.items()}


def plain(item: dict[str, dict[str, str]]) -> Row:
    """``{"Quantity": {"N": "1"}}`` → ``{"Quantity": 1}``."""
    return {name: int(v["N"]) if "N" in v else v["S"] for name, v in item.items()}


def row(table: str, key: Row) -> Row | None:
    """The row, strongly consistent; ``None`` when there is none."""
    found = dynamodb().get_item(TableName=table, Key=typed(key), ConsistentRead=True).get("Item")
    return plain(found) if found else None


def delete_mine(table: str, key: Row, saga: str) -> bool:
    """Deletes the row if this saga wrote it; says whether there was one."""
    return _conditional(
        dynamodb().delete_item,
        TableName=table,
        Key=typed(key),
        ConditionExpression=MINE,
        ExpressionAttributeValues=typed({":saga": saga}),
    )


def update_mine(table: str, key: Row, saga: str, update: str, values: Row) -> bool:
    """Updates the row if this saga wrote it; says whether there was one."""
    return _conditional(
        dynamodb().update_item,
        TableName=table,
        Key=typed(key),
        UpdateExpression=update,
        ConditionExpression=MINE,
        ExpressionAttributeValues=typed({":saga": saga, **values}),
    )


def _conditional(call: Any, **request: Any) -> bool:
    try:
        call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return False
        raise
    return True


class NotAllError(Exception):
    """A transaction wrote nothing. ``failed`` holds the positions of the writes whose condition did not hold."""

    def __init__(self, failed: frozenset[int]) -> None:
        self.failed = failed
        super().__init__(f"conditions not met: {sorted(failed)}")


def write_all(*writes: dict[str, Any], once: str | None = None) -> None:
    """All of the writes or none. Raises ``NotAllError``, or ``TransactionConflictError`` when rows are busy.

    Writes that were made under the same ``once`` in the last ten minutes are not made again (API_TransactWriteItems,
    ClientRequestToken), even if their rows are gone by now.
    """
    token = {} if once is None else {"ClientRequestToken": str(uuid.uuid5(_TRANSACTIONS, once))}
    try:
        dynamodb().transact_write_items(TransactItems=writes, **token)
    except ClientError as error:
        if error.response["Error"]["Code"] != "TransactionCanceledException":
            raise
        raise _cancelled(error.response.get("CancellationReasons", ())) from error


def _cancelled(reasons: Sequence[dict[str, Any]]) -> Exception:
    failed = frozenset(i for i, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed")
    return NotAllError(failed) if failed else TransactionConflictError("rows are being written by another saga")


def check(table: str, key: Row, condition: str, values: Row) -> dict[str, Any]:
    """A part of a transaction: it holds only if the row meets ``condition``."""
    return {"ConditionCheck": _write(table, key, condition, values)}


def update(table: str, key: Row, change: str, condition: str, values: Row) -> dict[str, Any]:
    """A part of a transaction: ``change`` is an update expression."""
    return {"Update": {**_write(table, key, condition, values), "UpdateExpression": change}}


def delete(table: str, key: Row, condition: str, values: Row) -> dict[str, Any]:
    """A part of a transaction: the row goes if it meets ``condition``."""
    return {"Delete": _write(table, key, condition, values)}


def put(table: str, new: Row, key: str) -> dict[str, Any]:
    """A part of a transaction: a new row, unless there is one with its ``key`` attribute."""
    return {"Put": {"TableName": table, "Item": typed(new), "ConditionExpression": f"attribute_not_exists({key})"}}


def _write(table: str, key: Row, condition: str, values: Row) -> dict[str, Any]:
    return {
        "TableName": table,
        "Key": typed(key),
        "ConditionExpression": condition,
        "ExpressionAttributeValues": typed(values),
    }
