"""SNS: errors for missing topics, FIFO topics, and the form of deliveries.

A notification is signed with version 1 (SHA1) unless the topic asks for 2 (`Verifying the signatures of Amazon SNS
messages`). A function gets the message that was published (`Using Lambda with Amazon SNS`). A FIFO topic gives every
message a number, and delivers none twice within five minutes (`Message deduplication for FIFO topics`).
"""

import base64
import hashlib
import importlib
from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.keeping.moment import is_new
from sfn_emulator.values import dumps

Method = Callable[..., Any]

_REMEMBERED: Final = 300.0
"""Seconds for which a FIFO topic treats a repeated deduplication id as the same message."""
_FIRST_NUMBER: Final = 10_000_000_000_000_000_000
_SIGNED: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


def correct() -> None:
    models = importlib.import_module("moto.sns.models")
    responses = importlib.import_module("moto.sns.responses").SNSResponse
    replace(models.SNSBackend, "get_endpoint", _no_topic)
    replace(models.SNSBackend, "publish", _worded)
    replace(models.SNSBackend, "publish_batch", _numbered_batch)
    replace(models.Topic, "publish", _once)
    replace(models.Subscription, "publish", _to_functions)
    replace(models.Subscription, "get_post_data", _signed)
    replace(responses, "publish", _numbered)


def _no_topic(inner: Method) -> Method:
    not_found = importlib.import_module("moto.sns.exceptions").TopicNotFound

    def get_endpoint(self: Any, arn: str) -> Any:
        if ":endpoint/" not in arn:
            raise not_found
        return inner(self, arn)

    return get_endpoint


# -- FIFO topics


def _worded(inner: Method) -> Method:
    invalid = importlib.import_module("moto.sns.exceptions").InvalidParameterValue

    def publish(self: Any, message: str, arn: str | None, *args: Any, **named: Any) -> Any:
        if not is_new():
            return inner(self, message, arn, *args, **named)
        if arn is None and named.get("phone_number") is None:
            raise invalid("Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter")
        if not message:
            raise invalid("Invalid parameter: Empty message")
        parts = len((arn or "").split(":"))
        if arn is not None and parts < 6:
            raise invalid(f"Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not {parts}")
        topic = self.topics.get(arn)
        if topic is not None and topic.fifo_topic:
            if not named.get("group_id"):
                raise invalid("Invalid parameter: The MessageGroupId parameter is required for FIFO topics")
            if not named.get("deduplication_id") and not topic.content_based_deduplication:
                text = (
                    "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided"
                )
                raise invalid(f"Invalid parameter: {text} explicitly")
        return inner(self, message, arn, *args, **named)

    return publish


def _once(inner: Method) -> Method:
    """``topic.numbers``: message id → sequence number; ``topic.told``: deduplication id → when, and which message."""
    clock = importlib.import_module("moto.core.utils").unix_time

    def publish(self: Any, message: str, *args: Any, **named: Any) -> str:
        if not self.fifo_topic:
            return str(inner(self, message, *args, **named))
        told, numbers = self.__dict__.setdefault("told", {}), self.__dict__.setdefault("numbers", {})
        key = named.get("deduplication_id") or hashlib.sha256(message.encode()).hexdigest()
        at, before = told.get(key, (0.0, ""))
        if before and clock() - at < _REMEMBERED:
            return str(before)
        message_id = str(inner(self, message, *args, **named))
        told[key] = (clock(), message_id)
        numbers[message_id] = _FIRST_NUMBER + len(numbers)
        return message_id

    return publish


def _number(topic: Any, message_id: str) -> dict[str, str]:
    number = getattr(topic, "numbers", {}).get(message_id)
    return {} if number is None else {"SequenceNumber": f"{number:020d}"}


def _numbered(inner: Method) -> Method:
    result = importlib.import_module("moto.core.responses").ActionResult

    def publish(self: Any) -> Any:
        answer = inner(self)
        topic = self.backend.topics.get(self._get_param("TopicArn") or self._get_param("TargetArn"))
        return result({**answer.result, **_number(topic, answer.result["MessageId"])})

    return publish


def _numbered_batch(inner: Method) -> Method:
    def publish_batch(self: Any, topic_arn: str, *args: Any, **named: Any) -> Any:
        successful, failed = inner(self, topic_arn, *args, **named)
        topic = self.topics.get(topic_arn)
        return [{**row, **_number(topic, row["MessageId"])} for row in successful], failed

    return publish_batch


# -- deliveries


def _to_functions(inner: Method) -> Method:
    def publish(self: Any, message: str, message_id: str, **named: Any) -> None:
        if self.protocol != "lambda":
            inner(self, message, message_id, **named)
        elif _wants(self, message, named):
            _invoke(self, _event(self, message, message_id, named))

    return publish


def _wants(subscription: Any, message: str, named: dict[str, Any]) -> bool:
    matcher = subscription._filter_policy_matcher
    return matcher is None or bool(matcher.matches(named.get("message_attributes"), message))


def _event(subscription: Any, message: str, message_id: str, named: dict[str, Any]) -> dict[str, Any]:
    """The event of one notification. A function's event spells ``Url`` where other deliveries spell ``URL``."""
    if named.get("message_structure") == "json":
        message = subscription._parse_message_structure(message, "lambda")
    attributes = named.get("message_attributes") or {}
    told = subscription.get_post_data(message, message_id, named.get("subject"), message_attributes=attributes)
    told = {name.replace("URL", "Url"): value for name, value in told.items()}
    told = {"Subject": None, "MessageAttributes": {}, **told}
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription.arn, "Sns": told}
    return {"Records": [record]}


def _invoke(subscription: Any, event: dict[str, Any]) -> None:
    _, _, _, region, _, _, name, *qualifier = subscription.endpoint.split(":")
    backend = importlib.import_module("moto.awslambda.utils").get_backend(subscription.account_id, region)
    find = backend._lambdas.get_function_by_name_or_arn_with_qualifier
    find(name, qualifier[0] if qualifier else None).invoke(dumps(event), {}, {})


def _signed(inner: Method) -> Method:
    hashes = importlib.import_module("cryptography.hazmat.primitives.hashes")
    padding = importlib.import_module("cryptography.hazmat.primitives.asymmetric.padding")

    def get_post_data(self: Any, *args: Any, **named: Any) -> dict[str, Any]:
        told: dict[str, Any] = inner(self, *args, **named)
        version = str(getattr(self.topic, "signature_version", "1"))
        text = "".join(f"{name}\n{told[name]}\n" for name in _SIGNED if name in told)
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
        signature = self.private_key().sign(text.encode(), padding.PKCS1v15(), algorithm)
        region = self.topic.sns_backend.region_name
        leaving = f"https://sns.{region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={self.arn}"
        signed = {"SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}
        return {**told, **signed, "UnsubscribeURL": leaving}

    return get_post_data
