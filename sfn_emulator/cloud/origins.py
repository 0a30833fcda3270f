"""Pages in a browser (CORS): one that this machine served may call AWS's JSON operations here, any other may not.

AWS answers every origin, because its requests are signed with a secret. Requests to this server are not verified, so
the origin is all there is to tell a developer's own page from a stranger's.
"""

import ipaddress
from collections.abc import Collection, Mapping
from typing import Final

from sfn_emulator.cloud.message import Headers, Reply, Request, json_error

_TARGET: Final = "x-amz-target"
_DAY: Final = 24 * 3600


def preflight(request: Request, trusted: Collection[str]) -> Reply | None:
    """The answer to a browser that asks if a page may call an operation; ``None`` for any other request.

    ``trusted`` are host names that are trusted besides this machine's own.
    """
    asked = request.headers.get("access-control-request-headers", "").lower()
    if request.method != "OPTIONS" or _TARGET not in asked:
        return None
    allowed = grant(request.headers, trusted)
    if not allowed:
        origin = request.headers.get("origin", "")
        return json_error(403, "OriginNotAllowed", f"Pages of '{origin}' may not call this server: --allow-host NAME")
    permits = {
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": asked,
        "access-control-max-age": str(_DAY),
    }
    return Reply(204, [*allowed.items(), *permits.items()])


def grant(headers: Headers, trusted: Collection[str]) -> Mapping[str, str]:
    """What lets a page read the answer; empty for one that may not, and for what is no page."""
    origin = headers.get("origin")
    if origin is None or not _is_ours(origin, trusted):
        return {}
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "x-amzn-requestid,x-amzn-errortype,date",
        "vary": "origin",
    }


def _is_ours(origin: str, trusted: Collection[str]) -> bool:
    host = origin.partition("://")[2].lower()
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if name == "localhost" or name.endswith(".localhost") or name in trusted:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
