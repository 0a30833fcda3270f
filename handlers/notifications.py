"""Tells the customer. A notification has no compensation: what was read cannot be unread."""

import json
import os
from functools import cache
from typing import Any

import boto3

from handlers.saga import Order, step


@cache
def sns() -> Any:
    return boto3.client("sns")


@step("SendNotification", "NOTIFICATION_SENT")
def send(order: Order) -> dict[str, Any]:
    """Publishes to the topic, at least once; receivers drop duplicates by the attribute OrderId."""
    sent = sns().publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Subject=f"Order {order.id} is paid"[:100],
        Message=json.dumps({"OrderId": order.id, "ItemId": order.item, "Quantity": order.quantity}),
        MessageAttributes={"OrderId": {"DataType": "String", "StringValue": order.id}},
    )
    return {"MessageId": sent["MessageId"]}
