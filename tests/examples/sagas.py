"""The saga however it was deployed: the same orders, and what the tables say afterwards."""

import json
from typing import Any

from tests.waiting import ended

TABLES = ("Inventory", "Orders", "Payments", "Reservations", "Repairs")
ORDERS = (("bought", "None"), ("unpaid", "MakePayment"), ("unstocked", "RevertInventory"))
_CHANGING = frozenset({"Saga", "At", "Cause"})
"""What differs from run to run: when the saga began, and what quotes that."""


def tables_after_orders(client: Any, machine: str) -> dict[str, list[dict[str, Any]]]:
    """Every table's rows once all orders have ended; ``client(service)`` is a boto3 client, ``machine`` an ARN."""
    states = client("stepfunctions")
    for name, stage in ORDERS:
        order = {"ItemId": "ITEM001", "CustomerId": "ABC/001", "MessageId": name, "FailAtStage": stage}
        begun = states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(order))
        ended(states, begun["executionArn"])
    return {table: _rows(client, table) for table in TABLES}


def _rows(client: Any, table: str) -> list[dict[str, Any]]:
    found = client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    kept = [{key: value for key, value in row.items() if key not in _CHANGING} for row in found]
    return sorted(kept, key=json.dumps)
