"""SNS: topics, their policies and subscriptions."""

from typing import Any, Final

from sfn_emulator.cloud.stacks.resources.fitting import text
from sfn_emulator.cloud.stacks.resources.kind import PHYSICAL, Hands, Kind, Made, Properties, Standing, deleting
from sfn_emulator.cloud.stacks.resources.tagging import listed, retag

_SNS: Final = "sns"
_TOPIC_ATTRIBUTES: Final = (
    "DisplayName",
    "KmsMasterKeyId",
    "ContentBasedDeduplication",
    "SignatureVersion",
    "TracingConfig",
    "ArchivePolicy",
    "DataProtectionPolicy",
)
_SUBSCRIPTION_ATTRIBUTES: Final = (
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "SubscriptionRoleArn",
)


def _create(hands: Hands, properties: Properties) -> Made:
    fifo = ".fifo" if properties.get("FifoTopic") else ""
    name = properties.get("TopicName") or hands.name(256, suffix=fifo)
    arn = hands.arn("sns", name)
    hands.claim(arn, lambda: hands.call(_SNS, "GetTopicAttributes", TopicArn=arn))
    told = {key: text(properties[key]) for key in _TOPIC_ATTRIBUTES if key in properties}
    if fifo:
        told["FifoTopic"] = "true"
    hands.call(_SNS, "CreateTopic", Name=name, Attributes=told, Tags=list(properties.get("Tags") or ()))
    _subscribe_all(hands, arn, {}, properties)
    return Made(arn, {"TopicArn": arn, "TopicName": name})


def _subscribe_all(hands: Hands, topic: str, before: Properties, after: Properties) -> None:
    old = before.get("Subscription") or []
    for row in after.get("Subscription") or []:
        if row not in old:
            hands.call(_SNS, "Subscribe", TopicArn=topic, Protocol=row["Protocol"], Endpoint=row["Endpoint"])


def _update(hands: Hands, standing: Standing, properties: Properties) -> Made:
    arn, before = standing.physical, standing.properties
    for key in _TOPIC_ATTRIBUTES:
        if before.get(key) != properties.get(key):
            value = text(properties.get(key, ""))
            hands.call(_SNS, "SetTopicAttributes", TopicArn=arn, AttributeName=key, AttributeValue=value)
    _subscribe_all(hands, arn, before, properties)
    retag(
        before,
        properties,
        lambda tags: hands.call(_SNS, "TagResource", ResourceArn=arn, Tags=listed(tags)),
        lambda keys: hands.call(_SNS, "UntagResource", ResourceArn=arn, TagKeys=list(keys)),
    )
    return Made(arn, standing.attributes)


def _delete(hands: Hands, standing: Standing) -> None:
    told = hands.call(_SNS, "ListSubscriptionsByTopic", TopicArn=standing.physical)["Subscriptions"]
    for row in told:
        if row["SubscriptionArn"].startswith("arn:"):
            hands.call(_SNS, "Unsubscribe", SubscriptionArn=row["SubscriptionArn"])
    hands.call(_SNS, "DeleteTopic", TopicArn=standing.physical)


def _subscribe(hands: Hands, properties: Properties) -> Made:
    attributes = {key: text(properties[key]) for key in _SUBSCRIPTION_ATTRIBUTES if key in properties}
    told = hands.send(_SNS, "Subscribe", properties, Attributes=attributes, ReturnSubscriptionArn=True)
    return Made(told["SubscriptionArn"], {"Arn": told["SubscriptionArn"]})


def _update_subscription(hands: Hands, standing: Standing, properties: Properties) -> Made:
    empty: dict[str, Any] = {
        "FilterPolicy": "{}",
        "RawMessageDelivery": "false",
        "FilterPolicyScope": "MessageAttributes",
    }
    for key in _SUBSCRIPTION_ATTRIBUTES:
        if standing.properties.get(key) != properties.get(key):
            value = text(properties.get(key, empty.get(key, "")))
            hands.call(
                _SNS,
                "SetSubscriptionAttributes",
                SubscriptionArn=standing.physical,
                AttributeName=key,
                AttributeValue=value,
            )
    return Made(standing.physical, standing.attributes)


def _put_policy(hands: Hands, properties: Properties) -> Made:
    for arn in properties["Topics"]:
        document = text(properties["PolicyDocument"])
        hands.call(_SNS, "SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=document)
    name = hands.name(128)
    return Made(name, {"Id": name})


def _update_policy(hands: Hands, standing: Standing, properties: Properties) -> Made:
    _put_policy(hands, properties)
    return Made(standing.physical, standing.attributes)


KINDS: Final = (
    Kind("AWS::SNS::Topic", _create, _update, _delete, frozenset({"TopicName"}), named="TopicName"),
    Kind(
        "AWS::SNS::Subscription",
        _subscribe,
        _update_subscription,
        deleting(_SNS, "Unsubscribe", SubscriptionArn=PHYSICAL),
    ),
    Kind("AWS::SNS::TopicPolicy", _put_policy, _update_policy),
)
