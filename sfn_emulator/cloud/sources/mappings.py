"""Event source mappings: a queue's or a stream's records as a function's event."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from sfn_emulator.cloud.sources.filters import patterns_of
from sfn_emulator.cloud.sources.records import Batching, Deliver, Failed, Record

Invoke: TypeAlias = Callable[[str, bytes], tuple[bytes, str | None]]
"""(function's ARN, event) → its answer, and why it failed (``None`` if it did not). Waits; never raises."""

PARTIAL: Final = "ReportBatchItemFailures"


def batching_of(mapping: Any) -> Batching:
    """The batching of a mapping, from moto. ``mapping.began`` is noted when it is made."""
    failure = ((mapping.destination_config or {}).get("OnFailure") or {}).get("Destination")
    return Batching(
        size=int(mapping.batch_size),
        window=float(mapping.max_batch_window or 0),
        filters=patterns_of(mapping.filter_criteria),
        most_retries=_limit(mapping.max_retry_attempts),
        most_age=float(_limit(mapping.max_record_age)),
        bisect=bool(mapping.bisect_on_error),
        start=mapping.starting_position or "TRIM_HORIZON",
        start_at=_seconds(mapping.starting_position_timestamp),
        on_failure=failure,
        lanes=int(mapping.parallelization_factor or 1),
        began=getattr(mapping, "began", None) or {},
    )


def to_function(arn: str, invoke: Invoke, *, partial: bool) -> Deliver:
    """``partial``: the function's answer names the records that failed."""

    def deliver(records: Sequence[Record]) -> Failed | None:
        event = json.dumps({"Records": [record.body for record in records]}).encode()
        answer, error = invoke(arn, event)
        if error is not None:
            return Failed(None, error)
        return failures(answer, records) if partial else None

    return deliver


def failures(answer: bytes, records: Sequence[Record]) -> Failed | None:
    """The failures that ``batchItemFailures`` of an answer names. An answer that can't be understood fails the whole
    batch.
    """
    try:
        told = json.loads(answer or b"null")
        items = (told or {}).get("batchItemFailures") or []
        ids = frozenset(item["itemIdentifier"] for item in items)
    except (ValueError, TypeError, KeyError, AttributeError):
        return Failed(None, "the answer's batchItemFailures can't be read")
    if not ids:
        return None
    if not ids <= {record.id for record in records}:
        return Failed(None, "batchItemFailures names a record that is not of the batch")
    return Failed(ids, "reported by the function")


def _limit(value: Any) -> int:
    return -1 if value is None else int(value)


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    return value.timestamp() if isinstance(value, datetime) else float(value)
