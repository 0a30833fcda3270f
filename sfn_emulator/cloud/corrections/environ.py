"""A request as moto has it: werkzeug's, over what WSGI says (PEP 3333).

Made by hand: werkzeug's builder takes ten times as long. And what werkzeug would find out for each request anew is said
to it: its own address, and that a body of JSON is no form. For upstream: ``BaseResponse.setup_class`` asks for the form
and for the URL of every request, whatever the service.
"""

import importlib
import sys
from functools import cache, lru_cache
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote

from sfn_emulator.cloud.corrections.faults.replies import FORM
from sfn_emulator.cloud.requests.message import Headers, Request

_UNPREFIXED: Final = frozenset(("CONTENT_TYPE", "CONTENT_LENGTH"))


def moto_request(request: Request, region: str) -> Any:
    """``request`` as moto's handlers take it, meant for ``region``."""
    headers = {**request.headers, "user-agent": f"region/{region}"}
    if "Action=" in request.query:
        headers["content-type"] = request.headers.get("content-type") or FORM  # moto's SQS can't do without
    made = _made(request, headers)
    made.root_url = _root_url(made.environ["HTTP_HOST"])
    if headers.get("content-type", "").startswith("application/x-amz-json") and "content-encoding" not in headers:
        made._cached_data, made.form, made.files = request.body, *_no_form()
    return made


def _made(request: Request, headers: Headers) -> Any:
    moto = importlib.import_module("moto.core.request")
    told = environ(request, headers)
    told[moto.PRESERVED_HEADER_NAMES_ENVIRON_KEY] = {
        moto.environ_key_for_header(name): name
        for name in headers
        if "_" in name and moto.should_preserve_original_header_name(name)
    }
    return moto.Request(told)


@lru_cache(maxsize=256)
def _root_url(host: str) -> Any:
    """The URL of ``/``, where it was sent to that host."""
    return _made(Request("GET", "/"), {"host": host}).root_url


@cache
def _no_form() -> tuple[Any, Any]:
    """Fields and files; they can't be changed, so that all may share them."""
    nothing = importlib.import_module("werkzeug.datastructures").ImmutableMultiDict()
    return nothing, nothing


def environ(request: Request, headers: Headers) -> dict[str, Any]:
    """``request`` with ``headers`` in place of its own, whose names are in lower case."""
    host = headers.get("host") or "localhost"
    name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "80")
    told = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(request.path).encode().decode("latin-1"),
        "QUERY_STRING": request.query,
        "RAW_URI": request.path + ("?" + request.query if request.query else ""),
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": host,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for header, value in headers.items():
        key = header.upper().replace("-", "_")
        if key != "TRANSFER_ENCODING":
            told[key if key in _UNPREFIXED else f"HTTP_{key}"] = value
    told["CONTENT_LENGTH"] = str(len(request.body))
    return told
