"""A request as WSGI has it (PEP 3333), which moto reads. Made by hand: werkzeug's builder takes ten times as long."""

import sys
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from sfn_emulator.cloud.message import Headers, Request

_UNPREFIXED = frozenset(("CONTENT_TYPE", "CONTENT_LENGTH"))


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
