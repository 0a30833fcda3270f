"""AWS JSON 1.0, the server's side: bytes → checked parameters, answers and errors → bytes.

An operation's shapes are compiled when it is first called, so that later requests do not look at the model.
"""

import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import botocore.loaders
import orjson
from botocore.model import OperationModel, ServiceModel, StructureShape

from sfn_emulator.api.shapes import Check, Problems, UnreadableError, Write, check_for, write_for
from sfn_emulator.service.errors import ApiError, validation_errors
from sfn_emulator.values import dumps

TARGET_PREFIX: Final = "AWSStepFunctions"
CONTENT_TYPE: Final = "application/x-amz-json-1.0"
BODY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes a request may have: enough for a definition of 1 MB, escaped."""


_GZIP: Final = 16 + zlib.MAX_WBITS


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Codec(NamedTuple):
    """One operation's two directions."""

    name: str
    check: Check
    write: Write


@cache
def service_model() -> ServiceModel:
    """Botocore's own model of Step Functions."""
    description = botocore.loaders.Loader().load_service_model("stepfunctions", "service-2")
    return ServiceModel(description, "stepfunctions")


@cache
def codec(operation: str) -> Codec:
    """The codec of an operation. Raises ``OperationNotFoundError`` for a name that the model does not know."""
    model: OperationModel = service_model().operation_model(operation)
    assert isinstance(model.input_shape, StructureShape) and isinstance(model.output_shape, StructureShape)
    write = write_for(model.output_shape)
    assert write
    return Codec(operation, check_for(model.input_shape), write)


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its ``Content-Encoding``. Raises ``ApiError`` for an encoding that we do not know."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise ApiError("SerializationException", f"The Content-Encoding '{encoding}' is not supported: send gzip.")
    try:
        return zlib.decompressobj(_GZIP).decompress(body, BODY_LIMIT + 1)
    except zlib.error as error:
        raise ApiError("SerializationException", f"The request body is not gzip: {error}") from None


def parameters(codec: Codec, body: bytes) -> dict[str, Any]:
    """The request's parameters; raises ``ApiError`` SerializationException or ValidationException in AWS's words."""
    if len(body) > BODY_LIMIT:
        raise ApiError("RequestEntityTooLargeException", f"Request body exceeds {BODY_LIMIT} bytes", status=413)
    problems: Problems = []
    try:
        checked: dict[str, Any] = codec.check(orjson.loads(body) if body else {}, "", problems)
    except orjson.JSONDecodeError as error:
        raise ApiError("SerializationException", f"The request body is not JSON: {error}") from None
    except UnreadableError as error:
        raise ApiError("SerializationException", str(error)) from None
    if problems:
        raise validation_errors(problems)
    return checked


def answer(codec: Codec, result: Mapping[str, Any], request_id: str) -> Response:
    """The answer's JSON as bytes. Raises ``KeyError`` for a member that the model does not know: that is our fault."""
    written = codec.write(result)
    try:
        body = orjson.dumps(written)
    except TypeError:  # lone surrogates, which Java writes as question marks
        body = dumps(written).encode("utf-8", "replace")
    return Response(200, _headers(request_id), body)


_TYPE_PREFIX: Final = {
    "ValidationException": "com.amazon.coral.validate#",
    "SerializationException": "com.amazon.coral.service#",
    "UnknownOperationException": "com.amazon.coral.service#",
    "InternalFailure": "com.amazon.coral.service#",
    "ServiceUnavailable": "com.amazon.coral.service#",
}


def error_answer(error: ApiError, request_id: str) -> Response:
    """The refusal on the wire: ``__type`` has the prefix that AWS puts before the code (recorded)."""
    prefix = _TYPE_PREFIX.get(error.code, "com.amazonaws.swf.service.v2.model#")
    body = orjson.dumps({"__type": prefix + error.code, "message": error.message, **error.extra})
    return Response(error.status, _headers(request_id) | {"x-amzn-errortype": error.code}, body)


def _headers(request_id: str) -> dict[str, str]:
    return {"content-type": CONTENT_TYPE, "x-amzn-requestid": request_id}
