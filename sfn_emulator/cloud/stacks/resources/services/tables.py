"""DynamoDB: tables, and the replica of a global table in this region."""

from collections.abc import Mapping
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import ResourceError
from sfn_emulator.cloud.stacks.resources.kind import PHYSICAL, Hands, Kind, Made, Properties, Standing, deleting
from sfn_emulator.cloud.stacks.resources.tagging import listed, retag

_DYNAMODB: Final = "dynamodb"
_INDEXES: Final = "GlobalSecondaryIndexes"
_NO_STREAM: Final = {"StreamEnabled": False}


def _parameters(properties: Properties) -> dict[str, Any]:
    """Parameters that CreateTable names differently."""
    told = dict(properties)
    if "SSESpecification" in told:
        sse = told["SSESpecification"]
        told["SSESpecification"] = {**sse, "Enabled": sse.get("SSEEnabled", True)}
    if "StreamSpecification" in told:
        told["StreamSpecification"] = {"StreamEnabled": True, **_view(told["StreamSpecification"])}
    return told


def _view(stream: Mapping[str, Any]) -> dict[str, Any]:
    return {"StreamViewType": stream["StreamViewType"]}


def _create(hands: Hands, properties: Properties) -> Made:
    name = properties.get("TableName") or hands.name(255)
    hands.claim(name, lambda: hands.call(_DYNAMODB, "DescribeTable", TableName=name))
    hands.send(_DYNAMODB, "CreateTable", _parameters(properties), TableName=name)
    _settings(hands, name, {}, properties)
    return _made(hands, name)


def _made(hands: Hands, name: str) -> Made:
    told = hands.call(_DYNAMODB, "DescribeTable", TableName=name)["Table"]
    stream = {"StreamArn": told["LatestStreamArn"]} if told.get("LatestStreamArn") else {}
    return Made(name, {"Arn": told["TableArn"], "TableId": told.get("TableId", ""), **stream})


def _settings(hands: Hands, name: str, before: Properties, after: Properties) -> None:
    """Sets the properties that have operations of their own."""
    life = "TimeToLiveSpecification"
    if before.get(life) != after.get(life):
        off = {"AttributeName": (before.get(life) or {}).get("AttributeName", ""), "Enabled": False}
        hands.send(_DYNAMODB, "UpdateTimeToLive", {life: after.get(life) or off}, TableName=name)
    recovery = "PointInTimeRecoverySpecification"
    if before.get(recovery) != after.get(recovery):
        told = after.get(recovery) or {"PointInTimeRecoveryEnabled": False}
        hands.send(_DYNAMODB, "UpdateContinuousBackups", {recovery: told}, TableName=name)
    kinesis = "KinesisStreamSpecification"
    if before.get(kinesis) != after.get(kinesis):
        if kinesis in before:
            hands.call(
                _DYNAMODB, "DisableKinesisStreamingDestination", TableName=name, StreamArn=before[kinesis]["StreamArn"]
            )
        if kinesis in after:
            hands.call(
                _DYNAMODB, "EnableKinesisStreamingDestination", TableName=name, StreamArn=after[kinesis]["StreamArn"]
            )


def _update(hands: Hands, standing: Standing, properties: Properties) -> Made:
    name, before = standing.physical, standing.properties
    changed = {
        key: properties[key]
        for key in ("BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled", "TableClass")
        if key in properties and properties[key] != before.get(key)
    }
    if before.get("DeletionProtectionEnabled") and "DeletionProtectionEnabled" not in properties:
        changed["DeletionProtectionEnabled"] = False
    if changed:
        hands.send(_DYNAMODB, "UpdateTable", changed, TableName=name)
    _update_stream(hands, name, before, properties)
    _update_indexes(hands, name, before, properties)
    _settings(hands, name, before, properties)
    arn = str(standing.attributes["Arn"])
    retag(
        before,
        properties,
        lambda tags: hands.call(_DYNAMODB, "TagResource", ResourceArn=arn, Tags=listed(tags)),
        lambda keys: hands.call(_DYNAMODB, "UntagResource", ResourceArn=arn, TagKeys=list(keys)),
    )
    return _made(hands, name)


def _update_stream(hands: Hands, name: str, before: Properties, after: Properties) -> None:
    old, new = before.get("StreamSpecification"), after.get("StreamSpecification")
    if old == new:
        return
    if old:
        hands.call(_DYNAMODB, "UpdateTable", TableName=name, StreamSpecification=_NO_STREAM)
    if new:
        hands.call(_DYNAMODB, "UpdateTable", TableName=name, StreamSpecification={"StreamEnabled": True, **_view(new)})


def _update_indexes(hands: Hands, name: str, before: Properties, after: Properties) -> None:
    """Updates indexes, one per call. A changed index is removed and made again."""
    old, new = ({row["IndexName"]: row for row in told.get(_INDEXES) or ()} for told in (before, after))
    gone = [{"Delete": {"IndexName": index}} for index, row in old.items() if new.get(index) != row]
    made = [{"Create": row} for index, row in new.items() if old.get(index) != row]
    for change in [*gone, *made]:
        told = {"AttributeDefinitions": after["AttributeDefinitions"], "GlobalSecondaryIndexUpdates": [change]}
        hands.send(_DYNAMODB, "UpdateTable", told, TableName=name)


def _as_table(hands: Hands, properties: Properties) -> dict[str, Any]:
    """A global table's settings with those of its one replica. Raises ``ResourceError`` for a replica elsewhere."""
    replicas = properties.get("Replicas") or []
    elsewhere = [row["Region"] for row in replicas if row["Region"] != hands.region]
    if elsewhere:
        raise ResourceError(
            f"Replicas in other regions are not made here: {', '.join(elsewhere)}. Keep the one in {hands.region}."
        )
    own = replicas[0] if replicas else {}
    shared = (
        "PointInTimeRecoverySpecification",
        "DeletionProtectionEnabled",
        "TableClass",
        "Tags",
        "KinesisStreamSpecification",
    )
    return {
        **{key: value for key, value in properties.items() if key != "Replicas"},
        "BillingMode": properties.get("BillingMode", "PAY_PER_REQUEST"),
        **{key: own[key] for key in shared if key in own},
    }


def _create_global(hands: Hands, properties: Properties) -> Made:
    return _create(hands, _as_table(hands, properties))


def _update_global(hands: Hands, standing: Standing, properties: Properties) -> Made:
    before = _as_table(hands, standing.properties)
    whole = Standing(standing.logical, standing.type, standing.physical, before, standing.attributes)
    return _update(hands, whole, _as_table(hands, properties))


_DELETE: Final = deleting(_DYNAMODB, "DeleteTable", TableName=PHYSICAL)

KINDS: Final = (
    Kind("AWS::DynamoDB::Table", _create, _update, _DELETE, named="TableName"),
    Kind("AWS::DynamoDB::GlobalTable", _create_global, _update_global, _DELETE, named="TableName"),
)
