"""Decides who may send requests: programs of this machine and this server's own page, but no other page in a browser.

AWS answers any page (CORS), because requests to it are signed with a secret. Requests to this server are not verified,
and a page of any site can make a browser send some to it. But a browser says which page asks: ``Host`` shows a foreign
name that was made to lead here (DNS rebinding), ``Origin``, ``Sec-Fetch-Site`` and ``Referer`` show a foreign page. A
request with a foreign value in one of these is refused before anything is done for it. Exceptions:

- pages of an origin that was allowed (``--allow-origin``),
- a link that leads to the console, which is the page itself and no data,
- deployed APIs and functions' URLs, which are made to be called by pages and have CORS rules of their own.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Final

from sfn_emulator.cloud.requests.addressing import address, data_plane, host_of
from sfn_emulator.cloud.requests.message import Headers, Reply, Request, json_error
from sfn_emulator.cloud.requests.operation import changes_something

_LOCAL_NAMES: Final = frozenset(
    ("localhost", "localhost.localstack.cloud", "host.docker.internal", "host.containers.internal")
)
_LOCAL_SUFFIXES: Final = (".localhost", ".localhost.localstack.cloud")
_AWS_SUFFIXES: Final = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws")
"""Names of AWS's that an SDK may be configured to use for this server. A browser never uses them for it."""
_SYNC: Final = "sync-"
"""The prefix that SDKs put before the endpoint's host for StartSyncExecution and TestState, whatever the endpoint."""
_PAGE: Final = re.compile(r"^/(_sfn/?)?$")
_URL: Final = re.compile(r"^https?://([^/?#]+)")
_DAY: Final = 24 * 3600
_NAMELESS: Final = (
    "A page of another site, or an address that was typed, may not do this. Allow the page's origin with "
    "--allow-origin ORIGIN, as --allow-origin http://localhost:3000, and let the page send its Origin."
)


class Door:
    """``hosts`` are names of this server besides its own, ``origins`` other pages that may ask
    (``http://a.test:3000``).
    """

    def __init__(self, hosts: tuple[str, ...] = (), origins: tuple[str, ...] = ()) -> None:
        self._hosts = frozenset(name.lower() for name in hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._is_local = lru_cache(maxsize=256)(self._is_a_local_name)

    def refuse(self, request: Request) -> Reply | None:
        """The refusal of a request; ``None`` if it may pass. Its body is not looked at."""
        headers = request.headers
        host = host_of(headers).removeprefix(_SYNC)
        if not (self._is_local(host) or host.endswith(_AWS_SUFFIXES)):
            return _stranger(host)
        asking = _asking(headers)
        if asking is None and "sec-fetch-site" not in headers:
            return _foreign(request) if _is_an_old_browser(request) and changes_something(request) else None
        if asking in self._origins or self._is_own(asking, request, host) or _opens_the_page(request):
            return None
        return None if data_plane(request) is not None else _foreign(request)

    def preflight(self, request: Request, *, own: bool = False) -> Reply | None:
        """The answer to a browser that asks whether an allowed page may call; ``None`` for any other request.
        ``own``: it is for a route of the server's own, as /health.

        Pages of other origins were refused before. A bucket has CORS rules of its own.
        """
        headers = request.headers
        if request.method != "OPTIONS" or "access-control-request-method" not in headers:
            return None
        asked = headers.get("access-control-request-headers", "")
        if not own and "x-amz-target" not in asked.lower() and address(request).service == "s3":
            return None
        permits = [
            ("access-control-allow-methods", headers["access-control-request-method"]),
            ("access-control-allow-headers", asked),
            ("access-control-max-age", str(_DAY)),
        ]
        return Reply(204, [*self._grant(headers["origin"]), *permits]) if "origin" in headers else None

    def granted(self, request: Request, reply: Reply, *, own: bool = False) -> Reply:
        """The reply with the CORS headers for an allowed page. It is unchanged if no page asked, or if it has CORS
        headers already.
        """
        origin = request.headers.get("origin")
        if origin is None or any(name == "access-control-allow-origin" for name, _ in reply.headers):
            return reply
        if data_plane(request) is not None or (not own and address(request).service == "s3"):
            return reply
        return reply._replace(headers=[*reply.headers, *self._grant(origin)])

    def _grant(self, origin: str) -> list[tuple[str, str]]:
        exposed = ("access-control-expose-headers", "x-amzn-requestid,x-amzn-errortype,date")
        return [("access-control-allow-origin", origin), exposed, ("vary", "origin")]

    def _is_own(self, asking: str | None, request: Request, host: str) -> bool:
        """Whether the request comes from a page of this server, or from an address that a person typed."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        if not self._is_local(host) or site not in ("same-origin", "none"):
            return False
        if asking is not None and _URL.sub(r"\1", asking) != request.headers.get("host", "").strip().lower():
            return False
        return site == "same-origin" or not changes_something(request)

    def _is_a_local_name(self, name: str) -> bool:
        if not name or name in _LOCAL_NAMES or name in self._hosts or name.endswith(_LOCAL_SUFFIXES):
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))  # an address can't be rebound
            return True
        except ValueError:
            return False


def _asking(headers: Headers) -> str | None:
    """The origin of the page that asks: from ``Origin``, else from ``Referer``."""
    origin = headers.get("origin")
    if origin is not None:
        return origin.lower()
    referer = headers.get("referer")
    found = _URL.match(referer.lower()) if referer else None
    return found[0] if found else None


def _is_an_old_browser(request: Request) -> bool:
    """Whether it is a browser that fetches a part of a page (an image) and does not say whose page it is."""
    return request.method == "GET" and request.headers.get("user-agent", "").startswith("Mozilla/")


def _opens_the_page(request: Request) -> bool:
    """Whether it is a link to the console. A frame is none. The address reveals nothing but the page."""
    headers = request.headers
    return (
        request.method in ("GET", "HEAD")
        and bool(_PAGE.match(request.path))
        and not request.query
        and "origin" not in headers
        and headers.get("sec-fetch-mode", "navigate") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
    )


def _stranger(host: str) -> Reply:
    return json_error(
        403, "HostNotAllowed", f"This server does not answer to the host name '{host}'. Allow it: --allow-host {host}"
    )


def _foreign(request: Request) -> Reply:
    origin = _asking(request.headers)
    if not origin:
        return json_error(403, "OriginNotAllowed", _NAMELESS)
    way = f"Allow them: --allow-origin {origin}"
    if origin == "null":
        way = "Nobody can tell whose they are (files, sandboxed frames): serve yours by HTTP."
    return json_error(403, "OriginNotAllowed", f"Pages of '{origin}' may not call this server. {way}")
