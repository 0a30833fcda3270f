"""Definition text, JSON or YAML, → its object and the lines of its states. ``${Substitutions}`` may still be in it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.asl.lint import YAML_SUFFIXES
from sfn_emulator.asl.text.source import DEPTH_LIMIT
from sfn_emulator.asl.text.yaml_source import YamlError, scan_yaml
from sfn_emulator.query.java.jackson import JsonError, in_brief, scan


class UndrawableError(Exception):
    """A text that can't be drawn; the message says where and why in one line."""


class Definition(NamedTuple):
    """``positions``: place → (line, column), from 1."""

    raw: Mapping[str, Any]
    positions: Mapping[tuple[str | int, ...], tuple[int, int]]


_NO_MACHINE: Final = "not a state machine: it has no object 'States'"


def read_definition(text: str, name: str = "definition") -> Definition:
    """The definition in a text. The ending of ``name`` says whether it is YAML; without a name, a text that begins
    with a brace is JSON. Raises ``UndrawableError``.
    """
    yaml = name.endswith(YAML_SUFFIXES) or not text.lstrip().startswith(("{", "["))
    try:
        scanned = scan_yaml(text, DEPTH_LIMIT) if yaml else scan(text, DEPTH_LIMIT, substitutions=True)
    except (JsonError, YamlError) as fault:
        kind = "YAML" if yaml else "JSON"
        first = in_brief(str(fault.message))
        raise UndrawableError(f"{name}:{fault.line}:{fault.column}: not {kind}: {first}") from None
    if not isinstance(scanned.value, dict) or not isinstance(scanned.value.get("States"), dict):
        raise UndrawableError(f"{name}: {_NO_MACHINE}")
    return Definition(scanned.value, scanned.positions)
