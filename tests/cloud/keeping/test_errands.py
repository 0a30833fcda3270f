"""Errands: what the loop may do itself, because it is done at once; and that nothing else passes for one."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from sfn_emulator.cloud.keeping.journal import frames
from sfn_emulator.cloud.keeping.keeper import Keeper
from sfn_emulator.cloud.neighbours import Neighbours
from sfn_emulator.cloud.requests.message import Reply, Request

ACCOUNT, REGION = "123456789012", "us-east-1"
MANY = {"L": [{"N": "1"}] * 2_000}
CHECK = {"TableName": "Rows", "Key": {"k": {"S": "heavy"}}, "ConditionExpression": "attribute_exists(k)"}
LIGHT = {"TableName": "Rows", "Item": {"k": {"S": "light"}}}


def asking(operation: str, **told: Any) -> Request:
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
    return Request("POST", "/", "", headers, json.dumps(told).encode())


def asked(neighbours: Neighbours, operation: str, **told: Any) -> Reply:
    reply = neighbours.answer("dynamodb", REGION, asking(operation, **told))
    assert reply.status == 200, reply.body
    return reply


def run(neighbours: Neighbours, operation: str, **told: Any) -> dict[str, Any] | None:
    """What the errand came to; ``None`` where it was left to a thread."""
    reply = neighbours.answer_at_once(REGION, asking(operation, **told))
    return None if reply is None else dict(json.loads(reply.body))


def with_rows(keeper: Keeper | None = None) -> Neighbours:
    neighbours = Neighbours(ACCOUNT, keeper)
    neighbours.restore()
    asked(neighbours, "ListTables")
    neighbours.reset("dynamodb")  # moto is the process's: other tests may have used it
    asked(
        neighbours,
        "CreateTable",
        TableName="Rows",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    asked(neighbours, "PutItem", TableName="Rows", Item={"k": {"S": "heavy"}, "many": MANY})
    return neighbours


def test_a_row_is_written_read_and_removed_at_once_and_noted() -> None:
    neighbours, key = with_rows(), {"k": {"S": "light"}}
    assert run(neighbours, "PutItem", **LIGHT) == {}
    assert run(neighbours, "GetItem", TableName="Rows", Key=key) == {"Item": key}
    assert run(neighbours, "DeleteItem", TableName="Rows", Key=key) == {}
    assert run(neighbours, "GetItem", TableName="Rows", Key=key) == {}
    written = [(deed.operation, deed.key, deed.after is None) for deed in neighbours.witness.deeds.all()]
    assert written == [("PutItem", "heavy", False), ("PutItem", "light", False), ("DeleteItem", "light", True)]


def test_a_refusal_is_told_at_once() -> None:
    told = run(with_rows(), "PutItem", **LIGHT, ConditionExpression="attribute_exists(k)")
    assert told is not None and told["__type"].endswith("#ConditionalCheckFailedException")


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("Scan", {"TableName": "Rows"}),
        ("PutItem", {"TableName": "Rows", "Item": {"k": {"S": "x" * 2_048}}}),
        ("GetItem", {"TableName": "Rows", "Key": {"k": {"S": "heavy"}}}),
        ("DeleteItem", {"TableName": "Rows", "Key": {"k": {"S": "heavy"}}}),
        ("UpdateItem", {"TableName": "Rows", "Key": {"k": {"S": "heavy"}}, "UpdateExpression": "SET n = k"}),
        ("TransactWriteItems", {"TransactItems": [{"ConditionCheck": CHECK}, {"Put": LIGHT}]}),
        ("PutItem", {"TableName": "Rows", "Item": {}}),
        ("GetItem", {}),
    ],
)
def test_a_write_that_may_take_long_or_makes_no_sense_is_left_to_a_thread(operation: str, told: dict[str, Any]) -> None:
    neighbours = with_rows()
    assert run(neighbours, operation, **told) is None
    assert [deed.key for deed in neighbours.witness.deeds.all()] == ["heavy"]


def test_a_second_operation_that_moto_would_see_makes_it_no_errand() -> None:
    request = asking("PutItem", **LIGHT)
    for other in (
        Request("POST", "/", "Action=Scan", request.headers, request.body),
        Request("POST", "/", "", {**request.headers, "action": "Scan"}, request.body),
        Request("POST", "/elsewhere", "", request.headers, request.body),
        Request("GET", "/", "", request.headers, request.body),
    ):
        assert with_rows().answer_at_once(REGION, other) is None


def test_nobody_is_waited_for_inside_moto() -> None:
    neighbours, inside, done = with_rows(), threading.Event(), threading.Event()

    def hold() -> None:
        with neighbours.held():
            inside.set()
            done.wait()

    other = threading.Thread(target=hold)
    other.start()
    inside.wait()
    assert run(neighbours, "PutItem", **LIGHT) is None
    done.set()
    other.join()
    assert run(neighbours, "PutItem", **LIGHT) == {}


def test_an_errands_write_is_in_the_journal_when_it_is_answered(tmp_path: Path) -> None:
    neighbours = with_rows(Keeper(tmp_path, fsync=False))
    assert run(neighbours, "PutItem", **LIGHT) == {}
    *_, last = frames(tmp_path / "journal-0")
    assert last.endswith(json.dumps(LIGHT).encode())
    neighbours.close()


def test_a_write_that_waits_for_the_disk_is_no_errand(tmp_path: Path) -> None:
    neighbours = with_rows(Keeper(tmp_path, fsync=True))
    assert run(neighbours, "PutItem", **LIGHT) is None
    neighbours.close()
