"""The items and results of Distributed Maps in S3: implements ``service.map_runs.ports.MapData``."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from sfn_emulator.asl.resource import Resource, parse_resource
from sfn_emulator.engine.ports import Identity, ReaderSpec, TaskRequest, Work, WriterSpec
from sfn_emulator.errors import StateError
from sfn_emulator.service.map_runs.ports import ITEM_READER_FAILED, RESULT_WRITER_FAILED, ItemBlock
from sfn_emulator.tasks.clients import Clients
from sfn_emulator.tasks.iam.guard import Guard
from sfn_emulator.tasks.items import reader as item_reader
from sfn_emulator.tasks.items.result_writer import ResultFiles
from sfn_emulator.tasks.workers import Workers
from sfn_emulator.values import Value

T = TypeVar("T")

_FAILURES: Final = {"getObject": ITEM_READER_FAILED, "listObjectsV2": ITEM_READER_FAILED}


class S3MapData:
    """Uses the clients and worker threads of Tasks; a ``guard`` is asked for permission first."""

    def __init__(self, clients: Clients, workers: Workers, guard: Guard | None = None) -> None:
        self._clients = clients
        self._workers = workers
        self._guard = guard

    def read(self, spec: ReaderSpec, identity: Identity) -> Iterator[ItemBlock]:
        self._check(spec.resource, spec.arguments, identity)
        yield from item_reader.read(spec, self._clients, identity.region)

    def write(self, spec: WriterSpec, identity: Identity, map_run_arn: str) -> ResultFiles:
        assert spec.resource is not None, "results without a ResultWriter destination are not written"
        self._check(spec.resource, spec.arguments, identity)
        return ResultFiles(spec, self._clients, identity.region, map_run_arn)

    def run(self, job: Callable[[], T], done: Callable[[T | Exception], None]) -> Work:
        return self._workers.run(job, done)

    def _check(self, resource: Resource, arguments: Value, identity: Identity) -> None:
        """Checks a call like that of a Task, but with the error of a reader or writer."""
        action = parse_resource(f"arn:aws:states:::aws-sdk:s3:{resource.action}")
        assert action is not None
        request = TaskRequest(action, arguments, "", identity, "", 0)
        if self._guard is None or not self._guard.asks(request):
            return
        try:
            self._guard.check(request)
        except StateError as error:
            raise StateError(_FAILURES.get(resource.action, RESULT_WRITER_FAILED), error.cause) from None
