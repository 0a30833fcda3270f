"""CloudFormation's own resource schemas: a type's properties, those whose change replaces, and its attributes.

``schemas.json`` holds the schemas AWS publishes for its types, without prose, patterns and formats (taken from
cfn-lint, MIT-0). A template may write a number as a text; ``fitted`` gives it the schema's type.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

from sfn_emulator.cloud.stacks.errors import ResourceError

_PREFIX: Final = "/properties/"
_CONDITIONAL: Final = {
    "AWS::DynamoDB::Table": ("/properties/KeySchema",),
    "AWS::DynamoDB::GlobalTable": ("/properties/KeySchema",),
}
"""Properties that always replace in the cases supported here, where the schema says "sometimes"."""
_EDITED: Final = {
    "AWS::DynamoDB::Table": ("AttributeDefinitions", "AttributeName"),
    "AWS::DynamoDB::GlobalTable": ("AttributeDefinitions", "AttributeName"),
}
"""Lists in which an edited row replaces the resource and a new or removed row does not, with the member that names a
row. Source: CloudFormation's reference; the schemas are silent.
"""


@cache
def _schemas() -> Mapping[str, Any]:
    return dict(orjson.loads(files(__package__).joinpath("schemas.json").read_bytes()))


@cache
def _validator(kind: str) -> Any:
    from jsonschema import Draft7Validator  # its import takes a sixth of the start, and only stacks need it

    return Draft7Validator(_schemas()[kind])


def is_described(kind: str) -> bool:
    return kind in _schemas()


def checked(kind: str, logical: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties as the schema has them. Raises ``ResourceError`` with every fault, in AWS's words."""
    if not is_described(kind):
        return dict(properties)
    made = fitted(kind, properties)
    faults = [told for error in _validator(kind).iter_errors(made) for told in _told(error)]
    faults += [f"#: extraneous key [{name}] is not permitted" for name in _read_only(kind) if name in made]
    if faults:
        raise ResourceError(f"Properties validation failed for resource {logical} with message:\n" + "\n".join(faults))
    return dict(made)


def fitted(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties with the schema's types, as far as their values allow."""
    schema = _schemas().get(kind, {})
    return dict(_fitted(dict(properties), schema, schema))


def replacing(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of the changed properties for which a resource is made anew."""
    schema = _schemas().get(kind, {})
    pointers = [*schema.get("createOnlyProperties", []), *_CONDITIONAL.get(kind, ())]
    paths = [pointer.removeprefix(_PREFIX).split("/") for pointer in pointers]
    changed = {path[0] for path in paths if _at(before, path) != _at(after, path)}
    rows, key = _EDITED.get(kind, ("", ""))
    return sorted(changed | ({rows} if _is_edited(before.get(rows), after.get(rows), key) else set()))


def _is_edited(before: Any, after: Any, key: str) -> bool:
    rows = {row[key]: row for row in before or ()}
    return any(rows.get(row[key], row) != row for row in after or ())


def attributes(kind: str) -> frozenset[str]:
    """The attributes that ``Fn::GetAtt`` may read of a type, dotted."""
    pointers = _schemas()[kind].get("readOnlyProperties", []) if is_described(kind) else []
    return frozenset(pointer.removeprefix(_PREFIX).replace("/", ".") for pointer in pointers)


def property_names(kind: str) -> frozenset[str]:
    return frozenset(_schemas()[kind]["properties"]) if is_described(kind) else frozenset()


def identifiers(kind: str) -> list[str]:
    """The properties by which Cloud Control names a resource."""
    pointers = _schemas()[kind].get("primaryIdentifier", []) if is_described(kind) else []
    return [pointer.removeprefix(_PREFIX) for pointer in pointers]


def _read_only(kind: str) -> Iterator[str]:
    settable = _schemas()[kind].get("required", [])
    return (name for name in attributes(kind) if "." not in name and name not in settable and name not in _SETTABLE)


_SETTABLE: Final = frozenset({"Id", "StreamArn"})
"""Read-only properties that are accepted in a template, because old templates set them."""


def _at(value: Any, path: list[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _told(error: Any) -> Iterator[str]:
    where = "#" + "".join(f"/{part}" for part in error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known: Any = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        extra = [name for name in error.instance if name not in known and not _is_patterned(name, error.schema)]
        yield from (f"{where}: extraneous key [{name}] is not permitted" for name in extra)
    elif error.validator == "required":
        wanted: Any = error.validator_value
        held: Any = error.instance
        missing = [name for name in wanted if name not in held]
        yield from (f"{where}: required key [{name}] not found" for name in missing[:1])
    elif error.validator == "enum":
        yield f"{where}: {error.instance} is not a valid enum value"
    elif error.validator == "type":
        yield f"{where}: expected type: {error.validator_value}, found: {_type_name(error.instance)}"
    else:
        yield f"{where}: failed validation constraint for keyword [{error.validator}]"


def _is_patterned(name: str, schema: Any) -> bool:
    return any(re.search(pattern, name) for pattern in schema.get("patternProperties", {}))


def _type_name(value: Any) -> str:
    names = {bool: "Boolean", int: "Integer", float: "Double", str: "String", list: "JSONArray", dict: "JSONObject"}
    return names.get(type(value), "Null")


def _fitted(value: Any, schema: Any, root: Any) -> Any:
    """``value`` with texts turned into numbers and booleans, or these into texts, where the schema wants that."""
    while isinstance(schema, dict) and "$ref" in schema:
        schema = _pointed(schema["$ref"], root)
    if not isinstance(schema, dict):
        return value
    if isinstance(value, dict):
        known = schema.get("properties", {})
        other: Any = next(iter(schema.get("patternProperties", {}).values()), {})
        return {key: _fitted(inner, known.get(key, other), root) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fitted(item, schema.get("items", {}), root) for item in value]
    kind = schema.get("type")
    return _SCALARS[kind](value) if isinstance(kind, str) and kind in _SCALARS else value


def _pointed(reference: str, root: Any) -> Any:
    for part in reference.lstrip("#/").split("/"):
        root = root.get(part, {})
    return root


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _whole(value: Any) -> Any:
    try:
        return int(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _number(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _boolean(value: Any) -> Any:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


_SCALARS: Final = {"string": _text, "integer": _whole, "number": _number, "boolean": _boolean}
