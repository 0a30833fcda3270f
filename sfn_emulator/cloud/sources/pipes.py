"""EventBridge Pipes: a source's records, filtered, enriched, and handed to a state machine or a function.

Source: EventBridge User Guide, ``eb-pipes``. The target gets a batch as a JSON array.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sfn_emulator.cloud.delivery.sending import Client
from sfn_emulator.cloud.events.rules import selected
from sfn_emulator.cloud.events.transformer import transformed
from sfn_emulator.cloud.sources.filters import FilterError, patterns_of
from sfn_emulator.cloud.sources.mappings import Invoke, failures
from sfn_emulator.cloud.sources.records import Batching, Deliver, Failed, Record

_PARAMETERS: Final = {
    "sqs": "SqsQueueParameters",
    "dynamodb": "DynamoDBStreamParameters",
    "kinesis": "KinesisStreamParameters",
}
"""Per service of a source, the name of its parameters."""
_SIZES: Final = {"sqs": 10, "dynamodb": 100, "kinesis": 100}


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe as moto keeps it, without the parts that are only for display."""

    arn: str
    name: str
    source: str
    source_parameters: Mapping[str, Any]
    enrichment: str | None
    enrichment_parameters: Mapping[str, Any]
    target: str
    target_parameters: Mapping[str, Any]


def refusal(told: Mapping[str, Any]) -> str | None:
    """Why a pipe is not supported; ``None`` if it is. ``told`` are CreatePipe's parameters."""
    try:
        patterns_of((told.get("SourceParameters") or {}).get("FilterCriteria"))
    except FilterError as error:
        return str(error)
    for role, known in (("Source", _PARAMETERS), ("Enrichment", _ENRICHMENTS), ("Target", _TARGETS)):
        arn = told.get(role)
        if arn and _service(arn) not in known:
            return f"A pipe's {role} of {_service(arn) or arn} is not served here; {', '.join(sorted(known))} are."
    return None


def batching_of(pipe: Pipe, began: Mapping[str, str]) -> Batching:
    """How a pipe reads its source, from its SourceParameters; ``began`` are its positions for LATEST."""
    service = _service(pipe.source)
    told = pipe.source_parameters.get(_PARAMETERS[service]) or {}
    return Batching(
        size=int(told.get("BatchSize") or _SIZES[service]),
        window=float(told.get("MaximumBatchingWindowInSeconds") or 0),
        filters=patterns_of(pipe.source_parameters.get("FilterCriteria")),
        most_retries=int(told.get("MaximumRetryAttempts", -1)),
        most_age=float(told.get("MaximumRecordAgeInSeconds", -1)),
        bisect=told.get("OnPartialBatchItemFailure") == "AUTOMATIC_BISECT",
        start=told.get("StartingPosition", "TRIM_HORIZON"),
        on_failure=(told.get("DeadLetterConfig") or {}).get("Arn"),
        lanes=int(told.get("ParallelizationFactor") or 1),
        began=began,
    )


def through(pipe: Pipe, invoke: Invoke, client: Client) -> Deliver:
    """Enriches a batch and delivers it. If the target refuses it or fails, the batch fails."""
    enrich = None if pipe.enrichment is None else _ENRICHMENTS[_service(pipe.enrichment)]
    hand_on = _TARGETS[_service(pipe.target)]

    def deliver(records: Sequence[Record]) -> Failed | None:
        try:
            events: list[Any] = [dict(record.body) for record in records]
            if enrich is not None and pipe.enrichment is not None:
                asked = _filled(pipe, pipe.enrichment_parameters, events)
                events = _listed(enrich(pipe.enrichment, asked, invoke, client))
            events = _filled(pipe, pipe.target_parameters, events)
            return hand_on(pipe, events, records, invoke, client) if events else None
        except _PipeError as error:
            return Failed(None, str(error))
        except Exception as error:  # a client's error: its text is the service's own
            return Failed(None, str(error))

    return deliver


class _PipeError(Exception):
    """An enrichment or a target failed; the text says how."""


# -- templates


def _filled(pipe: Pipe, parameters: Mapping[str, Any], events: Sequence[Any]) -> list[Any]:
    template = parameters.get("InputTemplate")
    if not template:
        return list(events)
    return [json.loads(transformed(template, _Values(pipe, event))) for event in events]


class _Values(Mapping[str, Any]):
    """The values of a template's ``<$.path>`` and ``<aws.pipes...>``. A text that holds JSON is read as that JSON."""

    def __init__(self, pipe: Pipe, event: Any) -> None:
        self._reserved = {
            "aws.pipes.pipe-arn": pipe.arn,
            "aws.pipes.pipe-name": pipe.name,
            "aws.pipes.source-arn": pipe.source,
            "aws.pipes.target-arn": pipe.target,
            "aws.pipes.event": event,
            "aws.pipes.event.json": event,
        }
        self._event = _opened(event)

    def __getitem__(self, name: str) -> Any:
        return self._reserved[name] if name in self._reserved else selected(name, self._event)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._reserved or name.startswith("$"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._reserved)

    def __len__(self) -> int:
        return len(self._reserved)


def _opened(event: Any) -> Any:
    if not isinstance(event, Mapping) or not isinstance(event.get("body"), str):
        return event
    try:
        return {**event, "body": json.loads(event["body"])}
    except ValueError:
        return event


# -- enrichments


def _by_function(arn: str, events: Sequence[Any], invoke: Invoke, client: Client) -> Any:
    answer, error = invoke(arn, json.dumps(events).encode())
    if error is not None:
        raise _PipeError(error)
    return json.loads(answer or b"null")


def _by_machine(arn: str, events: Sequence[Any], invoke: Invoke, client: Client) -> Any:
    told = _ended(arn, events, client)
    return json.loads(told.get("output") or "null")


def _listed(answer: Any) -> list[Any]:
    if isinstance(answer, list):
        return answer
    return [] if answer is None or answer == {} or answer == "" else [answer]


# -- targets


def _to_function(
    pipe: Pipe, events: Sequence[Any], records: Sequence[Record], invoke: Invoke, client: Client
) -> Failed | None:
    how = (pipe.target_parameters.get("LambdaFunctionParameters") or {}).get("InvocationType")
    if how == "FIRE_AND_FORGET":
        region = pipe.target.split(":")[3]
        client("lambda", region).invoke(
            FunctionName=pipe.target, InvocationType="Event", Payload=json.dumps(events).encode()
        )
        return None
    answer, error = invoke(pipe.target, json.dumps(events).encode())
    if error is not None:
        return Failed(None, error)
    return failures(answer, records) if b"batchItemFailures" in answer else None


def _to_machine(
    pipe: Pipe, events: Sequence[Any], records: Sequence[Record], invoke: Invoke, client: Client
) -> Failed | None:
    how = (pipe.target_parameters.get("StepFunctionStateMachineParameters") or {}).get("InvocationType")
    if how == "REQUEST_RESPONSE":
        _ended(pipe.target, events, client)
    else:
        region = pipe.target.split(":")[3]
        client("stepfunctions", region).start_execution(stateMachineArn=pipe.target, input=json.dumps(events))
    return None


def _ended(arn: str, events: Sequence[Any], client: Client) -> dict[str, Any]:
    region = arn.split(":")[3]
    told: dict[str, Any] = client("stepfunctions", region).start_sync_execution(
        stateMachineArn=arn, input=json.dumps(events)
    )
    if told["status"] != "SUCCEEDED":
        raise _PipeError(f"{told.get('error', told['status'])}: {told.get('cause', '')}")
    return told


def _service(arn: str) -> str:
    parts = arn.split(":")
    return parts[2] if len(parts) > 5 else ""


_ENRICHMENTS: Final[dict[str, Callable[..., Any]]] = {"lambda": _by_function, "states": _by_machine}
_TARGETS: Final[dict[str, Callable[..., Failed | None]]] = {"lambda": _to_function, "states": _to_machine}
