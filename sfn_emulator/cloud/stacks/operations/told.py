"""Records in the form of the API's answers."""

from typing import Any

import orjson

from sfn_emulator.cloud.stacks.deploying.surroundings import ssm_lookup, template_of
from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.records import Event, Resource, Stack, Version
from sfn_emulator.cloud.stacks.resources.kind import World
from sfn_emulator.cloud.stacks.template.parameters import resolved_texts, shown

Told = dict[str, Any]


def tags(version: Version) -> list[Told]:
    return [{"Key": key, "Value": value} for key, value in version.tags.items()]


def parameters(version: Version, world: World, region: str) -> list[Told]:
    """The parameters of a version as DescribeStacks tells them; NoEcho ones are hidden."""
    declared = template_of(version).parameters if version.source else {}
    try:
        resolved = resolved_texts(declared, version.texts, ssm_lookup(world, region))
    except StackError:
        resolved = {}
    return [
        {
            "ParameterKey": name,
            "ParameterValue": shown(declared.get(name, {}), text),
            **({"ResolvedValue": resolved[name]} if name in resolved else {}),
        }
        for name, text in version.texts.items()
    ]


def stack(row: Stack, world: World) -> Told:
    version = row.version
    return {
        "StackId": row.id,
        "StackName": row.name,
        "ChangeSetId": row.change_set,
        "Description": version.source.get("Description"),
        "Parameters": parameters(version, world, row.region),
        "CreationTime": row.created,
        "DeletionTime": row.deleted,
        "LastUpdatedTime": row.updated,
        "StackStatus": row.status,
        "StackStatusReason": row.reason,
        "DisableRollback": row.on_failure == "DO_NOTHING",
        "NotificationARNs": list(version.topics),
        "TimeoutInMinutes": row.timeout,
        "Capabilities": list(version.capabilities),
        "Outputs": [_output(output) for output in row.outputs],
        "RoleARN": version.role,
        "Tags": tags(version),
        "EnableTerminationProtection": row.protected,
        "ParentId": row.parent,
        "RootId": row.root,
        "DriftInformation": {"StackDriftStatus": row.drift},
    }


def _output(row: Any) -> Told:
    return {"OutputKey": row.key, "OutputValue": row.value, "Description": row.description, "ExportName": row.export}


def summary(row: Stack) -> Told:
    return {
        "StackId": row.id,
        "StackName": row.name,
        "TemplateDescription": row.version.source.get("Description"),
        "CreationTime": row.created,
        "LastUpdatedTime": row.updated,
        "DeletionTime": row.deleted,
        "StackStatus": row.status,
        "StackStatusReason": row.reason,
        "ParentId": row.parent,
        "RootId": row.root,
        "DriftInformation": {"StackDriftStatus": row.drift},
    }


def resource(row: Resource, owner: Stack) -> Told:
    return {**_common(row), "StackName": owner.name, "StackId": owner.id, "Timestamp": row.updated}


def resource_detail(row: Resource, owner: Stack) -> Told:
    metadata = None if row.metadata is None else orjson.dumps(row.metadata).decode()
    return {
        **_common(row),
        "StackName": owner.name,
        "StackId": owner.id,
        "LastUpdatedTimestamp": row.updated,
        "Metadata": metadata,
    }


def resource_summary(row: Resource) -> Told:
    return {**_common(row), "LastUpdatedTimestamp": row.updated}


def _common(row: Resource) -> Told:
    return {
        "LogicalResourceId": row.logical,
        "PhysicalResourceId": row.physical or None,
        "ResourceType": row.type,
        "ResourceStatus": row.status,
        "ResourceStatusReason": row.reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def event(row: Event, owner: Stack) -> Told:
    return {
        "StackId": owner.id,
        "EventId": row.id,
        "StackName": owner.name,
        "LogicalResourceId": row.logical,
        "PhysicalResourceId": row.physical,
        "ResourceType": row.type,
        "Timestamp": row.at,
        "ResourceStatus": row.status,
        "ResourceStatusReason": row.reason,
        "ResourceProperties": row.properties,
        "ClientRequestToken": row.token,
    }
