"""AWS's query protocol, the server's side, by botocore's own model: form → parameters, results and errors → XML."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from sfn_emulator.cloud.requests.message import Reply, Request
from sfn_emulator.cloud.stacks.errors import StackError

_NAMESPACE: Final = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
_HEADERS: Final = [("content-type", "text/xml")]
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Form = dict[str, str]


@cache
def model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("cloudformation", "service-2"), "cloudformation")


def form_of(request: Request) -> Form:
    """The request's fields, of its body or its query."""
    text = request.body.decode("utf-8", "replace") or request.query
    return dict(parse_qsl(text, keep_blank_values=True))


def parameters(operation: OperationModel, form: Form) -> dict[str, Any]:
    """The fields as parameters in the model's shape. Raises ``StackError`` for a missing member, or one that is no
    number.
    """
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}
    told = _structure(shape, form, "")
    for name in shape.required_members:
        if name not in told:
            raise StackError(
                f"1 validation error detected: Value null at '{_camel(name)}' failed to satisfy constraint: "
                "Member must not be null"
            )
    return told


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def _structure(shape: StructureShape, form: Form, prefix: str) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        key = f"{prefix}{member.serialization.get('name', name)}"
        value = _value(member, form, key)
        if value is not None:
            found[name] = value
    return found


def _value(shape: Shape, form: Form, key: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, form, f"{key}.") or None
    if isinstance(shape, ListShape):
        return _listed(shape, form, key)
    if isinstance(shape, MapShape):
        return _mapped(shape, form, key)
    text = form.get(key)
    return None if text is None else _scalar(shape.type_name, text, key)


def _listed(shape: ListShape, form: Form, key: str) -> list[Any] | None:
    items: list[Any] = []
    while (item := _value(shape.member, form, f"{key}.member.{len(items) + 1}")) is not None:
        items.append(item)
    return items if items or form.get(key) == "" else None


def _mapped(shape: MapShape, form: Form, key: str) -> dict[str, Any] | None:
    made: dict[str, Any] = {}
    number = 1
    while (name := form.get(f"{key}.entry.{number}.key")) is not None:
        made[name] = _value(shape.value, form, f"{key}.entry.{number}.value")
        number += 1
    return made or None


def _scalar(kind: str, text: str, key: str) -> Any:
    if kind == "boolean":
        return text.lower() == "true"
    if kind in ("integer", "long"):
        try:
            return int(text)
        except ValueError:
            raise StackError(f"1 validation error detected: Value '{text}' at '{_camel(key)}' is no number") from None
    return text


def answer(operation: OperationModel, result: Mapping[str, Any], request_id: str) -> Reply:
    """The answer as XML. Members that the model does not know are left out."""
    name, shape = operation.name, operation.output_shape
    inner = "" if not isinstance(shape, StructureShape) else _element(f"{name}Result", _members(shape, result))
    metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
    return Reply(200, _HEADERS, f'<{name}Response xmlns="{_NAMESPACE}">{inner}{metadata}</{name}Response>'.encode())


def refusal(error: StackError, request_id: str) -> Reply:
    """An error as CloudFormation writes it."""
    told = f"<Type>Sender</Type><Code>{_text(error.code)}</Code><Message>{_text(error.message)}</Message>"
    body = (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error>{told}</Error><RequestId>{request_id}</RequestId></ErrorResponse>'
    )
    return Reply(error.status, _HEADERS, body.encode())


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


def _members(shape: StructureShape, value: Mapping[str, Any]) -> str:
    return "".join(
        _element(member.serialization.get("name", name), _written(member, value[name]))
        for name, member in shape.members.items()
        if value.get(name) is not None
    )


def _written(shape: Shape, value: Any) -> str:
    if isinstance(shape, StructureShape):
        return _members(shape, value)
    if isinstance(shape, ListShape):
        return "".join(_element("member", _written(shape.member, item)) for item in value)
    if isinstance(shape, MapShape):
        rows = (
            _element("key", _text(key)) + _element("value", _written(shape.value, inner))
            for key, inner in value.items()
        )
        return "".join(_element("entry", row) for row in rows)
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value)


def _text(value: Any) -> str:
    return escape(_NOT_XML.sub("�", str(value)))
