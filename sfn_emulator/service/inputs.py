"""Execution inputs: JSON text, kept as it was given."""

from typing import Final

from sfn_emulator.query.java.jackson import JsonError, scan
from sfn_emulator.service.errors import refuse
from sfn_emulator.values import PAYLOAD_LIMIT, Value, loads

_DEEPEST: Final = 1_000


def read_input(text: str) -> Value:
    """The input's value; raises ``InvalidExecutionInput`` in the words of AWS's parser, or for more than 256 KiB."""
    if len(text) > PAYLOAD_LIMIT // 4 and len(text.encode("utf-8", "surrogatepass")) > PAYLOAD_LIMIT:
        raise refuse("InvalidExecutionInput", f"Input exceeds {PAYLOAD_LIMIT} bytes")
    try:
        return loads(text)
    except ValueError as error:
        raise refuse("InvalidExecutionInput", _fault(text) or str(error)) from None


def _fault(text: str) -> str | None:
    try:
        scan(text, _DEEPEST)
    except JsonError as fault:
        return str(fault)
    return None
