"""S3 encrypts every object since January 2023 (AES256 unless told otherwise), and tells the type of a checksum with it
(recorded in November 2025). A notification names the key as a form would, but for its slashes:
``logs/year%3D2026/a+b.gz``."""

import importlib
from collections.abc import Callable
from typing import Any

from sfn_emulator.cloud.corrections.replacing import replace

FULL_OBJECT = "FULL_OBJECT"


def correct() -> None:
    replace(importlib.import_module("moto.s3.models").FakeKey, "__init__", _encrypted)
    replace(importlib.import_module("moto.s3.responses").S3Response, "put_object", _typed)
    replace(importlib.import_module("moto.s3.notifications"), "quote_plus", _but_for_slashes)


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
