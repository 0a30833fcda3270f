"""ResultWriter: files of results and their manifest in S3 (`input-output-resultwriter`).

PREFIX/MAP_RUN_ID/manifest.json
PREFIX/MAP_RUN_ID/SUCCEEDED_0.json  FAILED_0.json  PENDING_0.json  …_1.json beyond 5 GB
"""

from collections.abc import Sequence
from typing import Final

from sfn_emulator.engine.ports import WriterSpec
from sfn_emulator.service.map_runs.ports import GROUPS, RESULT_WRITER_FAILED
from sfn_emulator.tasks.clients import Clients
from sfn_emulator.tasks.items.s3 import S3, Upload, parameter
from sfn_emulator.values import Value, dumps

LARGEST_FILE: Final = 5 * 1024**3
"""Bytes after which the next file begins."""


class ResultFiles:
    """Implements ``service.map_runs.ports.ResultFiles``. Make it in a thread: it asks for the bucket."""

    def __init__(
        self, spec: WriterSpec, clients: Clients, region: str, map_run_arn: str, largest: int = LARGEST_FILE
    ) -> None:
        self._s3 = S3(clients, region, RESULT_WRITER_FAILED)
        where = spec.arguments if isinstance(spec.arguments, dict) else {}
        if where.get("Bucket") is None:
            raise self._s3.failure("The field 'Bucket' is required but was missing")
        self._bucket = str(parameter(where["Bucket"]))
        self._arn = map_run_arn
        prefix = str(parameter(where.get("Prefix") or "")).strip("/")
        self._place = "/".join(part for part in (prefix, map_run_arn.rpartition(":")[2]) if part)
        self._json_lines = spec.config.get("OutputType") == "JSONL"
        self._largest = largest
        self._open: dict[str, Upload] = {}
        self._done: dict[str, list[Value]] = {group: [] for group in GROUPS}
        self._s3.call("get_bucket_location", Bucket=self._bucket)

    def add(self, group: str, results: Sequence[bytes]) -> None:
        for result in results:
            file = self._open.get(group)
            if file is not None and file.size + len(result) > self._largest:
                self._close(group)
                file = None
            if file is None:
                file = self._open[group] = self._begin(group)
                file.write(result if self._json_lines else b"[" + result)
            else:
                file.write(result if self._json_lines else b"," + result)
            if self._json_lines:
                file.write(b"\n")

    def _begin(self, group: str) -> Upload:
        suffix = "jsonl" if self._json_lines else "json"
        return Upload(self._s3, self._bucket, f"{self._place}/{group}_{len(self._done[group])}.{suffix}")

    def _close(self, group: str) -> None:
        file = self._open.pop(group)
        if not self._json_lines:
            file.write(b"]")
        file.close()
        self._done[group].append({"Key": file.key, "Size": file.size})

    def finish(self) -> str:
        for group in list(self._open):
            self._close(group)
        manifest = Upload(self._s3, self._bucket, f"{self._place}/manifest.json")
        told = {"DestinationBucket": self._bucket, "MapRunArn": self._arn, "ResultFiles": self._done}
        manifest.write(dumps(told).encode())
        manifest.close()
        return manifest.key
