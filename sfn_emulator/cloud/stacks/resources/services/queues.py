"""SQS: queues and their policies."""

from typing import Any, Final

from sfn_emulator.cloud.stacks.resources.fitting import text
from sfn_emulator.cloud.stacks.resources.kind import PHYSICAL, Hands, Kind, Made, Properties, Standing, deleting
from sfn_emulator.cloud.stacks.resources.tagging import retag, tags_of

_SQS: Final = "sqs"
_DEFAULTS: Final = {
    "DelaySeconds": 0,
    "MaximumMessageSize": 262_144,
    "MessageRetentionPeriod": 345_600,
    "ReceiveMessageWaitTimeSeconds": 0,
    "VisibilityTimeout": 30,
    "RedrivePolicy": "",
    "RedriveAllowPolicy": "",
    "KmsMasterKeyId": "",
    "ContentBasedDeduplication": False,
}
_NO_ATTRIBUTES: Final = ("QueueName", "Tags")


def _attributes(properties: Properties) -> dict[str, str]:
    return {name: text(value) for name, value in properties.items() if name not in _NO_ATTRIBUTES}


def _create(hands: Hands, properties: Properties) -> Made:
    fifo = ".fifo" if properties.get("FifoQueue") else ""
    name = properties.get("QueueName") or hands.name(80, suffix=fifo)
    url = f"{hands.world.endpoint()}/{hands.world.account}/{name}"
    hands.claim(url, lambda: hands.call(_SQS, "GetQueueUrl", QueueName=name))
    attributes = {
        key: value for key, value in _attributes(properties).items() if (key, value) != ("FifoQueue", "false")
    }
    tags: dict[str, Any] = {"tags": tags_of(properties)} if properties.get("Tags") else {}
    told = hands.call(_SQS, "CreateQueue", QueueName=name, Attributes=attributes, **tags)
    return Made(told["QueueUrl"], {"Arn": hands.arn("sqs", name), "QueueName": name, "QueueUrl": told["QueueUrl"]})


def _update(hands: Hands, standing: Standing, properties: Properties) -> Made:
    gone = {name: value for name, value in _DEFAULTS.items() if name in standing.properties}
    told = _attributes({**gone, **properties})
    told.pop("FifoQueue", None)
    hands.call(_SQS, "SetQueueAttributes", QueueUrl=standing.physical, Attributes=told)
    retag(
        standing.properties,
        properties,
        lambda tags: hands.call(_SQS, "TagQueue", QueueUrl=standing.physical, Tags=tags),
        lambda keys: hands.call(_SQS, "UntagQueue", QueueUrl=standing.physical, TagKeys=list(keys)),
    )
    return Made(standing.physical, standing.attributes)


def _put_policy(hands: Hands, properties: Properties) -> Made:
    for url in properties["Queues"]:
        hands.call(_SQS, "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": text(properties["PolicyDocument"])})
    name = hands.name(128)
    return Made(name, {"Id": name})


def _update_policy(hands: Hands, standing: Standing, properties: Properties) -> Made:
    _drop_policy(hands, standing)
    _put_policy(hands, properties)
    return Made(standing.physical, standing.attributes)


def _drop_policy(hands: Hands, standing: Standing) -> None:
    for url in standing.properties["Queues"]:
        hands.call(_SQS, "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})


KINDS: Final = (
    Kind(
        "AWS::SQS::Queue",
        _create,
        _update,
        deleting(_SQS, "DeleteQueue", QueueUrl=PHYSICAL),
        frozenset({"QueueName"}),
        named="QueueName",
    ),
    Kind("AWS::SQS::QueuePolicy", _put_policy, _update_policy, _drop_policy),
)
