"""What an error inside moto says about the request, where the request has the shape of botocore's model.

moto looks a resource up in a dictionary, and takes an ARN or a number apart, without asking first. So an error of that
kind is the caller's fault where the request itself brought what could not be found or read. It becomes the error that
the operation's model has for it. Everything else stays a fault of moto's.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import unquote

import orjson
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from sfn_emulator.cloud.requests.message import Request


class Fault(NamedTuple):
    code: str
    message: str
    status: int = 400


_NOT_FOUND: Final = re.compile(r"NotFound|NoSuch|NonExistent|NotExist|UnknownResource")
_INVALID: Final = re.compile(r"^(Validation|BadRequest|InvalidArgument|InvalidParameter|InvalidInput|InvalidRequest)")
_NO_NUMBER: Final = re.compile(r"invalid literal for int\(\)|could not convert string to float")
_ARN: Final = re.compile(r"^arn:[\w-]+:[\w-]+:[^:]*:[^:]*:.+", re.S)
_DEEPEST: Final = 12


def implied(model: OperationModel, request: Request, error: Exception) -> Fault | None:
    """The fault of the request that the error shows; ``None`` if it shows none."""
    told = list(_told(model, request))
    invalid = _code(model, _INVALID) or Fault("ValidationException", "")
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        return _sought(model, told, error.args[0], invalid)
    if (wrong := _wrong_arn([str(value) for name, value in told if name.lower().endswith("arn")], error)) is not None:
        return invalid._replace(message=f"Invalid ARN: '{wrong}'.")
    if isinstance(error, ValueError) and _NO_NUMBER.search(str(error)):
        return invalid._replace(message=f"A number was expected: {str(error).partition(': ')[2]} is none.")
    if model.service_model.service_name == "dynamodb" and type(error) in (ValueError, Exception):
        return invalid._replace(message=f"Statement wasn't well formed, can't be processed: {error}")
    return None


def _wrong_arn(arns: list[str], error: Exception) -> str | None:
    """The ARN that could not be taken apart: one that is none, or one of another kind than was expected."""
    if not isinstance(error, IndexError | ValueError | TypeError | AttributeError):
        return None
    broke = isinstance(error, IndexError) or "values to unpack" in str(error)
    return next((arn for arn in arns if not _ARN.match(arn)), arns[0] if arns and broke else None)


def _sought(model: OperationModel, told: list[tuple[str, Any]], key: str, invalid: Fault) -> Fault | None:
    """What moto looked for in vain: a resource that the request names, or a member that it does not have."""
    if any(value == key for _, value in told):
        found = _code(model, _NOT_FOUND) or Fault("ResourceNotFoundException", "", 404)
        return found._replace(message=f"'{key}' was not found.")
    if key in _members(model.input_shape):
        place = key[:1].lower() + key[1:]
        text = f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
        return invalid._replace(message=f"1 validation error detected: {text}")
    return None


def _code(model: OperationModel, kind: re.Pattern[str]) -> Fault | None:
    """The first error of the operation's model whose name is of that kind."""
    for shape in model.error_shapes:
        told = shape.metadata.get("error", {})
        code = str(told.get("code", shape.name))
        if kind.search(shape.name) or kind.search(code):
            rest = model.service_model.metadata["protocol"].startswith("rest")
            return Fault(code, "", int(told.get("httpStatusCode", 404 if rest and kind is _NOT_FOUND else 400)))
    return None


def _members(shape: Shape | None, depth: int = 0) -> set[str]:
    """The names of all members at any depth, as they are written."""
    if shape is None or depth > _DEEPEST:
        return set()
    if isinstance(shape, StructureShape):
        names = {str(member.serialization.get("name", name)) for name, member in shape.members.items()}
        return names.union(shape.members, *(_members(member, depth + 1) for member in shape.members.values()))
    if isinstance(shape, ListShape):
        return _members(shape.member, depth + 1)
    return _members(shape.value, depth + 1) if isinstance(shape, MapShape) else set()


def _told(model: OperationModel, request: Request) -> Iterator[tuple[str, Any]]:
    """Names and values that the request gives: in its path, its query, its form or its JSON."""
    given = [part for part in request.path.split("/") if part]
    names = [part.strip("{}+") for part in model.http.get("requestUri", "/").partition("?")[0].split("/") if part]
    for name, value in zip(names, given, strict=False):
        yield from ((name, value), (name, unquote(value)))  # moto unquotes some
    yield from ((name.rpartition(".")[2], value) for name, value in request.parameters().items())
    if request.body.startswith((b"{", b"[")):
        yield from _leaves("", orjson.loads(request.body))
    elif b"Action=" in request.body:
        form = Request("POST", "/", request.body.decode("latin-1")).parameters()
        yield from ((name.rpartition(".")[2], value) for name, value in form.items())


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner)
    else:
        yield name, value


# -- S3, whose requests are XML and headers


NO_DOCUMENT: Final = Fault(
    "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
)
_BAD_PART: Final = "Part number must be an integer between 1 and 10000, inclusive"
_BAD_SOURCE: Final = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
_BAD_ACL: Final = "The canned ACL, or the grantee's type, is none that S3 knows"
_LACKING: Final = (
    "The SelectRequest entity is missing a required parameter. Check the service documentation and try again."
)
_UNREAD: Final = "The SQL expression contains an unexpected token."
_GONE: Final = (
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
    "completed."
)
_TRIED: Final = (LookupError, TypeError, AttributeError, ValueError, AssertionError)


def implied_in_s3(request: Request, error: Exception) -> Fault | None:
    """The fault of a request to S3 (S3 API reference, "Error responses")."""
    if not isinstance(error, _TRIED):
        return None
    told = request.parameters()
    return next((fault for is_so, fault in _IN_S3 if is_so(request, told, error)), None)


_Shows: TypeAlias = Callable[[Request, dict[str, str], Exception], object]
_IN_S3: Final[tuple[tuple[_Shows, Fault], ...]] = (
    (lambda _, told, error: error.args == (told.get("uploadId", ""),), Fault("NoSuchUpload", _GONE, 404)),
    (lambda _, told, __: not told.get("partNumber", "1").isdigit(), Fault("InvalidArgument", _BAD_PART)),
    (
        lambda request, *_: "/" not in request.headers.get("x-amz-copy-source", "a/b").strip("/"),
        Fault("InvalidArgument", _BAD_SOURCE),
    ),
    (
        lambda request, *_: any(name.startswith(("x-amz-acl", "x-amz-grant-")) for name in request.headers),
        Fault("InvalidArgument", _BAD_ACL),
    ),
    (
        lambda _, told, error: "continuation-token" in told and isinstance(error, ValueError),
        Fault("InvalidArgument", "The continuation token provided is incorrect"),
    ),
    (
        lambda _, told, error: "select" in told and isinstance(error, KeyError | AttributeError),
        Fault("MissingRequiredParameter", _LACKING),
    ),
    (lambda _, told, __: "select" in told, Fault("ParseUnexpectedToken", _UNREAD)),
    (
        lambda request, *_: (
            request.method in ("PUT", "POST") and request.query and request.body.lstrip().startswith(b"<")
        ),
        NO_DOCUMENT,
    ),
)
"""What shows that a request is at fault, and its fault: the first that holds."""
