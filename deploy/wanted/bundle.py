"""The functions' code as a zip. The same sources give the same bytes, on any machine and on any day."""

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SCHEMA = Path("statemachine/order.schema.json")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o100644 << 16
_UNIX = 3


@dataclass(frozen=True)
class Bundle:
    """``sha256`` is what Lambda calls CodeSha256: the digest of the zip in base64."""

    sha256: str
    content: bytes = field(repr=False)


def build(root: Path = ROOT) -> Bundle:
    """``handlers/`` and the order's schema, in name order, stored with fixed times and rights."""
    files = sorted([*(p.relative_to(root) for p in (root / "handlers").rglob("*.py")), SCHEMA])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:  # deflate's bytes depend on zlib's version
        for path in files:
            archive.writestr(_entry(path), (root / path).read_bytes())
    content = buffer.getvalue()
    return Bundle(base64.b64encode(hashlib.sha256(content).digest()).decode(), content)


def _entry(path: Path) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path.as_posix(), _EPOCH)
    entry.external_attr = _READABLE
    entry.create_system = _UNIX
    return entry
