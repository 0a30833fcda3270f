"""Between a Task's JSON and botocore's parameters and results, by botocore's own service model.

``Parameters.problems`` are AWS's words for what makes parameters unusable; an empty list means they can be sent.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sfn_emulator.engine.states.numbers import DECIMAL
from sfn_emulator.query.equality import is_number
from sfn_emulator.query.java.text import json_text
from sfn_emulator.values import Value, loads

Naming = Callable[[str], str]


class Rules(NamedTuple):
    """The rules by which one SDK reads JSON."""

    naming: Naming
    texts: Mapping[str, str] = MappingProxyType({})
    """Structures in whose place a bare text may stand, and the member that the text becomes."""
    documents: frozenset[str] | None = None
    """Members of type string that take an object or an array, too, as its JSON; ``None`` for all."""
    own_case: bool = False
    """Whether the API's own names (``attempts``) are accepted within structures, too."""


class Parameters:
    """Turns a Task's input into keyword arguments for an operation.

    A null is left out, even if it is required: the service then reports that it is missing (recorded).
    """

    def __init__(self, shape: Any, rules: Rules) -> None:
        self._shape = shape
        self._rules = rules

    def problems(self, value: Value) -> list[str]:
        """The faults of the parameters, in AWS's words ("The field \\"X\\" is not supported by Step Functions")."""
        found: list[str] = []
        self._convert(value, found)
        return found

    def __call__(self, value: Value) -> dict[str, Any]:
        """The keyword arguments. Call it only if there are no problems."""
        arguments: dict[str, Any] = self._convert(value, [])
        return arguments

    def _convert(self, value: Value, problems: list[str]) -> dict[str, Any]:
        if self._shape is None:
            problems.extend(unsupported(value or {}))
            return {}
        converted = _structure(self._shape, {} if value is None else value, "Parameters", self._rules, problems)
        return converted if isinstance(converted, dict) else {}


def unsupported(names: Iterable[str]) -> list[str]:
    """AWS's words for fields that an integration does not take (recorded)."""
    return [f'The field "{name}" is not supported by Step Functions' for name in names]


def _structure(shape: Any, value: Value, field: str, rules: Rules, problems: list[str]) -> Any:
    if isinstance(value, str) and shape.name in rules.texts:
        return {rules.texts[shape.name]: value}
    if not isinstance(value, dict):
        return _misfit(field, problems)
    naming = rules.naming
    members = {naming(name): name for name in shape.members}
    if rules.own_case and field != "Parameters":
        members |= {name: name for name in shape.members}
    problems.extend(unsupported(name for name in value if name not in members))
    given = {members[name]: item for name, item in value.items() if name in members and item is not None}
    missing = (naming(name) for name in shape.required_members if naming(name) not in value)
    problems.extend(f"The field '{name}' is required but was missing" for name in missing)
    return {
        name: _converter(shape.members[name])(shape.members[name], item, naming(name), rules, problems)
        for name, item in given.items()
    }


def _misfit(field: str, problems: list[str]) -> None:
    problems.append(f"The value of the field '{field}' has an invalid format")


def _list(shape: Any, value: Value, field: str, rules: Rules, problems: list[str]) -> Any:
    if not isinstance(value, list):
        return _misfit(field, problems)
    convert = _converter(shape.member)
    return [convert(shape.member, item, field, rules, problems) for item in value]


def _map(shape: Any, value: Value, field: str, rules: Rules, problems: list[str]) -> Any:
    if not isinstance(value, dict):
        return _misfit(field, problems)
    convert = _converter(shape.value)
    return {key: convert(shape.value, item, key, rules, problems) for key, item in value.items()}


def no_string(field: str) -> str:
    return f"The value for the field '{field}' must be a STRING"


def _string(shape: Any, value: Value, field: str, rules: Rules, problems: list[str]) -> Any:
    """A number, a boolean or null never becomes a text (seen on AWS: Lambda's Payload, DynamoDB's N)."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list) and (rules.documents is None or field in rules.documents):
        return json_text(value)
    return problems.append(no_string(field))


def _blob(shape: Any, value: Value, field: str, rules: Rules, problems: list[str]) -> Any:
    """The bytes of a stream (S3's Body): always JSON; a text has its quotes (recorded)."""
    text = value if isinstance(value, str) and not shape.serialization.get("streaming") else json_text(value)
    return text.encode("utf-8", "surrogatepass")


_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_BITS: Final = {"integer": 31, "long": 63}
"""The ranges of Java's int and long."""


def _integer(shape: Any, value: Value, field: str, rules: Rules, problems: list[str]) -> Any:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    limit = 1 << _BITS[shape.type_name]
    if not is_number(value) or not -limit <= value < limit:
        return _misfit(field, problems)
    return int(value)


def _float(shape: Any, value: Value, field: str, rules: Rules, problems: list[str]) -> Any:
    if isinstance(value, str) and DECIMAL.fullmatch(value):
        value = float(value)
    if not is_number(value) or abs(value) > sys.float_info.max:
        return _misfit(field, problems)
    return float(value)


def _boolean(shape: Any, value: Value, field: str, rules: Rules, problems: list[str]) -> Any:
    known = {"true": True, "false": False}
    if isinstance(value, str):
        value = known.get(value.lower())
    return value if isinstance(value, bool) else _misfit(field, problems)


def _timestamp(shape: Any, value: Value, field: str, rules: Rules, problems: list[str]) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return _misfit(field, problems)
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return _misfit(field, problems)


def _document(shape: Any, value: Value, field: str, rules: Rules, problems: list[str]) -> Any:
    return value


_Converter = Callable[[Any, Value, str, Rules, list[str]], Any]

_CONVERTERS: Final[dict[str, _Converter]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "character": _string,
    "blob": _blob,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "bigdecimal": _float,
    "boolean": _boolean,
    "timestamp": _timestamp,
}


def _converter(shape: Any) -> _Converter:
    if getattr(shape, "is_document_type", False):
        return _document
    return _CONVERTERS[shape.type_name]


# -- results


def iso(moment: datetime) -> str:
    """The time in the form of ``java.time.Instant``: with a fraction only if there is one."""
    moment = moment.astimezone(UTC)
    fraction = f".{moment.microsecond // 1000:03d}" if moment.microsecond >= 1000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def millis(moment: datetime) -> int:
    """The time in the form of the Java SDK 1's ``Date`` in JSON."""
    return round(moment.timestamp() * 1000)


def result(shape: Any, answer: Any, naming: Naming, timestamp: Callable[[datetime], Value]) -> Value:
    """An operation's answer as a Task's result: named by the rule, sorted by name, blobs and streams as text."""
    if shape is None:
        return {}
    return _from(shape, answer, naming, timestamp)


def _from(shape: Any, value: Any, naming: Naming, timestamp: Callable[[datetime], Value]) -> Value:
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):
        return value
    if kind == "structure":
        known = {n: (shape.members[n], value[n]) for n in value if n in shape.members and value[n] is not None}
        ordered = sorted(known, key=lambda name: (hasattr(known[name][1], "read"), naming(name)))
        return {naming(name): _from(*known[name], naming, timestamp) for name in ordered}
    if kind == "list":
        return [_from(shape.member, item, naming, timestamp) for item in value]
    if kind == "map":
        return {key: _from(shape.value, item, naming, timestamp) for key, item in value.items()}
    return _scalar(kind, value, timestamp)


_MOST: Final = 4 * 1024 * 1024
"""Bytes of a stream that are read: a result may have 262,144, and a longer one fails as too large."""


def _scalar(kind: str, value: Any, timestamp: Callable[[datetime], Value]) -> Value:
    if kind == "timestamp":
        return timestamp(value) if isinstance(value, datetime) else value
    if hasattr(value, "read"):
        value = value.read(_MOST)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    return value


def json_or_text(text: str) -> Value:
    """The value of a JSON text; the text itself if it is no JSON."""
    try:
        return loads(text)
    except ValueError:
        return text
