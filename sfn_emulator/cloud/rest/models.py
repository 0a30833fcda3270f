"""Whether a body is what a model says (API Gateway, "Data models for REST APIs": JSON Schema, draft 4).

A model is somebody's program: a pattern may take for ever, definitions may refer to each other without end, and a
reference may name a file or a host. So patterns have a time, all of it has a share of a processor, and nothing is
fetched.
"""

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import orjson

from sfn_emulator.cloud.corrections.patience import Patience, TooLongError
from sfn_emulator.cloud.rest.faults import GatewayError
from sfn_emulator.query.bounded import PatternError, contains
from sfn_emulator.query.equality import identity

_PATIENCE: Final = Patience(3.0)
"""Seconds of a processor."""


def check_body(body: bytes, schema: Mapping[str, Any], patience: Patience = _PATIENCE) -> None:
    """Raises ``GatewayError`` for a body that does not fit, and if it can't be checked."""
    from jsonschema.exceptions import SchemaError
    from referencing.exceptions import Unresolvable

    try:
        with patience.bounded():
            fits = _validator()(schema).is_valid(orjson.loads(body or b"null"))
    except (ValueError, SchemaError):
        fits = False
    except (RecursionError, Unresolvable, PatternError, TooLongError):
        raise GatewayError(500, "Internal server error", "InternalServerErrorException") from None
    if not fits:
        raise GatewayError(400, "Invalid request body", "BadRequestException")


@cache
def _validator() -> Any:
    import referencing
    from jsonschema import Draft4Validator, ValidationError

    def pattern(validator: Any, told: str, value: Any, _: Any) -> Iterator[Any]:
        if validator.is_type(value, "string") and not contains(told, value):
            yield ValidationError("")

    def patterns(validator: Any, told: Mapping[str, Any], value: Any, _: Any) -> Iterator[Any]:
        for expression, schema in told.items() if validator.is_type(value, "object") else ():
            for name in filter(lambda name: contains(expression, name), value):
                yield from validator.descend(value[name], schema)

    def unique(validator: Any, told: bool, value: Any, _: Any) -> Iterator[Any]:
        if told and validator.is_type(value, "array") and len(set(map(identity, value))) < len(value):
            yield ValidationError("")

    kind = importlib.import_module("jsonschema.validators").extend(
        Draft4Validator, {"pattern": pattern, "patternProperties": patterns, "uniqueItems": unique}
    )
    return lambda schema: kind(schema, registry=referencing.Registry())
