"""The objects that API Gateway's mapping templates read: ``$input``, ``$util``, ``$context``, ``$stageVariables``
(API Gateway, ``api-gateway-mapping-template-reference``)."""

import base64
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import quote_plus, unquote_plus

from sfn_emulator.cloud.rest.velocity.values import Bean, from_json, text_of
from sfn_emulator.errors import EvaluationError, QuerySyntaxError
from sfn_emulator.query.compiled import Scope
from sfn_emulator.query.jsonpath.path import compile_path
from sfn_emulator.values import dumps, loads

_ESCAPES: Final = {'"': '\\"', "'": "\\'", "\\": "\\\\", "/": "\\/", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b"}


class Input(Bean):
    """``$input``: the payload, and the call's parameters by kind (path, querystring, header)."""

    FIELDS = ("body",)

    def __init__(self, body: str, parameters: Mapping[str, Mapping[str, str]]) -> None:
        self.body = body
        self._parameters = parameters

    def json(self, path: str) -> str:
        return dumps(self.path(path))

    def path(self, path: str) -> Any:
        """The value at a JSONPath, ``None`` if there is none; the text itself if the payload is not JSON."""
        try:
            value = loads(self.body or "{}")
        except ValueError:
            return self.body if path == "$" else None
        try:
            return from_json(compile_path(path).apply(value, cast(Scope, None)))
        except (EvaluationError, QuerySyntaxError):
            return None

    def params(self, name: str | None = None) -> Any:
        kinds = ("path", "querystring", "header")
        if name is None:
            return {kind: dict(self._parameters.get(kind, {})) for kind in kinds}
        found = (self._parameters.get(kind, {}) for kind in kinds)
        return next((parameters[name] for parameters in found if name in parameters), "")


class Util(Bean):
    """``$util``; names are API Gateway's."""

    def escapeJavaScript(self, text: Any) -> str:  # noqa: N802
        return "".join(_escaped(sign) for sign in text_of(text))

    def parseJson(self, text: str) -> Any:  # noqa: N802
        try:
            return from_json(loads(text_of(text)))
        except ValueError:
            return None

    def urlEncode(self, text: Any) -> str:  # noqa: N802
        return quote_plus(text_of(text))

    def urlDecode(self, text: Any) -> str:  # noqa: N802
        return unquote_plus(text_of(text))

    def base64Encode(self, text: Any) -> str:  # noqa: N802
        return base64.b64encode(text_of(text).encode()).decode()

    def base64Decode(self, text: Any) -> str:  # noqa: N802
        return base64.b64decode(text_of(text)).decode("utf-8", "replace")


def _escaped(sign: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if " " <= sign <= "~":
        return sign
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))
