"""Makes replies of what moto's handlers return or raise."""

import re
from typing import Any, Final

from sfn_emulator.cloud.requests.message import Reply, Request, json_error, xml_error

FORM: Final = "application/x-www-form-urlencoded"
_HOP_HEADERS: Final = frozenset({"status", "connection", "transfer-encoding", "server", "date"})
_XML_SERVICES: Final = frozenset(
    {"s3", "sns", "iam", "sts", "ec2", "monitoring", "cloudformation", "rds", "route53", "cloudfront"}
)


def reply_of(result: Any) -> Reply:
    """moto's ``(status, headers, body)``, or a body alone, as a reply. Headers of one hop are left out."""
    status, headers, body = result if len(result) == 3 else (200, {}, result)
    content = body.encode() if isinstance(body, str) else bytes(body or b"")
    named = [(str(k).lower(), str(v)) for k, v in dict(headers).items() if str(k).lower() not in _HOP_HEADERS]
    return Reply(int(status), named, content)


_CODE_AND_TEXT: Final = 2


def meant(error: Exception) -> Reply | None:
    """The reply that moto meant by raising: a werkzeug HTTPException, botocore's ClientError, or a code and a text."""
    if hasattr(error, "get_headers") and hasattr(error, "get_body"):
        return reply_of((error.code, dict(error.get_headers()), error.get_body()))  # type: ignore[attr-defined]
    if type(error) is ValueError and len(error.args) == _CODE_AND_TEXT and str(error.args[0]).endswith("Exception"):
        return json_error(400, str(error.args[0]), str(error.args[1]))
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return json_error(400, response["Error"].get("Code", "ValidationException"), response["Error"]["Message"])
    return None


_POISONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (RecursionError, "is nested too deeply"),
    (ArithmeticError, "holds a number that is too large"),
    (UnicodeError, "holds half of a surrogate pair, which is no text"),
)


def poison(service: str, request: Request, error: Exception) -> Reply | None:
    """The refusal of a request that could not even be read, which is not a fault of ours; ``None`` for other errors."""
    told = next((what for kind, what in _POISONS if isinstance(error, kind)), None)
    return None if told is None else error_reply(service, request, 400, "ValidationException", f"The request {told}.")


_UNWRITABLE: Final = re.compile(rb"%0[0-8BCEF]|%1[0-9A-F]|%EF%BF%B[EF]|[\x00-\x08\x0b\x0c\x0e-\x1f]", re.IGNORECASE)
_KEEPS_NAMES: Final = frozenset({"iam", "sts", "monitoring"})


def unwritable(service: str, request: Request) -> Reply | None:
    """The refusal of a request whose values can't be written in XML: kept, they would spoil every list they are in."""
    if service not in _KEEPS_NAMES or not _UNWRITABLE.search(request.body):
        return None
    text = "A value of the request holds a control character, which is not allowed."
    return error_reply(service, request, 400, "ValidationError", text)


_PACKAGES: Final = {"graphql": "graphql-core", "cfnlint": "cfn-lint", "yaml": "pyyaml"}
"""Missing module → package to install, where their names differ."""


def uninstalled(service: str, error: ImportError) -> str:
    """Which package moto misses for the service, and how to install it."""
    module = (error.name or "").partition(".")[0]
    package = _PACKAGES.get(module, module.replace("_", "-"))
    return f"The local {service} needs the Python package '{package}', which is not installed: pip install {package}"


def error_reply(service: str, request: Request, status: int, code: str, message: str) -> Reply:
    """The error in the service's own protocol: JSON or XML."""
    kind = request.headers.get("content-type", "")
    speaks_json = "x-amz-target" in request.headers or "json" in kind
    speaks_xml = service in _XML_SERVICES or kind.startswith(FORM)
    plain = xml_error if speaks_xml and not speaks_json else json_error
    return plain(status, code, message)
