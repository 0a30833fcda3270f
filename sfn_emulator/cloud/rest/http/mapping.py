"""Request parameters of an integration: ``$request.body.name`` and the like become the values of a service's call.

Source: API Gateway Developer Guide, ``http-api-develop-integrations-aws-services`` and ``http-api-parameter-mapping``.
"""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import orjson

from sfn_emulator.cloud.rest.http.payload import Call, context_2
from sfn_emulator.cloud.rest.mapping import Input

_WHOLE: Final = re.compile(r"\$(request|context|stageVariables)\.\S+")
_INSIDE: Final = re.compile(r"\$\{((?:request|context|stageVariables)\.[^}\s]+)\}")


def mapped(text: str, call: Call) -> str | None:
    """The value that ``text`` stands for; ``None`` if the call has none, and then the parameter is not sent."""
    if _WHOLE.fullmatch(text):
        return _value(text[1:], call)
    return _INSIDE.sub(lambda found: _value(found[1], call) or "", text)


def _value(name: str, call: Call) -> str | None:
    for prefix, read in _SOURCES:
        if name == prefix or name.startswith((prefix + ".", prefix + "[")):
            return read(call, name[len(prefix) :])
    return None


def _body(call: Call, rest: str) -> str | None:
    text = call.request.body.decode("utf-8", "replace")
    return _text(orjson.loads(Input(text, {}).json("$" + rest))) if rest else text or None


def _path(call: Call, rest: str) -> str | None:
    return call.path_parameters.get(rest[1:]) if rest else unquote(call.path)


def _query(call: Call, rest: str) -> str | None:
    return ",".join(call.query[rest[1:]]) if rest[1:] in call.query else None


def _context(call: Call, rest: str) -> str | None:
    told = context_2(call)
    http = told["http"]
    flat = {**told, "httpMethod": http["method"], "path": http["path"], "protocol": http["protocol"]}
    flat |= {"identity.sourceIp": http["sourceIp"], "identity.userAgent": http["userAgent"], "requestTime": call.time}
    return _text(flat.get(rest[1:]))


_SOURCES: Final[tuple[tuple[str, Callable[[Call, str], str | None]], ...]] = (
    ("request.body", _body),
    ("request.header", lambda call, rest: call.request.headers.get(rest[1:].lower())),
    ("request.querystring", _query),
    ("request.path", _path),
    ("context", _context),
    ("stageVariables", lambda call, rest: call.variables.get(rest[1:])),
)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
