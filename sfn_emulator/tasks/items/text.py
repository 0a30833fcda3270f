"""Bytes of an item file → text and lines, decompressed if necessary (`input-output-itemreader`: GZIP, ZSTD)."""

import codecs
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import chain
from typing import Any, Final

from sfn_emulator.errors import StateError
from sfn_emulator.query.java.jackson import fault_of, in_brief
from sfn_emulator.service.map_runs.ports import ITEM_READER_FAILED

LARGEST_ITEM: Final = 8 * 1024 * 1024
"""Bytes an item may have in a file (`input-output-itemreader`)."""

_PIECE: Final = 64 * 1024
"""Bytes decoded at a time, so that the lines of a large block are not all in memory at once."""

_UNPACKED: Final = 1024 * 1024
"""Bytes decompressed at a time: a few may expand to a thousand times as many."""

_DEEPEST: Final = 1_000
_EXPLAINED: Final = 64 * 1024
"""Characters that are looked through for what is wrong with them."""

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_NO_ZSTD: Final = (
    "This file is compressed with Zstandard. Reading it needs Python 3.14 or later, "
    "or one of the packages backports.zstd, zstandard and pyarrow."
)


def failure(cause: str) -> StateError:
    return StateError(ITEM_READER_FAILED, cause)


def malformed(what: str, text: str) -> StateError:
    """The fault of JSON that could not be read, in the words of AWS's parser, unless finding it would take long."""
    told = in_brief(fault_of(text, _DEEPEST)) if len(text) <= _EXPLAINED else "it breaks off, or a value is no JSON"
    return failure(f"{what} is not valid JSON: {told}")


def too_large() -> StateError:
    """The error for an item that is too long; no more of it is read."""
    return failure(f"An item exceeds {LARGEST_ITEM} bytes")


def unpacked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes, decompressed if they begin like a compressed file."""
    first = next(blocks, b"")
    if first.startswith(_GZIP):
        return _gunzip(chain([first], blocks))
    if first.startswith(_ZSTD):
        return _unzstd(chain([first], blocks))
    return chain([first], blocks)


def _gunzip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompresses gzip's members one after the other: a file may have several."""
    inflate = zlib.decompressobj(wbits=31)
    try:
        for block in blocks:
            data, full = block, False
            while data or full:
                yield (piece := inflate.decompress(data, _UNPACKED))
                data = inflate.unconsumed_tail or inflate.unused_data
                full = len(piece) == _UNPACKED and not inflate.eof
                if inflate.eof and data:
                    inflate = zlib.decompressobj(wbits=31)
    except zlib.error as error:
        raise failure(f"The file can't be decompressed: {error}") from None
    if not inflate.eof:
        raise failure("The file can't be decompressed: it ends too early")


def _unzstd(blocks: Iterator[bytes]) -> Iterator[bytes]:
    make, known = _zstd()
    inflate = make()
    try:
        for block in blocks:
            data = block
            while data:
                yield inflate.decompress(data)
                data = inflate.unused_data if inflate.eof else b""
                if data:
                    inflate = make()
    except known as error:
        raise failure(f"The file can't be decompressed: {error}") from None


def _zstd() -> tuple[Callable[[], Any], type[Exception]]:
    """A zstd decompressor that is installed, and the errors it raises."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            module = import_module(name)
        except ImportError:
            continue
        return module.ZstdDecompressor, module.ZstdError
    try:
        zstandard = import_module("zstandard")
    except ImportError:
        return _arrow_zstd()
    return lambda: zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError


def _arrow_zstd() -> tuple[Callable[[], Any], type[Exception]]:
    try:
        pyarrow = import_module("pyarrow")
    except ImportError:
        raise failure(_NO_ZSTD) from None
    return lambda: _Whole(pyarrow), OSError


class _Whole:
    """pyarrow's decompressor knows streams, not pieces: each piece is a stream that goes on in the next."""

    eof = False
    unused_data = b""

    def __init__(self, pyarrow: Any) -> None:
        self._pyarrow = pyarrow
        self._held = b""

    def decompress(self, data: bytes) -> bytes:
        self._held += data
        stream = self._pyarrow.CompressedInputStream(self._pyarrow.BufferReader(self._held), "zstd")
        return bytes(stream.read())


def text(blocks: Iterator[bytes]) -> Iterator[str]:
    """UTF-8, without a byte order mark."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for block in blocks:
            for at in range(0, len(block), _PIECE):
                yield decoder.decode(block[at : at + _PIECE])
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise failure(f"The file is not UTF-8: {error.reason} at byte {error.start}") from None


def lines(blocks: Iterator[bytes]) -> Iterator[str]:
    """Lines without their ends. Raises for one that is too long for an item."""
    rest = ""
    for piece in text(blocks):
        rest += piece
        if "\n" in piece:
            *whole, rest = rest.split("\n")
            yield from (line.removesuffix("\r") for line in whole)
        if len(rest) > LARGEST_ITEM:
            raise too_large()
    if rest:
        yield rest.removesuffix("\r")
