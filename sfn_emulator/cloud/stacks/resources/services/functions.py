"""Lambda: functions with their code, versions, aliases, layers, permissions, mappings, URLs."""

import io
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

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
from sfn_emulator.cloud.stacks.resources.services.deployments import shifts
from sfn_emulator.cloud.stacks.resources.tagging import retag

_LAMBDA: Final = "lambda"
_DEFAULTS: Final[Mapping[str, Any]] = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "Environment": {"Variables": {}},
    "Layers": [],
}
"""The values that properties get when a template no longer has them."""
_CODE: Final = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri")


def _code(properties: Properties) -> dict[str, Any]:
    """The parameter Code; source text within the template becomes a bundle, with AWS's response module beside it."""
    told = {name: value for name, value in (properties.get("Code") or {}).items() if name in _CODE}
    if "ZipFile" in told:
        told["ZipFile"] = bundle(str(told["ZipFile"]), str(properties.get("Runtime", "")))
    return told


def bundle(source: str, runtime: str) -> bytes:
    """A zip of ``index`` in the runtime's language (Lambda, "cfn-response module")."""
    content = io.BytesIO()
    main, module, text = (
        ("index.js", "node_modules/cfn-response/index.js", "cfn-response.js")
        if runtime.startswith("nodejs")
        else ("index.py", "cfnresponse.py", "cfnresponse.py")
    )
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in ((main, source), (module, _response_module(text))):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), held)
    return content.getvalue()


def _response_module(name: str) -> str:
    return files(__package__).joinpath("responding", name + ".txt").read_text()


def _create(hands: Hands, properties: Properties) -> Made:
    name = properties.get("FunctionName") or hands.name(64)
    hands.claim(name, lambda: hands.call(_LAMBDA, "GetFunctionConfiguration", FunctionName=name))
    told = hands.send(_LAMBDA, "CreateFunction", properties, FunctionName=name, Code=_code(properties))
    _reserve(hands, name, {}, properties)
    return Made(name, {"Arn": told["FunctionArn"]})


def _reserve(hands: Hands, name: str, before: Properties, after: Properties) -> None:
    key = "ReservedConcurrentExecutions"
    if after.get(key) is not None and after.get(key) != before.get(key):
        hands.call(_LAMBDA, "PutFunctionConcurrency", FunctionName=name, **{key: after[key]})
    elif key in before and key not in after:
        hands.call(_LAMBDA, "DeleteFunctionConcurrency", FunctionName=name)


def _update(hands: Hands, standing: Standing, properties: Properties) -> Made:
    name, before = standing.physical, standing.properties
    if before.get("Code") != properties.get("Code") or before.get("Architectures") != properties.get("Architectures"):
        hands.send(
            _LAMBDA,
            "UpdateFunctionCode",
            {**_code(properties), "Architectures": properties.get("Architectures")},
            FunctionName=name,
        )
    told = {**{key: value for key, value in _DEFAULTS.items() if key in before}, **properties}
    hands.send(_LAMBDA, "UpdateFunctionConfiguration", told, FunctionName=name)
    _reserve(hands, name, before, properties)
    arn = str(standing.attributes["Arn"])
    retag(
        before,
        properties,
        lambda tags: hands.call(_LAMBDA, "TagResource", Resource=arn, Tags=tags),
        lambda keys: hands.call(_LAMBDA, "UntagResource", Resource=arn, TagKeys=keys),
    )
    return Made(name, standing.attributes)


def _publish(hands: Hands, properties: Properties) -> Made:
    told = hands.send(
        _LAMBDA, "PublishVersion", {k: v for k, v in properties.items() if k in ("FunctionName", "Description")}
    )
    arn = str(told["FunctionArn"])
    if arn.rpartition(":")[2] != told["Version"]:
        arn += f":{told['Version']}"
    return Made(arn, {"Version": told["Version"], "FunctionArn": arn})


def _delete_version(hands: Hands, standing: Standing) -> None:
    function, _, version = standing.physical.rpartition(":")
    hands.call(_LAMBDA, "DeleteFunction", FunctionName=function.rpartition(":")[2], Qualifier=version)


def _routing(properties: Properties) -> dict[str, Any]:
    weights = (properties.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or []
    return {"AdditionalVersionWeights": {str(row["FunctionVersion"]): row["FunctionWeight"] for row in weights}}


def _create_alias(hands: Hands, properties: Properties) -> Made:
    more = {"RoutingConfig": _routing(properties)} if "RoutingConfig" in properties else {}
    named = {"FunctionName": properties["FunctionName"], "Name": properties["Name"]}
    told = hands.send(
        _LAMBDA, "CreateAlias", {k: v for k, v in properties.items() if k != "RoutingConfig"}, **named, **more
    )
    return Made(told["AliasArn"], {"AliasArn": told["AliasArn"]})


def _update_alias(hands: Hands, standing: Standing, properties: Properties) -> Made:
    """Changes an alias. With an UpdatePolicy the traffic shifts to the new version as the deployment group says."""
    told = {key: value for key, value in properties.items() if key != "RoutingConfig"}
    named = {"FunctionName": properties["FunctionName"], "Name": properties["Name"]}
    old = hands.call(_LAMBDA, "GetAlias", **named)["FunctionVersion"]
    new = str(properties["FunctionVersion"])
    if old != new:
        for weight in shifts(hands):
            hands.call(_LAMBDA, "UpdateAlias", **named, RoutingConfig={"AdditionalVersionWeights": {new: weight}})
    hands.send(_LAMBDA, "UpdateAlias", told, RoutingConfig=_routing(properties))
    return Made(standing.physical, standing.attributes)


def _delete_alias(hands: Hands, standing: Standing) -> None:
    function, _, name = standing.physical.rpartition(":")
    hands.call(_LAMBDA, "DeleteAlias", FunctionName=function, Name=name)


def _qualified(name: str) -> dict[str, str]:
    """A function's name, and the qualifier that its ARN may end in."""
    parts = name.split(":")
    if name.startswith("arn:") and len(parts) == 8:
        return {"FunctionName": ":".join(parts[:7]), "Qualifier": parts[7]}
    return {"FunctionName": parts[0], "Qualifier": parts[1]} if len(parts) == 2 else {"FunctionName": name}


def _permit(hands: Hands, properties: Properties) -> Made:
    name = hands.name(100)
    hands.noted(name)
    hands.send(_LAMBDA, "AddPermission", properties, StatementId=name, **_qualified(properties["FunctionName"]))
    return Made(name, {"Id": name})


def _forbid(hands: Hands, standing: Standing) -> None:
    hands.call(
        _LAMBDA, "RemovePermission", StatementId=standing.physical, **_qualified(standing.properties["FunctionName"])
    )


def _publish_layer(hands: Hands, properties: Properties) -> Made:
    name = properties.get("LayerName") or hands.name(140)
    told = hands.send(_LAMBDA, "PublishLayerVersion", properties, LayerName=name)
    return Made(told["LayerVersionArn"], {"LayerVersionArn": told["LayerVersionArn"]})


def _delete_layer(hands: Hands, standing: Standing) -> None:
    layer, _, version = standing.physical.rpartition(":")
    hands.call(_LAMBDA, "DeleteLayerVersion", LayerName=layer.rpartition(":")[2], VersionNumber=int(version))


def _map(hands: Hands, properties: Properties) -> Made:
    told = hands.send(_LAMBDA, "CreateEventSourceMapping", properties)
    arn = told.get("EventSourceMappingArn") or hands.arn("lambda", f"event-source-mapping:{told['UUID']}")
    return Made(told["UUID"], {"Id": told["UUID"], "EventSourceMappingArn": arn})


def _create_url(hands: Hands, properties: Properties) -> Made:
    told = hands.send(_LAMBDA, "CreateFunctionUrlConfig", properties, FunctionName=properties["TargetFunctionArn"])
    arn = str(told["FunctionArn"])
    return Made(arn, {"FunctionArn": arn, "FunctionUrl": told["FunctionUrl"]})


def _configure(hands: Hands, properties: Properties) -> Made:
    hands.send(_LAMBDA, "PutFunctionEventInvokeConfig", properties)
    return Made(f"{properties['FunctionName']}|{properties['Qualifier']}")


KINDS: Final = (
    Kind(
        "AWS::Lambda::Function",
        _create,
        _update,
        deleting(_LAMBDA, "DeleteFunction", FunctionName=PHYSICAL),
        named="FunctionName",
    ),
    Kind("AWS::Lambda::Version", _publish, None, _delete_version),
    Kind("AWS::Lambda::Alias", _create_alias, _update_alias, _delete_alias, named="Name"),
    Kind("AWS::Lambda::Permission", _permit, None, _forbid),
    Kind("AWS::Lambda::LayerVersion", _publish_layer, None, _delete_layer),
    Kind(
        "AWS::Lambda::EventSourceMapping",
        _map,
        updating(_LAMBDA, "UpdateEventSourceMapping", UUID=PHYSICAL),
        deleting(_LAMBDA, "DeleteEventSourceMapping", UUID=PHYSICAL),
    ),
    Kind(
        "AWS::Lambda::Url",
        _create_url,
        updating(_LAMBDA, "UpdateFunctionUrlConfig", FunctionName="TargetFunctionArn"),
        deleting(_LAMBDA, "DeleteFunctionUrlConfig", FunctionName="TargetFunctionArn", Qualifier="Qualifier"),
    ),
    Kind(
        "AWS::Lambda::EventInvokeConfig",
        _configure,
        updating(_LAMBDA, "PutFunctionEventInvokeConfig"),
        deleting(_LAMBDA, "DeleteFunctionEventInvokeConfig", FunctionName="FunctionName", Qualifier="Qualifier"),
    ),
)
