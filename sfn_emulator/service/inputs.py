"""Execution inputs: JSON text, kept as it was given."""

import re
from typing import Final

from sfn_emulator.query.java import jackson
from sfn_emulator.service.errors import refuse
from sfn_emulator.values import PAYLOAD_LIMIT, Value, loads

_DEEPEST: Final = 1_000
_NESTING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_STEP: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


def read_input(text: str) -> Value:
    """The input's value; raises ``InvalidExecutionInput`` in the words of AWS's parser, or for more than 256 KiB."""
    if len(text) > PAYLOAD_LIMIT // 4 and len(text.encode("utf-8", "surrogatepass")) > PAYLOAD_LIMIT:
        raise refuse("InvalidExecutionInput", f"Input exceeds {PAYLOAD_LIMIT} bytes")
    if is_too_deep(text):
        raise refuse("InvalidExecutionInput", jackson.too_deep(_DEEPEST))
    try:
        return loads(text)
    except ValueError:
        raise refuse("InvalidExecutionInput", fault_of(text)) from None


def is_too_deep(text: str) -> bool:
    """Whether JSON text is nested deeper than 1,000 levels."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return False
    depth = 0
    for found in _NESTING.finditer(text):
        depth += _STEP.get(found[0], 0)
        if depth > _DEEPEST:
            return True
    return False


def fault_of(text: str) -> str:
    """The fault of a JSON text in Jackson's words, without its place (recorded)."""
    return jackson.fault_of(text, _DEEPEST)
