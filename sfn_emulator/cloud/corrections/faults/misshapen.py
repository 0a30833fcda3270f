"""Finds the fault of a request that made moto raise. AWS checks a request's shape before the service sees it; moto does
not.

So a request in another shape than botocore's model of the operation fails somewhere inside moto. Only then is its shape
checked, and the fault is reported in AWS's words: a member of another JSON type is a SerializationException, a missing
one a ValidationException, an S3 body that is no XML MalformedXML.
"""

import re
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import orjson
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from sfn_emulator.cloud.corrections.faults.implied import NO_DOCUMENT, Fault, implied, implied_in_s3
from sfn_emulator.cloud.corrections.faults.replies import FORM, error_reply
from sfn_emulator.cloud.requests.message import Reply, Request, xml_error
from sfn_emulator.cloud.requests.operation import operation

_NAMES: Final = {"monitoring": "cloudwatch", "email": "ses", "states": "stepfunctions"}
"""Signing name → botocore's name of a service, where they differ."""
_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "string": str,
    "blob": str,
    "boolean": bool,
    "list": list,
    "map": dict,
    "structure": dict,
    "timestamp": (int, float, str),
    **dict.fromkeys(("integer", "long", "float", "double"), (int, float)),
}
_WORDS: Final = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}
_KINDS: Final = {"string": "String", "boolean": "Boolean", "integer": "Integer", "long": "Long", "blob": "ByteBuffer"}


def misshapen(service: str, request: Request, error: Exception) -> Reply | None:
    """AWS's refusal of a request that made moto raise ``error``; ``None`` if its shape is right and the error does not
    show that it is the caller's, or if the operation is not known.
    """
    if service == "s3":
        shown = NO_DOCUMENT if _is_no_xml(request) else implied_in_s3(request, error)
        return None if shown is None else xml_error(shown.status, shown.code, shown.message)
    model = _operation(service, request)
    if model is None or not isinstance(model.input_shape, StructureShape):
        return None
    is_form = request.headers.get("content-type", "").startswith(FORM) and "x-amz-target" not in request.headers
    found = _form(model.input_shape, request) if is_form else _body(model.input_shape, request)
    found = found or _meaningless(service, _told(request, is_form)) or implied(model, request, error)
    return None if found is None else error_reply(service, request, found.status, found.code, found.message)


def _is_no_xml(request: Request) -> bool:
    """Whether a body that should be a document is no XML. A query such as ``?cors`` wants a document; without one the
    body is an object's content.
    """
    if request.method not in ("PUT", "POST") or not request.query or "uploadId" in request.query:
        return False
    try:
        ElementTree.fromstring(request.body)
    except ElementTree.ParseError:
        return True
    return False


# -- which operation


@cache
def _model(name: str) -> ServiceModel | None:
    try:
        return ServiceModel(Loader().load_service_model(name, "service-2"), name)
    except UnknownServiceError:
        return None


def _operation(service: str, request: Request) -> OperationModel | None:
    streams = request.headers.get("x-amz-target", "").startswith("DynamoDBStreams")
    second = service == "apigateway" and request.path.startswith("/v2/")
    model = _model("dynamodbstreams" if streams else "apigatewayv2" if second else _NAMES.get(service, service))
    if model is None:
        return None
    named = operation(request)
    if named:
        return model.operation_model(named) if named in model.operation_names else None
    found = next((name for method, path, name in _routes(model) if method == request.method and path(request.path)), "")
    return model.operation_model(found) if found else None


@cache
def _routes(model: ServiceModel) -> list[tuple[str, Any, str]]:
    """Method, path and name of the operations; of two whose paths fit, the one with more fixed text comes first."""
    https = [(name, model.operation_model(name).http) for name in model.operation_names]
    https.sort(key=lambda row: -len(re.sub(r"\{[^}]+\}", "", row[1]["requestUri"])))
    return [(http["method"], _pattern(http["requestUri"]).fullmatch, name) for name, http in https]


def _pattern(uri: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", uri.partition("?")[0].rstrip("/"))
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts) + "/?")


# -- what means nothing


_STRAYS: Final[dict[tuple[str, str], Fault]] = {
    ("sns", "NextToken"): Fault("InvalidParameter", "Invalid parameter: NextToken"),
    ("ssm", "NextToken"): Fault("InvalidNextToken", "The specified token is not valid."),
    ("iam", "Marker"): Fault("ValidationError", "Invalid Marker."),
    ("secretsmanager", "NextToken"): Fault("InvalidNextTokenException", "The NextToken value is invalid."),
    ("kinesis", "ShardIterator"): Fault("InvalidArgumentException", "Invalid ShardIterator."),
    ("ec2", "NextToken"): Fault("InvalidPaginationToken", "The specified pagination token is not valid."),
}
"""What a request that fails may bring, and how the service refuses it (its API reference, "Errors")."""
_ARN_PARTS: Final = 6
_NO_WRITE: Final = "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"


def _told(request: Request, is_form: bool) -> dict[str, Any]:
    if is_form:
        return dict(parse_qsl(f"{request.query}&{request.body.decode('latin-1')}"))
    told: dict[str, Any] = orjson.loads(request.body or b"{}")
    return told


def _meaningless(service: str, told: dict[str, Any]) -> Fault | None:
    parts = len(str(told.get("TopicArn", "")).split(":"))
    if service == "sns" and "TopicArn" in told and parts < _ARN_PARTS:
        reason = f"An ARN must have at least {_ARN_PARTS} elements, not {parts}"
        return Fault("InvalidParameter", f"Invalid parameter: TopicArn Reason: {reason}")
    if service == "dynamodb" and any(len(row) != 1 for row in told.get("TransactItems", ())):
        return Fault("ValidationException", _NO_WRITE)
    return next((fault for (of, name), fault in _STRAYS.items() if of == service and name in told), None)


# -- what is wrong with it


def _form(shape: StructureShape, request: Request) -> Fault | None:
    given = parse_qsl(f"{request.query}&{request.body.decode('latin-1')}")
    names = {key.partition(".")[0] for key, _ in given}
    missing = next((name for name in shape.required_members if name not in names), None)
    return None if missing is None else _missing(missing, "ValidationError")


def _body(shape: StructureShape, request: Request) -> Fault | None:
    try:
        value = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError as error:
        return Fault("SerializationException", f"The request body is not JSON: {error}")
    if not isinstance(value, dict):
        return Fault("SerializationException", "Unexpected value where a structure was expected")
    elsewhere = {name for name, member in shape.members.items() if member.serialization.get("location")}
    wire = {member.serialization.get("name", name): member for name, member in shape.members.items()}
    asked = [name for name in shape.required_members if name not in elsewhere]
    return _members(value, {name: wire[name] for name in wire if name not in elsewhere}) or _lacks(value, asked, "")


def _members(value: dict[str, Any], members: dict[str, Shape], path: str = "") -> Fault | None:
    found = (_wrong(value[name], shape, f"{path}{_lower(name)}") for name, shape in members.items() if name in value)
    return next((fault for fault in found if fault is not None), None)


def _wrong(value: Any, shape: Shape, path: str) -> Fault | None:
    if value is None:
        return None
    is_part = isinstance(value, float) and shape.type_name in ("integer", "long") and not value.is_integer()
    if is_part or not _fits(value, _TYPES.get(shape.type_name, object)):
        return Fault("SerializationException", _mistaken(value, shape.type_name))
    if isinstance(shape, StructureShape):
        return _members(value, dict(shape.members), f"{path}.") or _lacks(value, shape.required_members, f"{path}.")
    within: list[tuple[Any, Shape, Any]] = []
    if isinstance(shape, ListShape):
        within = [(item, shape.member, n) for n, item in enumerate(value, 1)]
    elif isinstance(shape, MapShape):
        within = [(item, shape.value, key) for key, item in value.items()]
    nulls = (_missing(f"{path}.{place}.member", "ValidationException") for item, _, place in within if item is None)
    found = (_wrong(item, member, f"{path}.{place}.member") for item, member, place in within)
    return next((fault for fault in found if fault is not None), None) or next(nulls, None)


def _fits(value: Any, wanted: type | tuple[type, ...]) -> bool:
    return isinstance(value, wanted) and (not isinstance(value, bool) or wanted in (bool, object))


def _mistaken(value: Any, wanted: str) -> str:
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    if isinstance(value, list):
        return "Start of list found where not expected"
    word = {True: "TRUE_VALUE", False: "FALSE_VALUE"}[value] if isinstance(value, bool) else _WORDS[type(value)]
    kind = _KINDS.get(wanted)
    return f"{word} can not be converted to {kind}" if kind else "Unexpected field type"


def _lacks(value: dict[str, Any], required: list[str], path: str) -> Fault | None:
    missing = next((name for name in required if value.get(name) is None), None)
    return None if missing is None else _missing(f"{path}{_lower(missing)}", "ValidationException")


def _missing(path: str, code: str) -> Fault:
    told = f"Value null at '{path}' failed to satisfy constraint: Member must not be null"
    return Fault(code, f"1 validation error detected: {told}")


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
