"""Input transformers: a template whose ``<variables>`` are filled from an event (``eb-transform-target-input``)."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_PIECES: Final = re.compile(r"""\\.|"|<(?P<name>[$A-Za-z0-9_.\[\]*-]+)>|[^\\"<]+|<""", re.DOTALL)


def transformed(template: str, values: Mapping[str, Any]) -> str:
    """The template with its ``<variables>``: bare ones as JSON, those within quotes as text.

    If the result is not JSON, it is one text as a whole.
    """
    filled = _filled(template, values, quoted=False)
    try:
        json.loads(filled)
    except ValueError:
        return f'"{_filled(template, values, quoted=True)}"'
    return filled


def _filled(template: str, values: Mapping[str, Any], *, quoted: bool) -> str:
    """``quoted``: the whole template is the inside of a JSON string."""
    pieces: list[str] = []
    inside = quoted
    for found in _PIECES.finditer(template):
        piece = found[0]
        if found["name"] in values:
            value = values[found["name"]]
            piece = _inner(value) if inside else text_of(value)
        elif quoted:
            piece = text_of(piece)[1:-1]
        elif piece == '"':
            inside = not inside
        pieces.append(piece)
    return "".join(pieces)


def _inner(value: Any) -> str:
    if value is None:
        return ""
    return text_of(value if isinstance(value, str) else text_of(value))[1:-1]


def text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
