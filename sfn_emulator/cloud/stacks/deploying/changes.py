"""The content of a change set: resources to add, change and remove, the properties that differ, and replacements."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from sfn_emulator.cloud.stacks.deploying.resources import is_replaced
from sfn_emulator.cloud.stacks.deploying.wanted import Blueprint
from sfn_emulator.cloud.stacks.errors import ResourceError
from sfn_emulator.cloud.stacks.records import Resource
from sfn_emulator.cloud.stacks.resources.schema import fitted, replacing
from sfn_emulator.cloud.stacks.resources.table import kind_of
from sfn_emulator.cloud.stacks.template.references import mentioned
from sfn_emulator.cloud.stacks.template.scope import KNOWN_AFTER_APPLY

_ATTRIBUTES: Final = ("deletion", "replacement", "metadata")
_NAMES: Final = {"deletion": "DeletionPolicy", "replacement": "UpdateReplacePolicy", "metadata": "Metadata"}


class _Unknown(dict[str, Any]):
    """Attributes of resources that are still to be made."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return KNOWN_AFTER_APPLY


class Foreseen(Mapping[str, Resource]):
    """The stack's resources as they will be. Of those ``anew`` it is only known that they will exist."""

    def __init__(self, standing: Mapping[str, Resource], anew: set[str]) -> None:
        self._standing, self._anew = standing, anew

    def __getitem__(self, logical: str) -> Resource:
        if logical in self._anew or logical not in self._standing:
            return Resource(logical, "", KNOWN_AFTER_APPLY, attributes=_Unknown())
        return self._standing[logical]

    def __contains__(self, logical: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._standing)

    def __len__(self) -> int:
        return len(self._standing)


def _fitted(kind: str, logical: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties, fitted without a check: a value that is not known yet need not fit."""
    return fitted(kind, properties)


def changes(plan: Blueprint, standing: Mapping[str, Resource], anew: set[str]) -> Iterator[dict[str, Any]]:
    """Each change as a ``ResourceChange``. ``anew`` is filled with the resources that are replaced or added;
    references to them are known only after the change.
    """
    for logical, declared in plan.order.items():
        before = standing.get(logical)
        wanted = plan.resource(declared, _fitted)
        if before is None:
            anew.add(logical)
            yield {**_head("Add", wanted), **_context(None, wanted)}
            continue
        told = _modified(before, wanted, plan, anew)
        if told is not None:
            yield told
    for logical, before in standing.items():
        if logical not in plan.order:
            yield {**_head("Remove", before), "PolicyAction": _policy(before.deletion), **_context(before, None)}


def _policy(policy: str) -> str:
    return {"Retain": "Retain", "RetainExceptOnCreate": "Retain", "Snapshot": "Snapshot"}.get(policy, "Delete")


def _head(action: str, resource: Resource) -> dict[str, Any]:
    return {
        "Action": action,
        "LogicalResourceId": resource.logical,
        "ResourceType": resource.type,
        "Scope": [],
        "Details": [],
        **({"PhysicalResourceId": resource.physical} if resource.physical else {}),
    }


def _modified(before: Resource, wanted: Resource, plan: Blueprint, anew: set[str]) -> dict[str, Any] | None:
    names = [name for name in _names(before, wanted) if before.properties.get(name) != wanted.properties.get(name)]
    other = [name for name in _ATTRIBUTES if getattr(before, name) != getattr(wanted, name)]
    if not names and not other and before.type == wanted.type:
        return None
    kind = kind_of(wanted.type)
    replaced = set(replacing(wanted.type, before.properties, wanted.properties)) & set(names)
    all_of_it = before.type != wanted.type or (bool(names) and kind.update is None)
    anew_now = bool(names) and (all_of_it or is_replaced(kind, before.properties, wanted.properties))
    if anew_now:
        anew.add(wanted.logical)
    sure = all_of_it or any(_is_static(wanted.properties.get(name)) for name in replaced)
    declared = plan.order[wanted.logical]
    details = [
        _detail(
            name,
            before,
            wanted,
            "Always" if all_of_it or name in replaced else "Never",
            declared.properties.get(name),
            plan,
        )
        for name in names
    ]
    details += [_attribute_detail(name) for name in other]
    return {
        **_head("Modify", wanted),
        "PhysicalResourceId": before.physical,
        "Replacement": ("True" if sure else "Conditional") if anew_now else "False",
        "Scope": [*(["Properties"] if names else []), *(_NAMES[name] for name in other)],
        "Details": details,
        **({"PolicyAction": f"ReplaceAnd{_policy(before.replacement)}"} if anew_now else {}),
        **_context(before, wanted),
    }


def _names(before: Resource, wanted: Resource) -> list[str]:
    return sorted({*before.properties, *wanted.properties})


def _is_static(value: Any) -> bool:
    return KNOWN_AFTER_APPLY not in orjson.dumps(value).decode()


def _detail(
    name: str, before: Resource, wanted: Resource, recreation: str, written: Any, plan: Blueprint
) -> dict[str, Any]:
    old, new = before.properties.get(name), wanted.properties.get(name)
    target: dict[str, Any] = {
        "Attribute": "Properties",
        "Name": name,
        "RequiresRecreation": recreation,
        "Path": f"/Properties/{name}",
    }
    if old is not None:
        target["BeforeValue"] = _text(old)
    if new is not None:
        target["AfterValue"] = _text(new)
    target["AttributeChangeType"] = "Add" if old is None else "Remove" if new is None else "Modify"
    static = _is_static(new)
    source: dict[str, Any] = {"ChangeSource": "DirectModification"}
    if not static:
        cause = next((named for named in mentioned(written, plan.scope) if named in plan.order), None)
        source = {"ChangeSource": "ResourceReference", **({"CausingEntity": cause} if cause else {})}
    return {"Target": target, "Evaluation": "Static" if static else "Dynamic", **source}


def _attribute_detail(name: str) -> dict[str, Any]:
    target = {"Attribute": _NAMES[name], "RequiresRecreation": "Never"}
    return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _context(before: Resource | None, after: Resource | None) -> dict[str, Any]:
    """The whole resource before and after, as ``IncludePropertyValues`` asks for."""
    told = {}
    if before is not None:
        told["BeforeContext"] = _contents(before)
    if after is not None:
        told["AfterContext"] = _contents(after)
    return told


def _contents(resource: Resource) -> str:
    told: dict[str, Any] = {"Properties": resource.properties}
    if resource.metadata is not None:
        told["Metadata"] = resource.metadata
    return orjson.dumps(told).decode()


def output_changes(plan: Blueprint, standing: Mapping[str, str]) -> bool:
    """Whether an output is added, changed or removed."""
    try:
        wanted = {output.key: output.value for output in plan.outputs()}
    except ResourceError:
        return True
    return wanted != dict(standing)
