"""How long a Wait state waits (`state-wait`)."""

from sfn_emulator.asl.model import Number
from sfn_emulator.asl.parsing.draft import LONGEST, Fields
from sfn_emulator.asl.parsing.queries import amount, expression, reference
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.query.jsonata.expression import is_expression
from sfn_emulator.query.timestamps import NOT_A_TIMESTAMP, parse_timestamp


def read_seconds(fields: Fields) -> Number | None:
    return amount(fields, "Seconds", 0, LONGEST)


def read_timestamp(fields: Fields) -> float | Compiled | None:
    """Epoch seconds of a literal RFC 3339 timestamp, a path, or a JSONata expression."""
    if not fields.state.jsonata and "TimestampPath" in fields:
        return reference(fields, "TimestampPath")
    if "Timestamp" not in fields:
        return None
    value = fields.raw["Timestamp"]
    if fields.state.jsonata and is_expression(value):
        return expression(fields, "Timestamp")
    instant = parse_timestamp(value)
    if instant is None and not fields.stands_in(value):
        fields.error("Timestamp", NOT_A_TIMESTAMP)
    return instant
