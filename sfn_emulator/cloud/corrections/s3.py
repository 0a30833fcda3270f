"""S3 encrypts every object since January 2023 (AES256 unless told otherwise), and reports a checksum's type with it
(recorded in November 2025). A notification writes the key as in a form, except for its slashes
(``logs/year%3D2026/a+b.gz``), and holds all members that ``notification-content-structure`` lists. S3 Select reads CSV
as RFC 4180 writes it.
"""

import csv
import importlib
from collections.abc import Callable
from typing import Any

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.values import dumps

FULL_OBJECT = "FULL_OBJECT"


def correct() -> None:
    replace(importlib.import_module("moto.s3.models").FakeKey, "__init__", _encrypted)
    replace(importlib.import_module("moto.s3.responses").S3Response, "put_object", _typed)
    replace(importlib.import_module("py_partiql_parser"), "csv_to_json", lambda inner: _rows)
    replace(importlib.import_module("moto.s3.notifications"), "quote_plus", _but_for_slashes)
    replace(importlib.import_module("moto.s3.notifications"), "_get_s3_event", _whole)


def _rows(text: str, headers_included: bool = False) -> str:
    """CSV as lines of JSON, for S3 Select. A row may have fewer fields than the first one, or more: those have the
    names of their places (``_3``), as all have without a header. The package takes quotes for letters, and lets no
    row have more.
    """
    rows = [row for row in csv.reader(text.splitlines()) if row]
    header = rows.pop(0) if headers_included and rows else []
    places = [f"_{place}" for place in range(1, max(map(len, rows), default=0) + 1)]
    names = [*header, *places[len(header) :]]
    return "\n".join(dumps(dict(zip(names, row, strict=False))) for row in rows)


def _encrypted(inner: Callable[..., Any]) -> Callable[..., Any]:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        inner(self, *args, **kwargs)
        if self.encryption is None:
            self.encryption = "AES256"
        if self.checksum_type is None:
            self.checksum_type = FULL_OBJECT

    return init


def _typed(inner: Callable[..., Any]) -> Callable[..., Any]:
    def put_object(self: Any) -> Any:
        status, headers, body = inner(self)
        if any(name.startswith("x-amz-checksum-") for name in headers):
            headers.setdefault("x-amz-checksum-type", FULL_OBJECT)
        return status, headers, body

    return put_object


def _but_for_slashes(inner: Callable[..., str]) -> Callable[..., str]:
    def quote_plus(key: str) -> str:
        return inner(key, safe="/")

    return quote_plus


def _whole(inner: Callable[..., Any]) -> Callable[..., Any]:
    def _get_s3_event(event_name: str, bucket: Any, key: Any, notification_id: str) -> Any:
        told = inner(event_name, bucket, key, notification_id)
        for record in told["Records"]:
            record["userIdentity"] = {"principalId": f"AWS:{bucket.account_id}"}
            record["requestParameters"] = {"sourceIPAddress": "127.0.0.1"}
            record["s3"]["bucket"]["ownerIdentity"] = {"principalId": bucket.account_id}
            record["s3"]["object"]["sequencer"] = f"{int(key.last_modified.timestamp() * 1e6):018X}"
            if bucket.is_versioned:
                record["s3"]["object"]["versionId"] = key.version_id
        return told

    return _get_s3_event
