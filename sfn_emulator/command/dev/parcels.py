"""Puts a template's local files and folders into S3, and their addresses into the template.

As ``aws cloudformation package`` and ``sam package`` do it. A table says which properties hold a path.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sfn_emulator.cloud.stacks.template.text import parsed
from sfn_emulator.command.dev.watching import files
from sfn_emulator.command.files import text_of

BUCKET: Final = "sfn-emulator-dev"
_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)

Put = Callable[[str, bytes], None]
"""(key, content) into the bucket."""


def _uri(key: str) -> str:
    return f"s3://{BUCKET}/{key}"


def _pair(bucket: str, name: str) -> Callable[[str], dict[str, str]]:
    return lambda key: {bucket: BUCKET, name: key}


@dataclass(frozen=True, slots=True)
class Held:
    """A property that may hold a path: whether its content is zipped, and how its address is written."""

    zipped: bool
    address: Callable[[str], Any]


_TABLE: Final[Mapping[tuple[str, str], Held]] = {
    ("AWS::Serverless::Function", "CodeUri"): Held(True, _uri),
    ("AWS::Serverless::LayerVersion", "ContentUri"): Held(True, _uri),
    ("AWS::Serverless::StateMachine", "DefinitionUri"): Held(False, _uri),
    ("AWS::Serverless::Api", "DefinitionUri"): Held(False, _uri),
    ("AWS::Serverless::HttpApi", "DefinitionUri"): Held(False, _uri),
    ("AWS::Lambda::Function", "Code"): Held(True, _pair("S3Bucket", "S3Key")),
    ("AWS::Lambda::LayerVersion", "Content"): Held(True, _pair("S3Bucket", "S3Key")),
    ("AWS::StepFunctions::StateMachine", "DefinitionS3Location"): Held(False, _pair("Bucket", "Key")),
    ("AWS::ApiGateway::RestApi", "BodyS3Location"): Held(False, _pair("Bucket", "Key")),
    ("AWS::ApiGatewayV2::Api", "BodyS3Location"): Held(False, _pair("Bucket", "Key")),
}
_NESTED: Final = {("AWS::CloudFormation::Stack", "TemplateURL"), ("AWS::Serverless::Application", "Location")}
"""Properties that name another template, whose paths are relative to its own folder."""


class Parcels:
    """The content behind a template's paths. ``put`` is called once for each content; ``url`` is the bucket's
    address.
    """

    def __init__(self, url: str, put: Put) -> None:
        self._url, self._put = url, put
        self._keys: dict[Path, str] = {}
        self._sent: set[str] = set()

    def packed(self, file: Path, changed: set[Path]) -> tuple[dict[str, Any], list[Path]]:
        """The template in a file, with addresses in S3, and all places it was made of. A place is read again only if
        one of its files has ``changed``.

        Raises ``OSError`` for a missing file, ``StackError`` for a text that is no template."""
        template, places = parsed(text_of(file)), [file.resolve()]
        for kind, properties in _holders(template):
            for name, value in properties.items():
                if not isinstance(value, str) or "://" in value:
                    continue
                place, told = (file.parent / value).resolve(), _TABLE.get((kind, name))
                if told is not None:
                    places.append(place)
                    properties[name] = told.address(self._key(place, told, changed))
                elif (kind, name) in _NESTED:
                    inner, more = self.packed(place, changed)
                    places += more
                    properties[name] = f"{self._url}/{BUCKET}/{self._kept(json.dumps(inner).encode())}"
        return template, places

    def _key(self, place: Path, held: Held, changed: set[Path]) -> str:
        if place not in self._keys or any(path == place or place in path.parents for path in changed):
            self._keys[place] = self._send(place, held)
        return self._keys[place]

    def _send(self, place: Path, held: Held) -> str:
        zipped = held.zipped and place.suffix not in (".zip", ".jar")
        return self._kept(_zip(place) if zipped else place.read_bytes())

    def _kept(self, content: bytes) -> str:
        """Puts a content into the bucket; its key there."""
        key = hashlib.sha256(content).hexdigest()
        if key not in self._sent:
            self._put(key, content)
            self._sent.add(key)
        return key


def _holders(template: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each resource's type and properties; SAM's Globals stand for all functions."""
    resources = template.get("Resources")
    for row in resources.values() if isinstance(resources, dict) else ():
        if isinstance(row, dict) and isinstance(row.get("Properties"), dict):
            yield str(row.get("Type")), row["Properties"]
    shared = (template.get("Globals") or {}).get("Function")
    if isinstance(shared, dict):
        yield "AWS::Serverless::Function", shared


def _zip(place: Path) -> bytes:
    """A zip with the same bytes for the same files, regardless of their times and owners. Raises ``OSError``."""
    if not place.exists():
        raise FileNotFoundError(f"{place}: there is no such file or folder")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files(place):
            name = file.relative_to(place) if place.is_dir() else file.name
            entry = zipfile.ZipInfo(str(name), _FIRST_DAY)
            entry.external_attr = (file.stat().st_mode & 0o777 | 0o100000) << 16
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()
