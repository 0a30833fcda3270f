"""A stream that is not there is not found, by ARN too; and the list of streams begins after a name that none need have.

For upstream: ``_find_stream_by_arn`` gives nothing, which its callers take for a stream.
"""

import importlib
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from sfn_emulator.cloud.corrections.replacing import replace


def correct() -> None:
    replace(importlib.import_module("moto.kinesis.models").KinesisBackend, "_find_stream_by_arn", _found)
    replace(importlib.import_module("moto.kinesis.responses").KinesisResponse, "list_streams", _listed)


def _found(inner: Callable[..., Any]) -> Callable[..., Any]:
    exceptions = importlib.import_module("moto.kinesis.exceptions")

    def _find_stream_by_arn(self: Any, stream_arn: str) -> Any:
        stream = inner(self, stream_arn)
        if stream is None:
            raise exceptions.StreamNotFoundError(str(stream_arn).rpartition("/")[2], self.account_id)
        return stream

    return _find_stream_by_arn


def _listed(inner: Callable[..., Any]) -> Callable[..., Any]:
    results = importlib.import_module("moto.core.responses")

    def list_streams(self: Any) -> Any:
        held = self.kinesis_backend.streams
        names = sorted(held)
        most = self._get_param("Limit", 100)
        after = self._get_param("ExclusiveStartStreamName") or self._get_param("NextToken") or ""
        shown = names[bisect_right(names, after) :][:most]
        more = bool(shown) and shown[-1] != names[-1]
        told = {
            "HasMoreStreams": more,
            "StreamNames": shown,
            "StreamSummaries": [held[name].to_json_summary()["StreamDescriptionSummary"] for name in shown],
        }
        return results.ActionResult({**told, "NextToken": shown[-1]} if more else told)

    return list_streams
