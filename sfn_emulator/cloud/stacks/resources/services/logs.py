"""CloudWatch Logs: groups, streams, filters, resource policies."""

from typing import Final

from sfn_emulator.cloud.stacks.resources.kind import (
    PHYSICAL,
    Create,
    Hands,
    Kind,
    Made,
    Properties,
    Standing,
    deleting,
    updating,
)
from sfn_emulator.cloud.stacks.resources.tagging import retag, tags_of

_LOGS: Final = "logs"
_RETENTION: Final = "RetentionInDays"


def _create(hands: Hands, properties: Properties) -> Made:
    name = properties.get("LogGroupName") or hands.name(512)
    tags = {"tags": tags_of(properties)} if properties.get("Tags") else {}
    told = {key: value for key, value in properties.items() if key != "Tags"}
    hands.send(_LOGS, "CreateLogGroup", told, logGroupName=name, **tags)
    hands.noted(name)
    if _RETENTION in properties:
        hands.call(_LOGS, "PutRetentionPolicy", logGroupName=name, retentionInDays=properties[_RETENTION])
    return Made(name, {"Arn": hands.arn("logs", f"log-group:{name}:*"), "LogGroupName": name})


def _update(hands: Hands, standing: Standing, properties: Properties) -> Made:
    name, arn = standing.physical, str(standing.attributes["Arn"]).removesuffix(":*")
    if _RETENTION in properties:
        hands.call(_LOGS, "PutRetentionPolicy", logGroupName=name, retentionInDays=properties[_RETENTION])
    elif _RETENTION in standing.properties:
        hands.call(_LOGS, "DeleteRetentionPolicy", logGroupName=name)
    retag(
        standing.properties,
        properties,
        lambda tags: hands.call(_LOGS, "TagResource", resourceArn=arn, tags=tags),
        lambda keys: hands.call(_LOGS, "UntagResource", resourceArn=arn, tagKeys=list(keys)),
    )
    return Made(name, standing.attributes)


def _create_stream(hands: Hands, properties: Properties) -> Made:
    name = properties.get("LogStreamName") or hands.name(512)
    hands.call(_LOGS, "CreateLogStream", logGroupName=properties["LogGroupName"], logStreamName=name)
    return Made(name)


def _create_filter(operation: str) -> Create:
    def create(hands: Hands, properties: Properties) -> Made:
        name = properties.get("FilterName") or hands.name(512)
        hands.send(_LOGS, operation, properties, filterName=name)
        return Made(name)

    return create


def _create_policy(hands: Hands, properties: Properties) -> Made:
    hands.send(_LOGS, "PutResourcePolicy", properties)
    return Made(properties["PolicyName"])


KINDS: Final = (
    Kind(
        "AWS::Logs::LogGroup",
        _create,
        _update,
        deleting(_LOGS, "DeleteLogGroup", logGroupName=PHYSICAL),
        named="LogGroupName",
    ),
    Kind(
        "AWS::Logs::LogStream",
        _create_stream,
        None,
        deleting(_LOGS, "DeleteLogStream", logGroupName="LogGroupName", logStreamName=PHYSICAL),
    ),
    Kind(
        "AWS::Logs::SubscriptionFilter",
        _create_filter("PutSubscriptionFilter"),
        updating(_LOGS, "PutSubscriptionFilter", filterName=PHYSICAL),
        deleting(_LOGS, "DeleteSubscriptionFilter", logGroupName="LogGroupName", filterName=PHYSICAL),
    ),
    Kind(
        "AWS::Logs::MetricFilter",
        _create_filter("PutMetricFilter"),
        updating(_LOGS, "PutMetricFilter", filterName=PHYSICAL),
        deleting(_LOGS, "DeleteMetricFilter", logGroupName="LogGroupName", filterName=PHYSICAL),
    ),
    Kind(
        "AWS::Logs::ResourcePolicy",
        _create_policy,
        updating(_LOGS, "PutResourcePolicy"),
        deleting(_LOGS, "DeleteResourcePolicy", policyName=PHYSICAL),
    ),
)
