"""The files of the page, and the headers that keep it safe.

Only this server's own scripts run, nothing is loaded from or sent to elsewhere, and no other page may frame this one.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from sfn_emulator.console.answers import Answer

FOLDER: Final = Path(__file__).parent / "page"
TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE: Final = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("x-frame-options", "DENY"),
)


def file(name: str, token: str, known: str) -> Answer | None:
    """The file of that name; 304 to a browser that has it (``known`` is its If-None-Match)."""
    found = _read(name or "index.html")
    if found is None:
        return None
    body, tag = found
    kind = TYPES[Path(name or "index.html").suffix]
    if not name:
        return Answer(200, kind, body.replace(b"{token}", token.encode()), (*SAFE, ("cache-control", "no-store")))
    headers = (*SAFE, ("etag", tag), ("cache-control", "no-cache"))
    return Answer(304, kind, b"", headers) if known == tag else Answer(200, kind, body, headers)


@cache
def _read(name: str) -> tuple[bytes, str] | None:
    """The content of a file; only files directly in the folder are found."""
    path = FOLDER / name
    if path.suffix not in TYPES or path.name != name or len(name) > 200 or not path.is_file():
        return None
    body = path.read_bytes()
    return body, f'"{sha256(body).hexdigest()[:20]}"'
