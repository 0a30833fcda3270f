"""EventBridge: rules with their targets, buses, connections, API destinations, archives."""

from collections.abc import Mapping
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import ResourceError
from sfn_emulator.cloud.stacks.resources.kind import (
    PHYSICAL,
    Hands,
    Kind,
    Made,
    Properties,
    Standing,
    deleting,
    updating,
)
from sfn_emulator.cloud.stacks.resources.tagging import listed, retag

_EVENTS: Final = "events"


def _bus(properties: Properties) -> dict[str, str]:
    name = properties.get("EventBusName")
    return {"EventBusName": str(name)} if name else {}


def _create_rule(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Name") or hands.name(64)
    bus = str(properties.get("EventBusName") or "default").rpartition("/")[2]
    reference = name if bus == "default" else f"{bus}|{name}"
    hands.claim(reference, lambda: hands.call(_EVENTS, "DescribeRule", Name=name, **_bus(properties)))
    return _put_rule(hands, name, reference, {}, properties)


def _put_rule(hands: Hands, name: str, physical: str, before: Properties, properties: Properties) -> Made:
    told = {key: value for key, value in properties.items() if key != "Name"}
    arn = hands.send(_EVENTS, "PutRule", told, Name=name)["RuleArn"]
    targets = properties.get("Targets") or []
    if targets:
        done = hands.send(_EVENTS, "PutTargets", {"Targets": targets}, Rule=name, **_bus(properties))
        if done.get("FailedEntryCount"):
            raise ResourceError(f"Targets of rule {name} were refused: {done['FailedEntries']}")
    kept = {target["Id"] for target in targets}
    gone = [target["Id"] for target in before.get("Targets") or [] if target["Id"] not in kept]
    if gone:
        hands.call(_EVENTS, "RemoveTargets", Rule=name, Ids=gone, **_bus(properties))
    return Made(physical, {"Arn": arn, "RuleName": name})


def _update_rule(hands: Hands, standing: Standing, properties: Properties) -> Made:
    name = standing.physical.rpartition("|")[2]
    made = _put_rule(hands, name, standing.physical, standing.properties, properties)
    arn = str(made.attributes["Arn"])
    retag(
        standing.properties,
        properties,
        lambda tags: hands.call(_EVENTS, "TagResource", ResourceARN=arn, Tags=listed(tags)),
        lambda keys: hands.call(_EVENTS, "UntagResource", ResourceARN=arn, TagKeys=list(keys)),
    )
    return made


def _delete_rule(hands: Hands, standing: Standing) -> None:
    name, bus = standing.physical.rpartition("|")[2], _bus(standing.properties)
    told = hands.call(_EVENTS, "ListTargetsByRule", Rule=name, **bus)["Targets"]
    if told:
        hands.call(_EVENTS, "RemoveTargets", Rule=name, Ids=[target["Id"] for target in told], **bus)
    hands.call(_EVENTS, "DeleteRule", Name=name, **bus)


def _create_bus(hands: Hands, properties: Properties) -> Made:
    name = properties["Name"]
    hands.claim(name, lambda: hands.call(_EVENTS, "DescribeEventBus", Name=name))
    arn = hands.send(_EVENTS, "CreateEventBus", properties)["EventBusArn"]
    return Made(name, {"Arn": arn, "Name": name})


def _keep_bus(hands: Hands, standing: Standing, properties: Properties) -> Made:
    return Made(standing.physical, standing.attributes)


def _allow(hands: Hands, properties: Properties) -> Made:
    told = properties
    if "Statement" in properties:
        statement = {**properties["Statement"], "Sid": properties["StatementId"]}
        told = {"Policy": {"Version": "2012-10-17", "Statement": [statement]}, **_bus(properties)}
    hands.send(_EVENTS, "PutPermission", told)
    return Made(str(properties["StatementId"]))


def _create_connection(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Name") or hands.name(64)
    hands.claim(name, lambda: hands.call(_EVENTS, "DescribeConnection", Name=name))
    arn = hands.send(_EVENTS, "CreateConnection", _authorised(properties), Name=name)["ConnectionArn"]
    told = hands.call(_EVENTS, "DescribeConnection", Name=name)
    return Made(name, {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0], "SecretArn": told.get("SecretArn", "")})


def _authorised(properties: Properties) -> Mapping[str, Any]:
    """A connection's parameters. OAuth's have the API's names (``HttpMethod``); only tags are written differently."""
    return {key: value for key, value in properties.items() if key != "Tags"}


def _update_connection(hands: Hands, standing: Standing, properties: Properties) -> Made:
    hands.send(_EVENTS, "UpdateConnection", _authorised(properties), Name=standing.physical)
    return Made(standing.physical, standing.attributes)


def _create_destination(hands: Hands, properties: Properties) -> Made:
    name = properties.get("Name") or hands.name(64)
    hands.claim(name, lambda: hands.call(_EVENTS, "DescribeApiDestination", Name=name))
    arn = hands.send(_EVENTS, "CreateApiDestination", properties, Name=name)["ApiDestinationArn"]
    return Made(name, {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0]})


def _create_archive(hands: Hands, properties: Properties) -> Made:
    name = properties.get("ArchiveName") or hands.name(48)
    told = {**properties, "EventSourceArn": properties["SourceArn"]}
    arn = hands.send(_EVENTS, "CreateArchive", told, ArchiveName=name)["ArchiveArn"]
    return Made(name, {"Arn": arn, "ArchiveName": name})


KINDS: Final = (
    Kind("AWS::Events::Rule", _create_rule, _update_rule, _delete_rule, named="Name"),
    Kind(
        "AWS::Events::EventBus",
        _create_bus,
        _keep_bus,
        deleting(_EVENTS, "DeleteEventBus", Name=PHYSICAL),
        frozenset({"Policy", "Name"}),
        named="Name",
    ),
    Kind(
        "AWS::Events::EventBusPolicy",
        _allow,
        lambda hands, standing, properties: _allow(hands, properties),
        deleting(_EVENTS, "RemovePermission", StatementId=PHYSICAL, EventBusName="EventBusName"),
    ),
    Kind(
        "AWS::Events::Connection",
        _create_connection,
        _update_connection,
        deleting(_EVENTS, "DeleteConnection", Name=PHYSICAL),
        named="Name",
    ),
    Kind(
        "AWS::Events::ApiDestination",
        _create_destination,
        updating(_EVENTS, "UpdateApiDestination", Name=PHYSICAL),
        deleting(_EVENTS, "DeleteApiDestination", Name=PHYSICAL),
        named="Name",
    ),
    Kind(
        "AWS::Events::Archive",
        _create_archive,
        updating(_EVENTS, "UpdateArchive", ArchiveName=PHYSICAL),
        deleting(_EVENTS, "DeleteArchive", ArchiveName=PHYSICAL),
        named="ArchiveName",
    ),
)
