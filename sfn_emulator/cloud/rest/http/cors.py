"""CORS of HTTP APIs and function URLs. Their configurations differ only in the first letters of the names."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from sfn_emulator.cloud.requests.message import Headers, Reply, Request

Cors = Mapping[str, Any]
"""Names in lower case: ``alloworigins``, ``allowmethods``, ``allowheaders``, ``exposeheaders``, ``maxage``."""


def configured(told: Mapping[str, Any] | None) -> Cors | None:
    return {name.lower(): value for name, value in told.items() if value is not None} if told else None


def preflight(cors: Cors | None, request: Request) -> Reply | None:
    """The answer to a browser's preflight request; ``None`` if it is none, or if CORS is not configured."""
    if (
        cors is None
        or request.method != "OPTIONS"
        or not {"origin", "access-control-request-method"} <= set(request.headers)
    ):
        return None
    headers = _granted(cors, request.headers)
    if headers:
        headers += _listed(cors, "allowmethods", "access-control-allow-methods")
        headers += _listed(cors, "allowheaders", "access-control-allow-headers")
        headers += [("access-control-max-age", str(cors["maxage"]))] if "maxage" in cors else []
    return Reply(204, headers)


def shared(cors: Cors | None, request: Request, reply: Reply) -> Reply:
    """The reply with the configured CORS headers, which replace those of the function."""
    if cors is None or "origin" not in request.headers:
        return reply
    own = [pair for pair in reply.headers if not pair[0].lower().startswith("access-control-")]
    granted = _granted(cors, request.headers)
    exposed = _listed(cors, "exposeheaders", "access-control-expose-headers") if granted else []
    return reply._replace(headers=own + granted + exposed)


def _granted(cors: Cors, headers: Headers) -> list[tuple[str, str]]:
    origin, allowed = headers.get("origin", ""), cors.get("alloworigins") or ()
    if not any(fnmatchcase(origin.lower(), str(pattern).lower()) for pattern in allowed):
        return []
    credentials = str(cors.get("allowcredentials", False)).lower() == "true"
    answered = "*" if "*" in allowed and not credentials else origin
    vary = [] if answered == "*" else [("vary", "origin")]
    permit = [("access-control-allow-credentials", "true")] if credentials else []
    return [("access-control-allow-origin", answered), *permit, *vary]


def _listed(cors: Cors, name: str, header: str) -> list[tuple[str, str]]:
    return [(header, ",".join(map(str, cors[name])))] if cors.get(name) else []
