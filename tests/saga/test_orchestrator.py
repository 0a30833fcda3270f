"""The API's function: its answers, and that bad input starts nothing."""

import base64
import json

import pytest

from deploy import config
from handlers import orchestrator

pytestmark = pytest.mark.usefixtures("aws")

ORDER = {"ItemId": "ITEM001", "CustomerId": "ABC/001", "MessageId": "m-1", "FailAtStage": "None"}


@pytest.fixture(autouse=True)
def machine(aws, monkeypatch):
    definition = json.dumps({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}})
    role = "arn:aws:iam::123456789012:role/r"
    arn = orchestrator.stepfunctions().create_state_machine(name="M", definition=definition, roleArn=role)[
        "stateMachineArn"
    ]
    monkeypatch.setenv("STATE_MACHINE_ARN", arn)
    monkeypatch.setenv("STAGES", ",".join(config.load().stages))
    return arn


def post(body, **event):
    answer = orchestrator.handler({"body": body if isinstance(body, str) else json.dumps(body), **event}, None)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def started(arn):
    return orchestrator.stepfunctions().list_executions(stateMachineArn=arn)["executions"]


def test_a_good_order_is_processed_under_its_message_id(machine):
    status, body, headers = post(ORDER)
    assert (status, body["message"], body["orderId"]) == (200, "Processed", "m-1")
    assert body["executionArn"].endswith(":execution:M:m-1")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert [e["name"] for e in started(machine)] == ["m-1"]


def test_a_body_in_base64_is_read_too():
    assert post(base64.b64encode(json.dumps(ORDER).encode()).decode(), isBase64Encoded=True)[0] == 200


def test_an_order_without_message_id_and_stage_gets_an_id_of_its_own():
    first = post({"ItemId": "ITEM001", "CustomerId": "c", "MessageId": ""})[1]["orderId"]
    second = post({"ItemId": "ITEM001", "CustomerId": "c"})[1]["orderId"]
    assert first and second and first != second


def test_the_same_request_twice_is_one_saga_whatever_the_order_of_its_keys(machine):
    first = post(ORDER)[1]
    second = post(dict(reversed(ORDER.items())))[1]
    assert first == second
    assert len(started(machine)) == 1


def test_a_message_id_used_for_another_order_is_a_conflict(machine):
    post(ORDER)
    status, body, _ = post({**ORDER, "Quantity": 2})
    assert status == 409
    assert "MessageId" in body["message"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("", "body: not JSON"),
        ("{", "body: not JSON"),
        ("[" * 100_000, "body: 100000 bytes"),
        ("[" * 60_000, "body: not JSON"),
        ("[]", "body: not a JSON object"),
        (json.dumps({**ORDER, "CustomerId": "x" * 70_000}), "body: 70"),
        ({**ORDER, "ItemId": "ITEM999"}, "there is no item ITEM999"),
        ({**ORDER, "ItemId": 1}, "ItemId: 1 is not of type string"),
        ({k: v for k, v in ORDER.items() if k != "CustomerId"}, "CustomerId: is missing"),
        ({**ORDER, "CustomerId": ""}, "CustomerId: is empty"),
        ({**ORDER, "CustomerId": "x" * 129}, "CustomerId: is longer than 128"),
        ({**ORDER, "FailAtStage": "Lunch"}, 'FailAtStage: "Lunch" is not one of None, PlaceOrder'),
        ({**ORDER, "FailMode": "sometimes"}, "FailMode: "),
        ({**ORDER, "MessageId": "a b"}, "MessageId: "),
        ({**ORDER, "MessageId": "a\n"}, "MessageId: "),
        ({**ORDER, "MessageId": 0}, "MessageId: 0 is not of type string"),
        ({**ORDER, "Quantity": 0}, "Quantity: 0 is less than 1"),
        ({**ORDER, "Quantity": True}, "Quantity: true is not of type integer"),
        ({**ORDER, "Quantity": 1_000_001}, "Quantity: 1000001 is more than"),
        ({**ORDER, "Colour": "red"}, "Colour: unknown"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_bad_input_gets_400_with_what_is_wrong_and_starts_nothing(machine, body, wrong):
    status, answer, _ = post(body)
    assert status == 400
    assert wrong in answer["message"]
    assert "\n" not in answer["message"]
    assert started(machine) == []
