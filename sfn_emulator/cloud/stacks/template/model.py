"""A template's declarations, read once: parameters, conditions, resources with their policies, outputs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import StackError

_SECTIONS: Final = frozenset(
    (
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Globals",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    )
)
_ATTRIBUTES: Final = frozenset(
    (
        "Type",
        "Properties",
        "DependsOn",
        "Condition",
        "DeletionPolicy",
        "UpdateReplacePolicy",
        "Metadata",
        "CreationPolicy",
        "UpdatePolicy",
    )
)
_POLICIES: Final = {
    "DeletionPolicy": ("Delete", "Retain", "Snapshot", "RetainExceptOnCreate"),
    "UpdateReplacePolicy": ("Delete", "Retain", "Snapshot"),
}
WAIT_CONDITION: Final = "AWS::CloudFormation::WaitCondition"
_FORMAT: Final = "2010-09-09"
_LONGEST_DESCRIPTION: Final = 1024
_LOGICAL: Final = re.compile(r"[A-Za-z0-9]{1,255}")
RESOURCE_LIMIT: Final = 500


@dataclass(frozen=True, slots=True)
class Declared:
    """A resource as it is written; ``deletion`` and ``replacement`` are policies, or functions whose value is one."""

    logical: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    deletion: Any = "Delete"
    replacement: Any = "Delete"
    metadata: Any = None
    creation_policy: Any = None
    update_policy: Any = None


@dataclass(frozen=True, slots=True)
class Output:
    name: str
    value: Any
    description: Any = None
    export: Any = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """Missing sections are empty. ``source`` is the whole template as plain values."""

    source: Mapping[str, Any]
    description: str | None
    parameters: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    rules: Mapping[str, Any]
    resources: Mapping[str, Declared]
    outputs: Mapping[str, Output]


def transforms(source: Mapping[str, Any]) -> tuple[str, ...]:
    """The macros that get the whole template, in their order."""
    told = source.get("Transform") or []
    listed = told if isinstance(told, list) else [told]
    return tuple(str(item.get("Name")) if isinstance(item, dict) else str(item) for item in listed)


def read(source: Mapping[str, Any]) -> Template:
    """The template of plain values, after its macros. Raises ``StackError`` in AWS's words where it has any."""
    if unknown := sorted(set(source) - _SECTIONS):
        raise StackError(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = source.get("AWSTemplateFormatVersion", _FORMAT)
    if version != _FORMAT:
        raise StackError(f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion.")
    resources = _section(source, "Resources")
    if not resources:
        raise StackError("Template format error: At least one Resources member must be defined.")
    if len(resources) > RESOURCE_LIMIT:
        raise StackError(
            f"Template format error: Number of resources, {len(resources)}, is greater than maximum allowed, "
            f"{RESOURCE_LIMIT}"
        )
    description = source.get("Description")
    if description is not None and not isinstance(description, str):
        raise StackError("Template format error: every Description member must be a string.")
    if description is not None and len(description.encode()) > _LONGEST_DESCRIPTION:
        raise StackError(f"Template format error: 'Description' length is greater than {_LONGEST_DESCRIPTION}.")
    template = Template(
        source,
        description,
        {name: _declaration(name, told) for name, told in _section(source, "Parameters").items()},
        _section(source, "Mappings"),
        _section(source, "Conditions"),
        _section(source, "Rules"),
        {logical: _resource(logical, told) for logical, told in resources.items()},
        {name: _output(name, told) for name, told in _section(source, "Outputs").items()},
    )
    _check_conditions(template)
    return template


def _section(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    told = source.get(name)
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise StackError(f"Template format error: {name} must be an object of key/value pairs.")
    return told


def _declaration(name: str, told: Any) -> Mapping[str, Any]:
    if not isinstance(told, dict) or "Type" not in told:
        raise StackError(
            f"Template format error: Every Parameters object must contain a Type member. [{name}] has none."
        )
    if isinstance(told.get("Default"), dict | list):
        raise StackError(f"Template format error: Every Default member must be a string. [{name}] has another.")
    return told


def _resource(logical: str, told: Any) -> Declared:
    if not _LOGICAL.fullmatch(logical):
        raise StackError(f"Template format error: Resource name {logical} is non alphanumeric.")
    if not isinstance(told, dict):
        raise StackError(f"Template format error: [/Resources/{logical}] resource definition is malformed")
    if not isinstance(told.get("Type"), str):
        raise StackError(
            f"Template format error: [/Resources/{logical}] Every Resources object must contain a Type member."
        )
    if unknown := sorted(set(told) - _ATTRIBUTES):
        raise StackError(f"Invalid template resource property '{unknown[0]}' of resource {logical}")
    properties = told.get("Properties")
    if properties is not None and not isinstance(properties, dict):
        raise StackError(f"Template format error: [/Resources/{logical}/Properties] must be an object.")
    depends = told.get("DependsOn") or []
    if not all(isinstance(name, str) for name in (depends if isinstance(depends, list) else [depends])):
        raise StackError(
            f"Template format error: [/Resources/{logical}] DependsOn must be a string or list of strings."
        )
    if "CreationPolicy" in told and told["Type"] != WAIT_CONDITION:
        raise StackError(
            f"Template error: the CreationPolicy of {logical} is not followed here: only that of a WaitCondition is."
        )
    for name, allowed in _POLICIES.items():
        policy = told.get(name, "Delete")
        if not isinstance(policy, dict) and policy not in allowed:
            raise StackError(f"Template format error: Unrecognized {name} {policy} for resource {logical}")
    deletion = told.get("DeletionPolicy", "Delete")
    return Declared(
        logical,
        told["Type"],
        properties or {},
        tuple(depends) if isinstance(depends, list) else (str(depends),),
        _condition(f"Resources/{logical}", told),
        deletion,
        told.get("UpdateReplacePolicy", "Delete"),
        told.get("Metadata"),
        told.get("CreationPolicy"),
        told.get("UpdatePolicy"),
    )


def _condition(place: str, told: Mapping[str, Any]) -> str | None:
    name = told.get("Condition")
    if name is not None and not isinstance(name, str):
        raise StackError(f"Template format error: [/{place}/Condition] must be the name of a condition.")
    return name


def _output(name: str, told: Any) -> Output:
    if not isinstance(told, dict) or "Value" not in told:
        raise StackError(f"Template format error: Every Outputs member must contain a Value object. [{name}] has none.")
    if told["Value"] is None:
        raise StackError(f"Template format error: [/Outputs/{name}/Value] 'null' values are not allowed in templates")
    export = told.get("Export")
    if export is not None and (not isinstance(export, dict) or "Name" not in export):
        raise StackError(f"Template format error: Output {name} is malformed: Export needs a Name.")
    return Output(
        name, told["Value"], told.get("Description"), export and export["Name"], _condition(f"Outputs/{name}", told)
    )


def _check_conditions(template: Template) -> None:
    used = [row.condition for row in template.resources.values()]
    used += [row.condition for row in template.outputs.values()]
    for condition in used:
        if condition is not None and condition not in template.conditions:
            raise StackError(
                f"Template format error: Unrecognized condition {condition} is referenced. Conditions declares: "
                f"{sorted(template.conditions)}"
            )
