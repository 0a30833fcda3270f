"""The Protocols of readers of items and writers of results. The caller that opens the service supplies them.

Readers and result files block, and are used by one worker thread at a time, through ``run``.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from sfn_emulator.engine.ports import Identity, ReaderSpec, Work, WriterSpec
from sfn_emulator.values import Value

T = TypeVar("T")

ITEM_READER_FAILED: Final = "States.ItemReaderFailed"
RESULT_WRITER_FAILED: Final = "States.ResultWriterFailed"

SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
PENDING: Final = "PENDING"
GROUPS: Final = (FAILED, PENDING, SUCCEEDED)
"""The groups of results that get files of their own, in the manifest's order."""


class ItemBlock(NamedTuple):
    """Some items in a row from one source (an S3 URI); ``keys`` where they are an object's members."""

    source: str
    values: list[Value]
    keys: list[str] | None = None


class ResultFiles(Protocol):
    """Result files that are being written. Every method raises ``StateError`` States.ResultWriterFailed."""

    def add(self, group: str, results: Sequence[bytes]) -> None:
        """Adds results, each as JSON text, to the files of a group."""

    def finish(self) -> str:
        """Writes the rest and the manifest. Returns the manifest's key."""


class MapData(Protocol):
    """The source of a Distributed Map's items, and the destination of its results."""

    def read(self, spec: ReaderSpec, identity: Identity) -> Iterator[ItemBlock]:
        """The items, block by block. Raises ``StateError`` States.ItemReaderFailed."""

    def write(self, spec: WriterSpec, identity: Identity, map_run_arn: str) -> ResultFiles:
        """Opens result files, whose bucket must exist. Raises ``StateError`` otherwise."""

    def run(self, job: Callable[[], T], done: Callable[[T | Exception], None]) -> Work:
        """Runs ``job`` in a thread, then ``done`` on the loop."""
