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


def file(path: str, token: str, known: str) -> Answer | None:
    """The file at that path below the folder, ``""`` for the page itself; ``None`` if there is none. 304 to a browser
    that has it (``known`` is its If-None-Match). ``token`` is written into the page.
    """
    name = path or "index.html"
    if name not in _names():
        return None
    body, tag = _read(name)
    kind = TYPES[Path(name).suffix]
    if not path:
        return Answer(200, kind, body.replace(b"{token}", token.encode()), (*SAFE, ("cache-control", "no-store")))
    headers = (*SAFE, ("etag", tag), ("cache-control", "no-cache"))
    return Answer(304, kind, b"", headers) if known == tag else Answer(200, kind, body, headers)


@cache
def _names() -> frozenset[str]:
    """The files of the page, each by its path below the folder."""
    return frozenset(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.suffix in TYPES)


@cache
def _read(name: str) -> tuple[bytes, str]:
    body = (FOLDER / name).read_bytes()
    return body, f'"{sha256(body).hexdigest()[:20]}"'
