"""The handlers alone, over moto's DynamoDB and SNS in this process."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from moto import mock_aws

from handlers import notifications, orchestrator, tables

ROOT = Path(__file__).parents[2]
MAKERS = (tables.dynamodb, notifications.sns, orchestrator.stepfunctions)
SURROUNDINGS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
CONFIG = yaml.safe_load((ROOT / "deploy" / "config.yaml").read_text())


def event(stage: str = "None", order: str = "order-1", saga: str = "2026-01-01T00:00:00Z", **request: Any) -> dict:
    """What the state machine's Parameters make of a request."""
    return {
        "OrderId": order,
        "Saga": saga,
        "Request": {
            "ItemId": "ITEM001",
            "CustomerId": "ABC/001",
            "MessageId": order,
            "FailAtStage": stage,
            **request,
        },
    }


def contents() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, by table."""
    found = {}
    for name in CONFIG["tables"]:
        items = tables.dynamodb().scan(TableName=name, ConsistentRead=True)["Items"]
        found[name] = sorted((tables.plain(i) for i in items), key=json.dumps)
    return found


def stock(item: str = "ITEM001") -> int:
    return tables.row(tables.INVENTORY, {"ItemId": item})["ItemsInStock"]


def context(milliseconds: int = 0) -> SimpleNamespace:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds)


@pytest.fixture(scope="session")
def clients() -> Iterator[None]:
    """The handlers' clients, made once: making them takes longer than most tests. For use inside ``mock_aws()``."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in SURROUNDINGS.items():
            patch.setenv(name, value)
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        for client in MAKERS:
            client.cache_clear()
            client()
    yield
    for client in MAKERS:
        client.cache_clear()


@pytest.fixture
def aws(clients: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Freshly made tables with their seed, and the topic."""
    with mock_aws():
        for name, table in CONFIG["tables"].items():
            _create(name, table)
        monkeypatch.setenv("TOPIC_ARN", notifications.sns().create_topic(Name="orders")["TopicArn"])
        yield


def _create(name: str, table: dict[str, Any]) -> None:
    keys = table["key"]
    tables.dynamodb().create_table(
        TableName=name,
        KeySchema=[{"AttributeName": k, "KeyType": t} for k, t in zip(keys, ("HASH", "RANGE"), strict=False)],
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    for row in table.get("seed", ()):
        tables.dynamodb().put_item(TableName=name, Item=tables.typed(row))
