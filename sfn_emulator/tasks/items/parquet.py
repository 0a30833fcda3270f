"""Parquet files, read by pyarrow (the extra ``parquet``), row group by row group and batch by batch."""

import base64
import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from sfn_emulator.tasks.items.s3 import S3
from sfn_emulator.tasks.items.text import failure
from sfn_emulator.values import Value

LARGEST_ROW_GROUP: Final = 256 * 1024 * 1024
"""Bytes (`input-output-itemreader`)."""
_BATCH: Final = 500
_MISSING: Final = "Reading Parquet items needs pyarrow: pip install 'sfn-emulator[parquet]'."


def rows(s3: S3, where: Mapping[str, Value]) -> Iterator[dict[str, Value]]:
    """The rows; each is an object with the columns' names."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise failure(_MISSING) from None
    if where.get("VersionId") is not None:
        raise failure("The field 'VersionId' is not supported when the InputType is PARQUET.")
    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.PythonFile(_Remote(s3, where), mode="r"))
    except pyarrow.ArrowException as error:
        raise failure(f"The file is not valid Parquet: {error}") from None
    for group in range(file.metadata.num_row_groups):
        if file.metadata.row_group(group).total_byte_size > LARGEST_ROW_GROUP:
            raise failure(f"A row group of the Parquet file exceeds {LARGEST_ROW_GROUP} bytes.")
    return _rows(file)


def _rows(file: Any) -> Iterator[dict[str, Value]]:
    for batch in file.iter_batches(batch_size=_BATCH):
        for row in batch.to_pylist():
            yield {name: as_json(value) for name, value in row.items()}


def as_json(value: Any) -> Value:
    """A value as JSON: dates and times as ISO 8601, decimals as numbers, bytes as text, or as Base64 if they are no
    text.
    """
    if isinstance(value, dict):
        return {str(name): as_json(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, tuple):
        return {"key": as_json(value[0]), "value": as_json(value[1])}
    convert = _SCALARS.get(type(value))
    return value if convert is None else convert(value)


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


_SCALARS: Final[Mapping[type, Any]] = {
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
    Decimal: _number,
    bytes: _text,
}


class _Remote(io.RawIOBase):
    """An object in S3 as a file with random access."""

    def __init__(self, s3: S3, where: Mapping[str, Value]) -> None:
        super().__init__()
        self._s3 = s3
        self._where = where
        self._at = 0
        self._size = s3.read_at(where, 0, 1)[1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        wanted = self._size - self._at if size is None or size < 0 else min(size, self._size - self._at)
        if wanted <= 0:
            return b""
        body = self._s3.read_at(self._where, self._at, wanted)[0]
        self._at += len(body)
        return body
