"""S3 as Distributed Maps use it: objects in ranges, listings page by page, files too large for one request.

A refusal of S3 becomes a ``StateError`` with the error that the caller names, and a cause in the Java SDK 1's form.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfn_emulator.errors import StateError
from sfn_emulator.tasks.clients import Clients
from sfn_emulator.tasks.sdk.failures import no_answer, unreachable
from sfn_emulator.values import Value, dumps

RANGE: Final = 2 * 1024 * 1024
"""Bytes of an object per request."""

PART: Final = 8 * 1024 * 1024
"""Bytes of an upload's part; S3 wants 5 MiB at least."""

_GET: Final = ("Bucket", "Key", "VersionId", "ExpectedBucketOwner", "RequestPayer")
_LIST: Final = ("Bucket", "Prefix", "StartAfter", "Delimiter", "ExpectedBucketOwner", "FetchOwner", "RequestPayer")


class S3:
    """S3 in one region; ``error`` is the name of the error for its refusals. Blocking."""

    def __init__(self, clients: Clients, region: str, error: str) -> None:
        self._clients = clients
        self._region = region
        self.error = error

    def failure(self, cause: str) -> StateError:
        return StateError(self.error, cause)

    def call(self, method: str, **arguments: Any) -> Any:
        """Makes a call. Raises ``StateError`` for a refusal, but ``InvalidRangeError`` for an offset beyond the end."""
        from botocore.exceptions import ClientError

        try:
            return getattr(self._clients.client("s3", self._region), method)(**arguments)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "InvalidRange":
                raise InvalidRangeError from None
            raise self.failure(refusal(error.response)) from None
        except no_answer() as error:
            raise self.failure(unreachable("S3", error).cause or "") from None

    # -- reading

    def blocks(self, where: Mapping[str, Value]) -> Iterator[bytes]:
        """An object's bytes, range by range, all of the same version of it."""
        arguments = _known(where, _GET)
        start = 0
        while True:
            body, total, arguments["IfMatch"] = self._range(arguments, start, RANGE)
            start += len(body)
            if body:
                yield body
            if not body or start >= total:
                return

    def _range(self, arguments: dict[str, Any], start: int, length: int) -> tuple[bytes, int, str]:
        """The bytes, the object's size and its ETag."""
        present = {name: value for name, value in arguments.items() if value is not None}
        try:
            answer = self.call("get_object", **present, Range=f"bytes={start}-{start + length - 1}")
        except InvalidRangeError:
            return b"", start, ""
        body = bytes(answer["Body"].read())
        total = str(answer.get("ContentRange") or "").rpartition("/")[2]
        return body, int(total) if total.isdigit() else start + len(body), str(answer.get("ETag") or "")

    def read_at(self, where: Mapping[str, Value], start: int, length: int) -> tuple[bytes, int]:
        """Some bytes, and the object's size."""
        body, total, _ = self._range(_known(where, _GET), start, length)
        return body, total

    def whole(self, where: Mapping[str, Value]) -> bytes:
        return b"".join(self.blocks(where))

    def pages(self, where: Mapping[str, Value]) -> Iterator[list[dict[str, Any]]]:
        """ListObjectsV2, all pages."""
        arguments = _known(where, _LIST)
        while True:
            answer = self.call("list_objects_v2", **arguments)
            yield answer.get("Contents", [])
            if not answer.get("IsTruncated"):
                return
            arguments["ContinuationToken"] = answer["NextContinuationToken"]


class InvalidRangeError(Exception):
    """There is nothing at that offset."""


def _known(where: Mapping[str, Value], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: parameter(where[name]) for name in names if where.get(name) is not None}


def parameter(value: Value) -> str | bool:
    """A parameter for S3: a number or an object becomes its JSON text, as in texts for any service."""
    return value if isinstance(value, str | bool) else dumps(value)


def refusal(response: Mapping[str, Any]) -> str:
    """An S3 refusal in the Java SDK 1's form."""
    said, about = response.get("Error", {}), response.get("ResponseMetadata", {})
    return (
        f"{said.get('Message') or 'null'} (Service: Amazon S3; Status Code: {about.get('HTTPStatusCode', 400)}; "
        f"Error Code: {said.get('Code', '')}; Request ID: {about.get('RequestId') or 'null'}; "
        f"S3 Extended Request ID: {about.get('HostId') or 'null'}; Proxy: null)"
    )


def uri(bucket: Value, key: Value = None) -> str:
    """The URI in the form of ``$$.Map.Item.Source`` (recorded 2026-04)."""
    return f"s3://{bucket}" if key is None else f"s3://{bucket}/{key}"


class Upload:
    """An object written piece by piece: one request if it is small, parts if it is not."""

    def __init__(self, s3: S3, bucket: str, key: str) -> None:
        self.key = key
        self.size = 0
        self._s3 = s3
        self._where = {"Bucket": bucket, "Key": key}
        self._buffer: list[bytes] = []
        self._waiting = 0
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self._buffer.append(data)
        self._waiting += len(data)
        self.size += len(data)
        if self._waiting >= PART:
            self._send_part()

    def _take(self) -> bytes:
        data = b"".join(self._buffer)
        self._buffer, self._waiting = [], 0
        return data

    def _send_part(self) -> None:
        if self._upload is None:
            self._upload = self._s3.call("create_multipart_upload", **self._where)["UploadId"]
        number = len(self._parts) + 1
        sent = self._s3.call("upload_part", **self._where, UploadId=self._upload, PartNumber=number, Body=self._take())
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    def close(self) -> None:
        if self._upload is None:
            self._s3.call("put_object", **self._where, Body=self._take())
            return
        if self._waiting:
            self._send_part()
        self._s3.call(
            "complete_multipart_upload",
            **self._where,
            UploadId=self._upload,
            MultipartUpload={"Parts": self._parts},
        )
