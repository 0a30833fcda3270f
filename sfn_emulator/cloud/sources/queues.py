"""A queue's feed: batches of messages, deleted when they are dealt with, visible again when they are not.

A message is deleted only after its delivery, so a failed one comes back when its visibility time is over, and goes to
the dead-letter queue by the queue's own redrive policy. So a kill in between loses nothing.
"""

import base64
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from sfn_emulator.cloud.delivery.sending import Client
from sfn_emulator.cloud.sources.filters import passes
from sfn_emulator.cloud.sources.records import Batching, Deliver, Record

_log: Final = logging.getLogger(__name__)

_MOST_AT_ONCE: Final = 10
"""Messages one ReceiveMessage gives (API_ReceiveMessage)."""
_PAUSE: Final = 0.05


class QueueFeed:
    """``waiting`` says whether the queue has a visible message, without a request that would be written to the
    journal.
    """

    def __init__(
        self, arn: str, batching: Batching, deliver: Deliver, client: Client, waiting: Callable[[str], bool]
    ) -> None:
        _, _, _, self._region, self._account, self._name = arn.split(":", 5)
        self._arn, self._batching, self._deliver, self._waiting = arn, batching, deliver, waiting
        self._client = client
        self._url: str | None = None

    def turn(self, stop: threading.Event) -> bool:
        if not self._waiting(self._arn):
            return False
        queues = self._client("sqs", self._region)
        if self._url is None:
            found = queues.get_queue_url(QueueName=self._name, QueueOwnerAWSAccountId=self._account)
            self._url = found["QueueUrl"]
        messages = self._gathered(queues, stop)
        wanted, others = self._sorted(messages)
        self._delete(queues, others)
        if wanted:
            self._delete(queues, self._done(wanted))
        return bool(messages)

    def _gathered(self, queues: Any, stop: threading.Event) -> list[dict[str, Any]]:
        """A batch of messages; waits for more as long as the batching window says."""
        until = time.monotonic() + self._batching.window
        messages: list[dict[str, Any]] = []
        while len(messages) < self._batching.size:
            asked = min(_MOST_AT_ONCE, self._batching.size - len(messages))
            told = queues.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=asked,
                WaitTimeSeconds=0,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            found = told.get("Messages") or []
            messages += found
            if not found and (time.monotonic() >= until or stop.wait(_PAUSE)):
                break
        return messages

    def _sorted(self, messages: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        wanted: list[dict[str, Any]] = []
        others: list[dict[str, Any]] = []
        for message in messages:
            place = wanted if passes(self._batching.filters, self._record(message).body) else others
            place.append(message)
        return wanted, others

    def _done(self, messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The messages that were dealt with."""
        failed = self._deliver([self._record(message) for message in messages])
        if failed is None:
            return list(messages)
        _log.warning("%d messages of %s could not be delivered: %s", len(messages), self._name, failed.why)
        ids = failed.ids
        return [] if ids is None else [message for message in messages if message["MessageId"] not in ids]

    def _record(self, message: dict[str, Any]) -> Record:
        """The message as functions see it (Lambda, ``with-sqs``)."""
        body = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes") or {},
            "messageAttributes": _attributes(message.get("MessageAttributes") or {}),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": self._region,
        }
        if "MD5OfMessageAttributes" in message:
            body["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
        return Record(message["MessageId"], body)

    def _delete(self, queues: Any, messages: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(messages), _MOST_AT_ONCE):
            part = messages[start : start + _MOST_AT_ONCE]
            entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(part)]
            queues.delete_message_batch(QueueUrl=self._url, Entries=entries)


def _attributes(told: dict[str, Any]) -> dict[str, Any]:
    """Message attributes in Lambda's spelling: first letters in lower case, and empty lists included."""
    return {
        name: {
            **({"stringValue": value["StringValue"]} if "StringValue" in value else {}),
            **({"binaryValue": _base64(value["BinaryValue"])} if "BinaryValue" in value else {}),
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": value["DataType"],
        }
        for name, value in told.items()
    }


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
