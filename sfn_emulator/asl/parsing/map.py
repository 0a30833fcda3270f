"""The Map state (`state-map-inline`, `state-map-distributed`)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from sfn_emulator.asl.model import (
    CSV_DELIMITERS,
    Branch,
    Distribution,
    ItemBatcher,
    ItemReader,
    MachineType,
    Map,
    Number,
    ResultWriter,
)
from sfn_emulator.asl.parsing.draft import LONGEST, Fields
from sfn_emulator.asl.parsing.fields import check_fields, check_language, refuse_field
from sfn_emulator.asl.parsing.queries import amount, jsonata_template, payload, reference, template
from sfn_emulator.asl.resource import Family, Resource, parse_resource
from sfn_emulator.asl.text.report import DUPLICATE_LABEL, INVALID_LABEL
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.query.jsonata.expression import is_expression
from sfn_emulator.values import PAYLOAD_LIMIT, Value

LONGEST_LABEL: Final = 40
MOST_ITEMS: Final = 100_000_000

_UNFIT: Final = re.compile(r'[\s?*<>{}\[\]:;,\\|^~$#%&`"\x00-\x1f\x7f-\x9f]')
_PROCESSOR_CONFIG: Final = frozenset(("Mode", "ExecutionType"))
_DISTRIBUTED_ONLY: Final = [
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "Label",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
]
_READER: Final = frozenset(["Resource", "ReaderConfig", "Parameters", "Arguments"])
_READER_CONFIG: Final[dict[str, tuple[str, ...]]] = {
    "InputType": ("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"),
    "Transformation": ("NONE", "LOAD_AND_FLATTEN"),
    "CSVHeaderLocation": ("FIRST_ROW", "GIVEN"),
    "CSVDelimiter": tuple(CSV_DELIMITERS),
    "ManifestType": ("S3_INVENTORY", "ATHENA_DATA"),
}
_READER_CONFIG_FIELDS: Final = frozenset(_READER_CONFIG) | {"CSVHeaders", "MaxItems", "MaxItemsPath", "ItemsPointer"}
_WRITER: Final = frozenset(["Resource", "WriterConfig", "Parameters", "Arguments"])
_WRITER_CONFIG: Final[dict[str, tuple[str, ...]]] = {
    "Transformation": ("NONE", "COMPACT", "FLATTEN"),
    "OutputType": ("JSON", "JSONL"),
}
_BATCHER: Final = frozenset(
    ["MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", "BatchInput"]
)
_READING: Final = ("s3:getObject", "s3:listObjectsV2")
_WRITING: Final = ("s3:putObject",)


def processor_field(fields: Fields) -> str | None:
    """ItemProcessor, or its legacy name Iterator; exactly one is wanted."""
    fields.at_most_one("ItemProcessor", "Iterator")
    for key in ("ItemProcessor", "Iterator"):
        if key in fields:
            return key
    fields.require("ItemProcessor")
    return None


def children(processor: Fields) -> tuple[bool, bool]:
    """Whether the items are executions of their own (DISTRIBUTED), and whether these are Express workflows."""
    config = processor.raw.get("ProcessorConfig")
    if not isinstance(config, dict):
        return False, False
    return config.get("Mode") == "DISTRIBUTED", config.get("ExecutionType") == "EXPRESS"


def read_map(fields: Fields, processor: Branch, key: str | None, shared: Mapping[str, Any]) -> Map:
    """``shared``: what a Map has in common with Task and Parallel (flow, next, retry, catch)."""
    if not fields.state.jsonata:
        fields.at_most_one("ItemSelector", "Parameters")
    execution_type = _processor_config(fields, key) if key else None
    distribution = _distribution(fields, execution_type) if execution_type else None
    if distribution is None:
        for name in _DISTRIBUTED_ONLY[:4]:
            if name in fields:
                fields.refuse(f"Field '{name}' is only supported in DISTRIBUTED mode", field=name)
        _tolerated(fields)
    concurrency = _number(fields, "MaxConcurrency", 0, LONGEST)
    return Map(
        processor=processor,
        items=_items(fields),
        selector=payload(fields, "ItemSelector") or (None if fields.state.jsonata else template(fields, "Parameters")),
        max_concurrency=0 if concurrency is None else concurrency,
        distribution=distribution,
        **shared,
    )


def _items(fields: Fields) -> Compiled | None:
    if not fields.state.jsonata:
        return reference(fields, "ItemsPath")
    value = fields.raw.get("Items")
    if "Items" in fields and not isinstance(value, (list, dict)) and not is_expression(value):
        if not fields.stands_in(value):
            message = "The value of 'Items' must be an array, an object or a JSONata expression enclosed in {% %}"
            fields.error("Items", message, "JSONATA")
        return None
    return jsonata_template(fields, "Items")


def _processor_config(fields: Fields, key: str) -> MachineType | None:
    """The children's type in DISTRIBUTED mode, else ``None``."""
    processor = fields.raw[key]
    if not isinstance(processor, dict) or "ProcessorConfig" not in processor:
        return None
    config = fields.inside(processor, key).object("ProcessorConfig")
    if config is None:
        return None
    check_fields(config, _PROCESSOR_CONFIG)
    mode = config.one_of("Mode", ("INLINE", "DISTRIBUTED"))
    kind = config.one_of("ExecutionType", ("STANDARD", "EXPRESS"))
    if mode != "DISTRIBUTED":
        return None
    if fields.draft.machine_type is MachineType.EXPRESS:
        fields.refuse("Express state machine does not support Distributed Map", "EXPRESS", field=key)
    config.require("ExecutionType")
    return MachineType(kind or "STANDARD")


def _distribution(fields: Fields, execution_type: MachineType) -> Distribution:
    count, percentage = _tolerated(fields)
    return Distribution(
        execution_type,
        label=_label(fields),
        reader=_reader(fields),
        batcher=_batcher(fields),
        writer=_writer(fields),
        tolerated_count=count,
        tolerated_percentage=percentage,
    )


def _tolerated(fields: Fields) -> tuple[Number | None, Number | None]:
    count = _number(fields, "ToleratedFailureCount", 0, MOST_ITEMS)
    return count, _number(fields, "ToleratedFailurePercentage", 0.0, 100.0)


def _label(fields: Fields) -> str | None:
    label = fields.text("Label")
    if label is None:
        return None
    report, place = fields.draft.report, fields.at("Label")
    if not label or len(label) > LONGEST_LABEL or _UNFIT.search(label):
        message = f"The label must have 1 to {LONGEST_LABEL} characters and no white space, brackets or wildcards"
        report.error(place, message, code=INVALID_LABEL)
    elif label in fields.draft.labels:
        report.error(place, f"Duplicate label: {label}", code=DUPLICATE_LABEL)
    fields.draft.labels.setdefault(label, place)
    return label


def _s3_resource(fields: Fields, allowed: tuple[str, ...]) -> Resource | None:
    arn = fields.text("Resource")
    if arn is None or fields.stands_in(arn):
        return None
    resource = parse_resource(arn)
    if resource and resource.family is Family.SERVICE and f"{resource.resource_type}:{resource.resource}" in allowed:
        return resource
    wanted = " or ".join(f"arn:aws:states:::{name}" for name in allowed)
    fields.error("Resource", f"The resource provided {arn} is not supported here: it must be {wanted}")
    return None


def _arguments(fields: Fields) -> Compiled | None:
    check_language(fields, "Parameters", "Arguments")
    return jsonata_template(fields, "Arguments") if fields.state.jsonata else template(fields, "Parameters")


def _chosen(config: Fields, choices: dict[str, tuple[str, ...]]) -> dict[str, Value | Compiled]:
    chosen = {name: config.one_of(name, allowed) for name, allowed in choices.items()}
    return {name: value for name, value in chosen.items() if value is not None}


def _reader(fields: Fields) -> ItemReader | None:
    reader = fields.object("ItemReader")
    if reader is None:
        return None
    check_fields(reader, _READER)
    reader.require("Resource")
    resource = _s3_resource(reader, _READING)
    config = _reader_config(reader.object("ReaderConfig"), resource)
    arguments = _arguments(reader)
    return None if resource is None else ItemReader(resource, config, arguments)


def _reader_config(config: Fields | None, resource: Resource | None) -> dict[str, Value | Compiled]:
    if config is None:
        return {}
    check_fields(config, _READER_CONFIG_FIELDS)
    check_language(config, "MaxItemsPath")
    read = _chosen(config, _READER_CONFIG)
    _check_input_type(config, resource)
    read.update(_column_names(config))
    most = _number(config, "MaxItems", 0, MOST_ITEMS)
    if most is not None:
        read["MaxItems"] = most
    if (pointer := config.text("ItemsPointer")) is not None:
        read["ItemsPointer"] = pointer
    return read


def _check_input_type(config: Fields, resource: Resource | None) -> None:
    """Which fields go with which InputType (recorded 2026-04)."""
    kind, location = config.raw.get("InputType"), config.raw.get("CSVHeaderLocation")
    if kind is None and "InputType" not in config:
        loaded = config.raw.get("Transformation") == "LOAD_AND_FLATTEN"
        read = "ManifestType" not in config and resource is not None and resource.action == "getObject"
        if loaded or read:
            config.need("InputType")
    elif kind == "CSV":
        config.need("CSVHeaderLocation")
        if location == "GIVEN":
            config.need("CSVHeaders")
    elif not config.stands_in(kind):
        for name in config.raw:
            if name.startswith("CSV") or (name == "ManifestType" and kind == "JSON"):
                refuse_field(config, name, of_other_language=False)


def _column_names(config: Fields) -> dict[str, Value]:
    names = config.array("CSVHeaders")
    if names is None:
        return {}
    if not all(isinstance(name, str) for name in names):
        config.error("CSVHeaders", "Expected an array of values of type String")
    return {"CSVHeaders": names}


def _number(fields: Fields, key: str, low: float, high: float) -> Number | None:
    """A Map's numbers have error messages of their own, and their paths may not lead into the context object.

    Both measured on AWS (floci issue 3733); so are the limits.
    """
    by_path = key + "Path"
    if not fields.state.jsonata and len(fields.at_most_one(key, by_path)) > 1:
        return None
    path = fields.raw.get(by_path)
    if isinstance(path, str) and path.startswith("$$"):
        fields.error(by_path, "Value is not a Reference Path", "JSON_PATH")
        return None
    return amount(fields, key, low, high, whole=isinstance(low, int))


def _batch_size(batcher: Fields, key: str, high: int) -> Number | None:
    """The guide asks for a positive number; AWS's message for a negative one names 0 as the least (floci issue
    3733).
    """
    value = batcher.raw.get(key)
    negative = isinstance(value, int) and value < 0
    return _number(batcher, key, 0 if negative else 1, high)


def _batcher(fields: Fields) -> ItemBatcher | None:
    batcher = fields.object("ItemBatcher")
    if batcher is None:
        return None
    check_fields(batcher, _BATCHER)
    check_language(batcher, "MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath")
    if _BATCHER.isdisjoint(batcher.raw.keys() - {"BatchInput"}):
        batcher.refuse("One of these fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch]")
    return ItemBatcher(
        max_items=_batch_size(batcher, "MaxItemsPerBatch", MOST_ITEMS),
        max_bytes=_batch_size(batcher, "MaxInputBytesPerBatch", PAYLOAD_LIMIT),
        batch_input=payload(batcher, "BatchInput"),
    )


def _writer(fields: Fields) -> ResultWriter | None:
    writer = fields.object("ResultWriter")
    if writer is None:
        return None
    check_fields(writer, _WRITER)
    if "WriterConfig" not in writer:
        writer.require("Resource")
    resource = _s3_resource(writer, _WRITING)
    config = writer.object("WriterConfig")
    chosen: dict[str, Value | Compiled] = {}
    if config is not None:
        check_fields(config, frozenset(_WRITER_CONFIG))
        chosen = _chosen(config, _WRITER_CONFIG)
    return ResultWriter(resource, chosen, _arguments(writer))
