"""Which operation a request names, and whether it may change something.

A write that was mistaken for a read would be lost with the next crash. moto looks for the operation in several places:
the query, a form, a header ``Action``, X-Amz-Target. So every operation named in any of them counts, and a request is a
read only if all of them are reads.
"""

import re
from typing import Final
from urllib.parse import parse_qsl

from sfn_emulator.cloud.requests.message import Request

_READING: Final = re.compile(
    r"^(Describe|List|Get(?!Id$)|BatchGet|TransactGet|Query$|Scan$|Head|Lookup|Search|Filter|Simulate|Validate|Decode"
    r"|Estimate|Encrypt$|Decrypt$|ReEncrypt$|GenerateDataKey|GenerateMac$|GenerateRandom$|Sign$|Verify(Mac)?$"
    r"|TestEventPattern$)"
)
_PLACES: Final = re.compile(r"^/(\d{12}/[\w.-]+)?$")
"""Where operations are POSTed to by name: the root, or a queue."""
_MOST_LOOKED_AT: Final = 4096


def changes_something(request: Request) -> bool:
    """Whether handling this request may change a neighbour's state."""
    names = _names(request)
    if not all(map(_READING.match, names)):
        return True
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return bool(request.body) and not names
    return not (names and request.method == "POST" and _PLACES.match(request.path))


def operation(request: Request) -> str:
    """The operation a request names; empty if only its path and method say it (REST protocols)."""
    return next(iter(_names(request)), "")


def _names(request: Request) -> list[str]:
    """All operations a request names, the one in the query first, as in moto."""
    found = [value for key, value in _parameters(request) if key == "Action"]
    headers = request.headers
    if "action" in headers:
        found.append(headers["action"])
    if "x-amz-target" in headers:
        found.append(headers["x-amz-target"].rpartition(".")[2])
    return found


def _parameters(request: Request) -> list[tuple[str, str]]:
    pairs = parse_qsl(request.query, keep_blank_values=True) if request.query else []
    if "x-amz-target" in request.headers and b"Action=" not in request.body:
        return pairs
    form = request.body[:_MOST_LOOKED_AT].decode("latin-1")
    return pairs + parse_qsl(form, keep_blank_values=True) if "=" in form else pairs
