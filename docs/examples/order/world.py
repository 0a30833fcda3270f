"""The world that the example is proved in: its tables, its topic and its state machine, made over the given clients."""

from pathlib import Path

HERE = Path(__file__).parent
TABLES = {"Stock": "Item", "Payments": "Order", "Reservations": "Order", "Repairs": "Order"}


def make(client, definition="order.asl.json"):
    """Gives the state machine's ARN."""
    dynamodb = client("dynamodb")
    for name, key in TABLES.items():
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    dynamodb.put_item(TableName="Stock", Item={"Item": {"S": "soap"}, "InStock": {"N": "5"}})
    client("sns").create_topic(Name="orders")
    return client("stepfunctions").create_state_machine(
        name="order",
        roleArn="arn:aws:iam::123456789012:role/order",
        definition=(HERE / definition).read_text(encoding="utf-8"),
    )["stateMachineArn"]


def make_mended(client):
    return make(client, "mended.asl.json")
