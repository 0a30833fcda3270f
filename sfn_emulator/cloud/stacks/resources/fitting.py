"""Properties of a template → parameters of an API call, by botocore's model of the call.

CloudFormation names most properties as the API names its parameters, but for the case of the first letter; values
differ in what is a text, what a number, and in how tags are written. So a type's row only tells what is otherwise.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import orjson
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

_LOADER: Final = Loader()


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(_LOADER.load_service_model(service, "service-2"), service)


@cache
def _inputs(service: str, operation: str) -> StructureShape | None:
    shape = _model(service).operation_model(operation).input_shape
    return shape if isinstance(shape, StructureShape) else None


def parameters(service: str, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """What of ``properties`` the operation (``CreateQueue``) takes, in its shape."""
    shape = _inputs(service, operation)
    return {} if shape is None else _structure(properties, shape)


def _structure(value: Mapping[str, Any], shape: StructureShape) -> dict[str, Any]:
    names = {name.lower(): name for name in shape.members}
    made = {}
    for key, inner in value.items():
        name = key if key in shape.members else names.get(key.lower())
        if name is not None and inner is not None:
            made[name] = fitted(inner, shape.members[name])
    return made


def fitted(value: Any, shape: Shape) -> Any:
    """``value`` as ``shape`` wants it; what can't be made so stays, and the service says what is wrong with it."""
    if isinstance(shape, StructureShape):
        return _structure(value, shape) if isinstance(value, Mapping) else value
    if isinstance(shape, ListShape):
        items = value if isinstance(value, list) else [value]
        return [fitted(item, shape.member) for item in items]
    if isinstance(shape, MapShape):
        pairs = _pairs(value)
        return {str(key): fitted(inner, shape.value) for key, inner in pairs.items()}
    return _scalar(value, shape.type_name)


def _pairs(value: Any) -> Mapping[str, Any]:
    """A mapping, or a list of Key and Value, as tags are written."""
    return {item["Key"]: item["Value"] for item in value} if isinstance(value, list) else value


def _scalar(value: Any, kind: str) -> Any:
    if kind == "string":
        return text(value)
    if kind in ("integer", "long"):
        return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value
    if kind in ("float", "double"):
        return float(value) if isinstance(value, str | int) and not isinstance(value, bool) else value
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    return value.encode() if kind == "blob" and isinstance(value, str) else value


def text(value: Any) -> str:
    """A value as the text an API wants: documents (policies, patterns) as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)
