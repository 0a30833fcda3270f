"""Sends a text to the resource that an ARN names: a queue, topic, function, bus, state machine, log group or bucket."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from sfn_emulator.cloud.keeping.chance import new_id

Client: TypeAlias = Callable[[str, str], Any]
"""(service, region) → a boto3 client that is answered in this process."""


_ANY_REGION: Final = "us-east-1"
"""A bucket's ARN names no region."""


class UnsendableError(Exception):
    """Nothing can be sent to an ARN of this kind here; the text says so."""


def send(client: Client, arn: str, text: str, attributes: Mapping[str, str] | None = None) -> None:
    """Sends the text; ``attributes`` go with it where the service has attributes. Raises ``UnsendableError``, and the
    client's own errors.
    """
    _, _, service, region, account, name = arn.split(":", 5)
    how = _WAYS.get(service)
    if how is None:
        raise UnsendableError(f"Nothing is sent to {service} here.")
    how(client, Place(arn, region, account, name), text, attributes or {})


class Place:
    """An ARN taken apart."""

    __slots__ = ("account", "arn", "name", "region")

    def __init__(self, arn: str, region: str, account: str, name: str) -> None:
        self.arn, self.region, self.account, self.name = arn, region, account, name


def _queue(client: Client, place: Place, text: str, attributes: Mapping[str, str]) -> None:
    queues = client("sqs", place.region)
    url = queues.get_queue_url(QueueName=place.name, QueueOwnerAWSAccountId=place.account)["QueueUrl"]
    fifo = {"MessageGroupId": attributes.get("MessageGroupId", "default")} if place.name.endswith(".fifo") else {}
    queues.send_message(QueueUrl=url, MessageBody=text, MessageAttributes=_typed(attributes), **fifo)


def _topic(client: Client, place: Place, text: str, attributes: Mapping[str, str]) -> None:
    client("sns", place.region).publish(TopicArn=place.arn, Message=text, MessageAttributes=_typed(attributes))


def _function(client: Client, place: Place, text: str, attributes: Mapping[str, str]) -> None:
    client("lambda", place.region).invoke(FunctionName=place.arn, InvocationType="Event", Payload=text.encode())


def _machine(client: Client, place: Place, text: str, attributes: Mapping[str, str]) -> None:
    client("stepfunctions", place.region).start_execution(stateMachineArn=place.arn, input=text)


def _bus(client: Client, place: Place, text: str, attributes: Mapping[str, str]) -> None:
    """Puts on a bus: an event as it is, or the record of an asynchronous invocation in the form that Lambda uses."""
    told = json.loads(text)
    if "detail-type" in told:
        entry = {
            "Source": told["source"],
            "DetailType": told["detail-type"],
            "Resources": told.get("resources") or [],
            "Detail": json.dumps(told.get("detail") or {}),
            "EventBusName": place.name.partition("/")[2],
        }
        client("events", place.region).put_events(Entries=[entry])
        return
    kind = "Success" if attributes.get("well") == "True" else "Failure"
    entry = {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {kind}",
        "Resources": [place.arn, told["requestContext"]["functionArn"]],
        "Detail": text,
        "EventBusName": place.name.partition("/")[2],
    }
    client("events", place.region).put_events(Entries=[entry])


def _logs(client: Client, place: Place, text: str, attributes: Mapping[str, str]) -> None:
    logs, group = client("logs", place.region), place.name.removeprefix("log-group:").removesuffix(":*")
    stream = attributes.get("stream", "events")
    names = {"logGroupName": group, "logStreamName": stream}
    if not logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]:
        logs.create_log_stream(**names)
    logs.put_log_events(**names, logEvents=[{"timestamp": time.time_ns() // 1_000_000, "message": text}])


def _bucket(client: Client, place: Place, text: str, attributes: Mapping[str, str]) -> None:
    """Puts an object, named by its time, into the folder that the attributes name (Lambda, ``invocation-async``)."""
    at = datetime.now(UTC)  # noqa: TID251 - objects have the machine's time
    key = f"{attributes['folder']}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{new_id()}"
    buckets = client("s3", place.region or _ANY_REGION)
    buckets.put_object(Bucket=place.name, Key=key, Body=text.encode(), ContentType="application/json")


def _typed(attributes: Mapping[str, str]) -> dict[str, Any]:
    known = {
        name: value for name, value in attributes.items() if name[0].isupper() and name != "MessageGroupId" and value
    }
    return {name: {"DataType": "String", "StringValue": value} for name, value in known.items()}


_WAYS: Final[dict[str, Callable[[Client, Place, str, Mapping[str, str]], None]]] = {
    "sqs": _queue,
    "sns": _topic,
    "lambda": _function,
    "states": _machine,
    "events": _bus,
    "logs": _logs,
    "s3": _bucket,
}
