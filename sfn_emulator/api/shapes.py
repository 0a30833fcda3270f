"""Botocore's shapes, compiled once: how a request is checked, and how an answer is written.

    check(value, path, problems) -> value      a request member: typed, bounded; problems in AWS's words are collected
    write(value) -> JSON value                 an answer: members of the model only, timestamps as numbers of seconds

Wording: AWS's request validation ("Value '1001' at 'maxResults' failed to satisfy constraint: …", recorded) and the
deserialisation errors of the JSON protocols.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

Problems: TypeAlias = list[str]
Check: TypeAlias = Callable[[Any, str, Problems], Any]
Write: TypeAlias = Callable[[Any], Any]


class UnreadableError(Exception):
    """A member has another JSON type than its shape: AWS's SerializationException, which comes before any
    validation.
    """


def failed(value: str, path: str, constraint: str) -> str:
    return f"{value} at '{path}' failed to satisfy constraint: {constraint}"


def check_for(shape: Shape) -> Check:
    """The check of a request shape."""
    return _CHECKS[shape.type_name](shape)


def _wrong_type(value: Any, wanted: str) -> UnreadableError:
    names = {bool: "TRUE_VALUE" if value is True else "FALSE_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}
    if isinstance(value, dict | list):
        return UnreadableError(
            "Start of structure or map found where not expected."
            if isinstance(value, dict)
            else "Start of list found where not expected"
        )
    return UnreadableError(f"{names.get(type(value), 'STRING_VALUE')} can not be converted to {wanted}")


def _shown(value: Any, shape: Shape) -> str:
    """A value as AWS quotes it: Java's text of lists, maps and structures (recorded)."""
    if isinstance(value, list) and isinstance(shape, ListShape):
        return f"[{', '.join(_shown(item, shape.member) for item in value)}]"
    if isinstance(value, dict) and isinstance(shape, MapShape):
        return f"{{{', '.join(f'{name}={_shown(inner, shape.value)}' for name, inner in value.items())}}}"
    if isinstance(value, dict) and isinstance(shape, StructureShape):
        members = (f"{n}={_shown(value.get(n), member)}" for n, member in shape.members.items())
        return f"{shape.name}({', '.join(members)})"
    if value is None:
        return "null"
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


Rule: TypeAlias = tuple[Callable[[Any], bool], str]


def _size_rules(shape: Shape, size: Callable[[Any], Any], noun: str) -> list[Rule]:
    rules: list[Rule] = []
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if most is not None:
        rules.append((lambda value: size(value) > most, f"Member must have {noun} less than or equal to {most}"))
    if least is not None:
        rules.append((lambda value: size(value) < least, f"Member must have {noun} greater than or equal to {least}"))
    return rules


_ENUM_ORDERS: Final = {
    "ExecutionStatus": ("SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING"),
}
"""Enums whose values AWS lists in another order than the model (recorded)."""


def _text_rules(shape: Shape) -> list[Rule]:
    rules = _size_rules(shape, len, "length")
    if pattern := shape.metadata.get("pattern"):
        matches = re.compile(pattern.replace(r"\p{ASCII}", r"[\x00-\x7f]")).fullmatch
        rules.append((lambda value: not matches(value), f"Member must satisfy regular expression pattern: {pattern}"))
    if isinstance(shape, StringShape) and shape.enum:
        allowed = frozenset(shape.enum)
        told = f"Member must satisfy enum value set: [{', '.join(_ENUM_ORDERS.get(shape.name, shape.enum))}]"
        rules.append((lambda value: value not in allowed, told))
    return rules


def _apply(rules: list[Rule], shape: Shape, value: Any, path: str, problems: Problems) -> None:
    for broken, constraint in rules:
        if broken(value):
            hidden = shape.metadata.get("sensitive")
            problems.append(failed("Value" if hidden else f"Value '{_shown(value, shape)}'", path, constraint))


def _text(shape: Shape) -> Check:
    rules = _text_rules(shape)

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, str):
            raise _wrong_type(value, "String")
        _apply(rules, shape, value, path, problems)
        return value

    return check


def _number(wanted: str, bits: int | None) -> Callable[[Shape], Check]:
    """The check of a number of ``bits``, or with a fraction."""

    def compile_number(shape: Shape) -> Check:
        rules = _size_rules(shape, lambda value: value, "value")
        bound = 2 ** (bits - 1) if bits else None

        def check(value: Any, path: str, problems: Problems) -> Any:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _wrong_type(value, wanted)
            if bound and not -bound <= value < bound:
                raise UnreadableError(f"Numeric value ({value}) out of range of {wanted.lower()}")
            number = int(value) if bound else float(value)
            _apply(rules, shape, number, path, problems)
            return number

        return check

    return compile_number


def _boolean(_: Shape) -> Check:
    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, bool):
            raise _wrong_type(value, "Boolean")
        return value

    return check


def _list(shape: Shape) -> Check:
    assert isinstance(shape, ListShape)
    member, rules = check_for(shape.member), _size_rules(shape, len, "length")

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, list):
            raise (
                UnreadableError("Expected list or null") if not isinstance(value, dict) else _wrong_type(value, "List")
            )
        _apply(rules, shape, value, path, problems)
        return [member(item, f"{path}.{n}.member", problems) for n, item in enumerate(value, 1) if item is not None]

    return check


def _map(shape: Shape) -> Check:
    assert isinstance(shape, MapShape)
    member = check_for(shape.value)

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            raise UnreadableError("Expected map or null")
        return {key: member(item, f"{path}.{key}.member", problems) for key, item in value.items()}

    return check


def _structure(shape: Shape) -> Check:
    assert isinstance(shape, StructureShape)
    required = tuple(shape.required_members)
    members = {name: check_for(member) for name, member in shape.members.items()}

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            raise UnreadableError("Unexpected value where a structure was expected")
        prefix = f"{path}." if path else ""
        for name in required:
            if value.get(name) is None:
                problems.append(failed("Value null", f"{prefix}{name}", "Member must not be null"))
        return {
            name: members[name](inner, f"{prefix}{name}", problems)
            for name, inner in value.items()
            if inner is not None and name in members
        }

    return check


_CHECKS: Final[Mapping[str, Callable[[Shape], Check]]] = {
    "string": _text,
    "integer": _number("Integer", 32),
    "long": _number("Long", 64),
    "float": _number("Float", None),
    "boolean": _boolean,
    "list": _list,
    "map": _map,
    "structure": _structure,
}


# -- answers


def write_for(shape: Shape) -> Write | None:
    """The function that writes a shape of an answer; ``None`` where the value goes on the wire as it is."""
    if isinstance(shape, StructureShape):
        return _write_structure(shape)
    if isinstance(shape, ListShape):
        member = write_for(shape.member)
        return None if member is None else lambda value: [member(item) for item in value]
    if shape.type_name == "timestamp":
        return _write_timestamp
    return None


def _write_timestamp(value: float) -> float:
    return round(value, 3)


def _write_structure(shape: StructureShape) -> Write:
    members = {name: write_for(member) for name, member in shape.members.items()}

    def write(value: Mapping[str, Any]) -> dict[str, Any]:
        written = {}
        for name, inner in value.items():
            member = members[name]
            written[name] = inner if member is None else member(inner)
        return written

    return write
