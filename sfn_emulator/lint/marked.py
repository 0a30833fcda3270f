"""Templates of deployment tools as values with positions, and with the place where the text of each string begins.

YAML's short intrinsics become the long ones (``!Sub x`` → ``{"Fn::Sub": "x"}``), as in JSON.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from sfn_emulator.asl.text.source import DEPTH_LIMIT
from sfn_emulator.asl.text.yaml_source import Builder
from sfn_emulator.query.java.jackson import scan
from sfn_emulator.values import Place

_PLAIN: Final = ("Ref", "Condition")
"""Intrinsics whose long names have no ``Fn::``."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a string's text begins; ``indent`` counts the columns before its lines, if each has a line of its own."""

    line: int
    column: int
    indent: int | None = None

    def at(self, line: int, column: int) -> tuple[int, int]:
        """Line and column in the template of a place in the string (all count from 1)."""
        return (self.line, self.column) if self.indent is None else (self.line + line - 1, self.indent + column)


@dataclass(frozen=True, slots=True)
class Marked:
    """A document's value; ``positions`` of its fields and items, ``origins`` of its strings that have many lines."""

    value: Any
    positions: dict[Place, tuple[int, int]]
    origins: dict[Place, Origin] = field(default_factory=dict)

    def position(self, place: Place) -> tuple[int, int]:
        """The position of a place, or of the nearest known place around it."""
        while place and place not in self.positions:
            place = place[:-1]
        return self.positions.get(place, (1, 1))

    def origin(self, place: Place) -> Origin:
        return self.origins.get(place) or Origin(*self.position(place))


def marked(text: str, *, is_yaml: bool) -> Marked:
    """The text as a marked value. Raises ``JsonError`` or ``YamlError``."""
    if not is_yaml:
        scanned = scan(text, DEPTH_LIMIT)
        return Marked(scanned.value, scanned.positions)
    found = Marked(None, {(): (1, 1)})
    builder = _Template(DEPTH_LIMIT, found.positions)
    builder.lines, builder.origins = text.splitlines(), found.origins
    return Marked(builder.whole(text), found.positions, found.origins)


class _Template(Builder):
    """Keeps intrinsics, and notes where the lines of block strings stand."""

    lines: list[str]
    origins: dict[Place, Origin]

    def tagged(self, node: yaml.Node, place: Place) -> Any:
        name = node.tag.lstrip("!")
        name = name if name in _PLAIN else f"Fn::{name}"
        inner = (*place, name)
        if isinstance(node, yaml.MappingNode):
            return {name: self.mapping(node, inner)}
        if isinstance(node, yaml.SequenceNode):
            return {name: self.sequence(node, inner)}
        return {name: self.text(node, inner)}

    def text(self, node: yaml.Node, place: Place) -> str:
        if getattr(node, "style", None) == "|":
            self.origins[place] = self._block(node.start_mark.line + 1)
        return str(node.value)

    def _block(self, first: int) -> Origin:
        """The origin of a block string, whose text begins below the line of its ``|``."""
        written = next((line for line in self.lines[first:] if line.strip()), "")
        return Origin(first + 1, 1, len(written) - len(written.lstrip()))
