"""moto keeps mappings and pipes, but does not deliver for them. Those that are not supported here are refused."""

import importlib
from collections.abc import Mapping
from functools import wraps
from typing import Any, Final

from sfn_emulator.cloud.keeping.moment import is_new
from sfn_emulator.cloud.sources.filters import FilterError, patterns_of
from sfn_emulator.cloud.sources.pipes import refusal

_NOT_SERVED: Final = {
    "TumblingWindowInSeconds": "Tumbling windows are not served here.",
    "SelfManagedEventSource": "Self-managed Kafka is no event source here.",
    "AmazonManagedKafkaEventSourceConfig": "Kafka is no event source here.",
    "DocumentDBEventSourceConfig": "DocumentDB is no event source here.",
    "Queues": "Message brokers are no event source here.",
    "Topics": "Kafka is no event source here.",
}
"""Parameters of a mapping that are not supported, and refused."""
_PIPE_PARAMETERS: Final = {
    "Source": "source",
    "SourceParameters": "source_parameters",
    "Enrichment": "enrichment",
    "Target": "target",
}


def take_over_mappings() -> None:
    """Called once moto's Lambda is imported: queues, tables and streams deliver to nobody on their own."""
    for module, name in (("sqs.models", "Queue"), ("dynamodb.models.table", "Table"), ("kinesis.models", "Stream")):
        owner: Any = getattr(importlib.import_module(f"moto.{module}"), name)
        owner.lambda_event_source_mappings = property(lambda self: _Nobody(), lambda self, value: None)
    backend: Any = importlib.import_module("moto.awslambda.models").LambdaBackend
    backend.create_event_source_mapping = _checked(backend.create_event_source_mapping)


def take_over_pipes() -> None:
    """Called once moto's Pipes is imported."""
    backend: Any = importlib.import_module("moto.pipes.models").EventBridgePipesBackend
    error: Any = importlib.import_module("moto.pipes.exceptions").ValidationException
    inner = backend.create_pipe

    @wraps(inner)
    def create_pipe(self: Any, *arguments: Any, **named: Any) -> Any:
        text = refusal({told: named.get(name) for told, name in _PIPE_PARAMETERS.items()})
        if text is not None and is_new():
            raise error(text)
        pipe = inner(self, *arguments, **named)
        pipe.began = last_numbers(self.account_id, self.region_name, pipe.source)
        return pipe

    if not hasattr(inner, "__wrapped__"):
        backend.create_pipe = create_pipe


class _Nobody(dict[str, Any]):
    """Accepts mappings and stays empty."""

    def __setitem__(self, name: str, value: Any) -> None: ...


def _checked(inner: Any) -> Any:
    if hasattr(inner, "__wrapped__"):
        return inner

    @wraps(inner)
    def create_event_source_mapping(self: Any, spec: dict[str, Any]) -> Any:
        refused: Any = importlib.import_module("moto.awslambda.exceptions").InvalidParameterValueException
        text = next((text for name, text in _NOT_SERVED.items() if spec.get(name)), None)
        try:
            patterns_of(spec.get("FilterCriteria"))
        except FilterError as error:
            text = str(error)
        if text is not None and is_new():
            raise refused(text)
        mapping = inner(self, spec)
        mapping.began = last_numbers(self.account_id, self.region_name, mapping.event_source_arn)
        return mapping

    return create_event_source_mapping


def last_numbers(account: str, region: str, arn: str) -> Mapping[str, str]:
    """Per shard of a stream, the number of its last record now; nothing for a queue."""
    service = arn.split(":")[2]
    if service == "kinesis":
        streams = importlib.import_module("moto.kinesis.models").kinesis_backends[account][region].streams
        found = streams.get(arn.split("/")[1])
        return {} if found is None else {s.shard_id: str(s.get_max_sequence_number()) for s in found.shards.values()}
    if service == "dynamodb":
        tables = importlib.import_module("moto.dynamodb.models").dynamodb_backends[account][region].tables
        table = tables.get(arn.split("/")[1])
        shard = None if table is None else table.stream_shard
        return {} if shard is None else {shard.id: str(shard.starting_sequence_number + len(shard.items) - 1)}
    return {}
