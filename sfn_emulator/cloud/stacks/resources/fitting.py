"""Properties of a template → parameters of an API call, by botocore's model of the call.

CloudFormation's properties mostly have the names of the API's parameters, except for the case of the first letter.
Values differ in texts and numbers, and in the form of tags. So a type's row holds only the exceptions.
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
    """Those of ``properties`` that the operation (``CreateQueue``) takes, in its shape."""
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
    """``value`` in the form of ``shape``. A value that does not fit stays as it is, and the service reports it."""
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
    """The pairs of a mapping or of a list of Key and Value: tags come in both forms."""
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
    """A value as the text that an API takes; a document (policy, pattern) becomes JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)
