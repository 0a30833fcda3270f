"""Step Functions: state machines, activities, versions and aliases."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from sfn_emulator.asl.text.source import DEPTH_LIMIT
from sfn_emulator.asl.text.yaml_source import YamlError, scan_yaml
from sfn_emulator.cloud.stacks.errors import ResourceError
from sfn_emulator.cloud.stacks.resources.fitting import parameters, text
from sfn_emulator.cloud.stacks.resources.kind import (
    PHYSICAL,
    CallError,
    Hands,
    Kind,
    Made,
    Properties,
    Standing,
    deleting,
)
from sfn_emulator.cloud.stacks.resources.services.deployments import watch
from sfn_emulator.cloud.stacks.resources.tagging import listed, retag

_SFN: Final = "stepfunctions"
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]+)\}")
_DELETED_WITHIN: Final = 600
"""Checks, a tenth of a second apart, whether a machine with running executions is gone."""


def _definition(hands: Hands, properties: Properties) -> str:
    """The definition's JSON text with its substitutions. Raises ``ResourceError``."""
    given = [name for name in _DEFINITIONS if name in properties]
    if len(given) != 1:
        raise ResourceError(
            "Properties validation failed: exactly one of DefinitionString, Definition and DefinitionS3Location "
            "is needed."
        )
    values = {str(name): text(value) for name, value in (properties.get("DefinitionSubstitutions") or {}).items()}

    def filled(told: str) -> str:
        return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), told)

    if given == ["DefinitionS3Location"]:
        return _as_json(filled(_from_s3(hands, properties[given[0]])), properties[given[0]])
    return filled(text(properties[given[0]]))


_DEFINITIONS: Final = ("DefinitionString", "Definition", "DefinitionS3Location")


def _from_s3(hands: Hands, location: Mapping[str, Any]) -> str:
    named = {"Bucket": location["Bucket"], "Key": location["Key"]}
    if location.get("Version"):
        named["VersionId"] = location["Version"]
    content: bytes = hands.call("s3", "GetObject", **named)["Body"].read()
    return content.decode()


def _as_json(told: str, location: Mapping[str, Any]) -> str:
    """The definition as JSON; its source may be YAML. Substitutions are filled in before it is read."""
    if told.lstrip().startswith("{"):
        return told
    try:
        return orjson.dumps(scan_yaml(told, DEPTH_LIMIT).value).decode()
    except (YamlError, TypeError) as error:
        raise ResourceError(
            f"The definition at s3://{location['Bucket']}/{location['Key']} is no JSON and no YAML: {error}"
        ) from None


def _create_machine(hands: Hands, properties: Properties) -> Made:
    name = properties.get("StateMachineName") or hands.name(80, stack=False)
    arn = hands.arn("states", f"stateMachine:{name}")
    hands.claim(arn, lambda: hands.call(_SFN, "DescribeStateMachine", stateMachineArn=arn))
    told = hands.send(
        _SFN,
        "CreateStateMachine",
        properties,
        name=name,
        definition=_definition(hands, properties),
        type=properties.get("StateMachineType", "STANDARD"),
    )
    return _machine(hands, told["stateMachineArn"], name)


def _machine(hands: Hands, arn: str, name: str) -> Made:
    told = hands.call(_SFN, "DescribeStateMachine", stateMachineArn=arn)
    return Made(arn, {"Arn": arn, "Name": name, "StateMachineRevisionId": told.get("revisionId") or "INITIAL"})


def _update_machine(hands: Hands, standing: Standing, properties: Properties) -> Made:
    hands.call(
        _SFN,
        "UpdateStateMachine",
        stateMachineArn=standing.physical,
        **{
            "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
            "tracingConfiguration": {"enabled": False},
            **parameters(_SFN, "UpdateStateMachine", properties),
            "definition": _definition(hands, properties),
        },
    )
    _retag(hands, standing, properties)
    return _machine(hands, standing.physical, str(standing.attributes["Name"]))


def _retag(hands: Hands, standing: Standing, properties: Properties) -> None:
    arn = standing.physical
    retag(
        standing.properties,
        properties,
        lambda tags: hands.send(_SFN, "TagResource", {"Tags": listed(tags)}, resourceArn=arn),
        lambda keys: hands.call(_SFN, "UntagResource", resourceArn=arn, tagKeys=keys),
    )


def _delete_machine(hands: Hands, standing: Standing) -> None:
    hands.call(_SFN, "DeleteStateMachine", stateMachineArn=standing.physical)
    for _ in range(_DELETED_WITHIN):
        try:
            hands.call(_SFN, "DescribeStateMachine", stateMachineArn=standing.physical)
        except CallError:
            return
        hands.world.pause(0.1)


def _create_activity(hands: Hands, properties: Properties) -> Made:
    arn = hands.arn("states", f"activity:{properties['Name']}")
    hands.claim(arn, lambda: hands.call(_SFN, "DescribeActivity", activityArn=arn))
    hands.send(_SFN, "CreateActivity", properties)
    return Made(arn, {"Arn": arn, "Name": properties["Name"]})


def _update_activity(hands: Hands, standing: Standing, properties: Properties) -> Made:
    _retag(hands, standing, properties)
    return Made(standing.physical, standing.attributes)


def _publish(hands: Hands, properties: Properties) -> Made:
    more = {"description": properties["Description"]} if "Description" in properties else {}
    revision = properties.get("StateMachineRevisionId")
    if revision:
        more["revisionId"] = revision
    told = hands.call(_SFN, "PublishStateMachineVersion", stateMachineArn=properties["StateMachineArn"], **more)
    arn = told["stateMachineVersionArn"]
    return Made(arn, {"Arn": arn})


def _routes(properties: Properties) -> list[dict[str, Any]]:
    preference = properties.get("DeploymentPreference")
    if preference:
        return [{"stateMachineVersionArn": preference["StateMachineVersionArn"], "weight": 100}]
    told = properties.get("RoutingConfiguration") or []
    return [{"stateMachineVersionArn": row["StateMachineVersionArn"], "weight": row["Weight"]} for row in told]


def _create_alias(hands: Hands, properties: Properties) -> Made:
    routes = _routes(properties)
    if not routes:
        raise ResourceError("Properties validation failed: RoutingConfiguration or DeploymentPreference is needed.")
    name = properties.get("Name") or hands.name(80, stack=False)
    arn = f"{routes[0]['stateMachineVersionArn'].rpartition(':')[0]}:{name}"
    hands.claim(arn, lambda: hands.call(_SFN, "DescribeStateMachineAlias", stateMachineAliasArn=arn))
    hands.send(_SFN, "CreateStateMachineAlias", properties, name=name, routingConfiguration=routes)
    return Made(arn, {"Arn": arn})


def _update_alias(hands: Hands, standing: Standing, properties: Properties) -> Made:
    """A ``DeploymentPreference`` shifts the traffic in steps of Interval minutes, until an alarm goes off."""
    preference = properties.get("DeploymentPreference") or {}
    more = {"description": properties.get("Description", "")}
    old = hands.call(_SFN, "DescribeStateMachineAlias", stateMachineAliasArn=standing.physical)["routingConfiguration"]
    new = _routes(properties)
    for share in _steps(preference, old, new):
        both = [
            {"stateMachineVersionArn": new[0]["stateMachineVersionArn"], "weight": share},
            {"stateMachineVersionArn": old[0]["stateMachineVersionArn"], "weight": 100 - share},
        ]
        hands.call(
            _SFN, "UpdateStateMachineAlias", stateMachineAliasArn=standing.physical, routingConfiguration=both, **more
        )
        hands.world.pause(60.0 * float(preference.get("Interval", 1)))
        watch(hands, [str(name) for name in preference.get("Alarms") or []])
    hands.call(
        _SFN, "UpdateStateMachineAlias", stateMachineAliasArn=standing.physical, routingConfiguration=new, **more
    )
    return Made(standing.physical, standing.attributes)


def _steps(preference: Mapping[str, Any], old: list[Any], new: list[Any]) -> list[int]:
    """The new version's shares before it gets all the traffic (Step Functions, "Deploying state machines using
    aliases").
    """
    share = int(preference.get("Percentage", 0))
    if not share or old[0]["stateMachineVersionArn"] == new[0]["stateMachineVersionArn"]:
        return []
    return {"CANARY": [share], "LINEAR": list(range(share, 100, share))}.get(preference.get("Type", ""), [])


KINDS: Final = (
    Kind(
        "AWS::StepFunctions::StateMachine", _create_machine, _update_machine, _delete_machine, named="StateMachineName"
    ),
    Kind(
        "AWS::StepFunctions::Activity",
        _create_activity,
        _update_activity,
        deleting(_SFN, "DeleteActivity", activityArn=PHYSICAL),
        frozenset({"Name"}),
        named="Name",
    ),
    Kind(
        "AWS::StepFunctions::StateMachineVersion",
        _publish,
        None,
        deleting(_SFN, "DeleteStateMachineVersion", stateMachineVersionArn=PHYSICAL),
    ),
    Kind(
        "AWS::StepFunctions::StateMachineAlias",
        _create_alias,
        _update_alias,
        deleting(_SFN, "DeleteStateMachineAlias", stateMachineAliasArn=PHYSICAL),
        named="Name",
    ),
)
