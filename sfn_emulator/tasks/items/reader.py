"""ItemReader: the source of a Distributed Map's items (`input-output-itemreader`).

s3:listObjectsV2                       the objects' metadata, or with LOAD_AND_FLATTEN their content
s3:getObject  CSV JSON JSONL PARQUET   the content of one file
              MANIFEST                 the content of the files that an S3 inventory or an Athena manifest names
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from sfn_emulator.engine.ports import ReaderSpec
from sfn_emulator.service.map_runs.ports import ITEM_READER_FAILED, ItemBlock
from sfn_emulator.tasks.clients import Clients
from sfn_emulator.tasks.items import csv as item_csv
from sfn_emulator.tasks.items import json as item_json
from sfn_emulator.tasks.items import parquet as item_parquet
from sfn_emulator.tasks.items.s3 import S3, uri
from sfn_emulator.tasks.items.text import failure, lines, malformed, text, unpacked
from sfn_emulator.values import Value, loads

BLOCK_ITEMS: Final = 500
MOST_ITEMS: Final = 100_000_000
"""Items after which reading stops."""

Where = Mapping[str, Value]
Config = Mapping[str, Value]


def read(spec: ReaderSpec, clients: Clients, region: str) -> Iterator[ItemBlock]:
    """The items, block by block, at most MaxItems of them. Blocking; raises ``StateError``."""
    most = spec.config.get("MaxItems") or 0
    if most < 0:
        raise failure("field MaxItems must be positive")
    where = spec.arguments
    for name in ("Bucket",) if spec.resource.action == "listObjectsV2" else ("Bucket", "Key"):
        if not isinstance(where, Mapping) or where.get(name) is None:
            raise failure(f"The field '{name}' is required but was missing")
    blocks = _source(S3(clients, region, ITEM_READER_FAILED), spec.resource.action, where, spec.config)
    yield from _limited(blocks, min(most or MOST_ITEMS, MOST_ITEMS))


def _limited(blocks: Iterator[ItemBlock], most: int) -> Iterator[ItemBlock]:
    for source, values, keys in blocks:
        if len(values) >= most:
            yield ItemBlock(source, values[:most], None if keys is None else keys[:most])
            return
        most -= len(values)
        yield ItemBlock(source, values, keys)


def _source(s3: S3, action: str, where: Where, config: Config) -> Iterator[ItemBlock]:
    if action == "listObjectsV2":
        return _loaded(s3, where, config) if config.get("Transformation") == "LOAD_AND_FLATTEN" else _listed(s3, where)
    if config.get("InputType") == "MANIFEST" or config.get("ManifestType") is not None:
        return _athena(s3, where, config) if config.get("ManifestType") == "ATHENA_DATA" else _inventory(s3, where)
    return _file(s3, where, config)


# -- listings


def _listed(s3: S3, where: Where) -> Iterator[ItemBlock]:
    for page in s3.pages(where):
        yield ItemBlock(uri(where["Bucket"]), [_metadata(found) for found in page])


def _metadata(found: Mapping[str, Any]) -> dict[str, Value]:
    modified = found.get("LastModified")
    return {
        "Etag": found.get("ETag"),
        "Key": found.get("Key"),
        "LastModified": float(int(modified.timestamp())) if isinstance(modified, datetime) else modified,
        "Size": found.get("Size"),
        "StorageClass": found.get("StorageClass", "STANDARD"),
    }


def _loaded(s3: S3, where: Where, config: Config) -> Iterator[ItemBlock]:
    """The content of the objects. A folder made in the console is an empty object."""
    for page in s3.pages(where):
        for found in page:
            if not (found["Key"].endswith("/") and not found.get("Size")):
                yield from _file(s3, {"Bucket": where["Bucket"], "Key": found["Key"]}, config)


# -- files


def _file(s3: S3, where: Where, config: Config) -> Iterator[ItemBlock]:
    kind = config.get("InputType")
    source = uri(where["Bucket"], where["Key"])
    if kind == "JSON":
        return _members(source, item_json.members(text(unpacked(s3.blocks(where))), config.get("ItemsPointer")))
    if kind == "PARQUET":
        return _blocked(source, item_parquet.rows(s3, where))
    found = lines(unpacked(s3.blocks(where)))
    return _blocked(source, item_csv.rows(found, config) if kind == "CSV" else _json_lines(found))


def _json_lines(found: Iterator[str]) -> Iterator[Value]:
    for number, line in enumerate(found, 1):
        if line.strip():
            try:
                yield loads(line)
            except ValueError:
                raise malformed(f"Line {number} of the file", line) from None


def _blocked(source: str, values: Iterable[Value]) -> Iterator[ItemBlock]:
    block: list[Value] = []
    for value in values:
        block.append(value)
        if len(block) == BLOCK_ITEMS:
            yield ItemBlock(source, block)
            block = []
    if block:
        yield ItemBlock(source, block)


def _members(source: str, members: Iterator[item_json.Member]) -> Iterator[ItemBlock]:
    values: list[Value] = []
    keys: list[str] = []
    for key, value in members:
        values.append(value)
        if key is not None:
            keys.append(key)
        if len(values) == BLOCK_ITEMS:
            yield ItemBlock(source, values, keys or None)
            values, keys = [], []
    if values:
        yield ItemBlock(source, values, keys or None)


# -- manifests


def _inventory(s3: S3, where: Where) -> Iterator[ItemBlock]:
    """Rows of an S3 inventory; the columns' names are in its manifest."""
    try:
        manifest = loads(s3.whole(where))
        bucket = str(manifest["destinationBucket"]).rpartition(":")[2]
        names = [name.strip() for name in manifest["fileSchema"].split(",")]
        keys = [file["key"] for file in manifest["files"]]
        kind = manifest.get("fileFormat", "CSV")
    except (ValueError, KeyError, TypeError, AttributeError):
        fields = "destinationBucket, fileSchema and files"
        raise failure(f"The file is not an S3 inventory manifest: a JSON object with {fields}.") from None
    if kind != "CSV":
        raise failure(f"The output format of the S3 inventory report must be CSV, but it is {kind}.")
    config = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": names}
    for key in keys:
        yield from _file(s3, {"Bucket": bucket, "Key": key}, config)


def _athena(s3: S3, where: Where, config: Config) -> Iterator[ItemBlock]:
    """The content of the files that Athena's UNLOAD wrote: the manifest has one S3 URI per line."""
    for line in lines(unpacked(s3.blocks(where))):
        named = line.strip().strip('"')
        if named:
            scheme, _, rest = named.partition("://")
            bucket, _, key = rest.partition("/")
            if scheme.lower() != "s3" or not key:
                raise failure(f"The file is not an Athena data manifest: '{named[:100]}' is no S3 URI")
            yield from _file(s3, {"Bucket": bucket, "Key": key}, config)
