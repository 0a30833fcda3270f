"""YAML definitions: text → value with positions, by pyyaml's node marks.

A definition in YAML is JSON written otherwise, so only JSON's types come out: dates stay text, keys are text. A value
with a tag of its own (``!Ref X``, ``!Sub ...``) is a substitution that another tool will fill in.
"""

from typing import Any, Final

import yaml

from sfn_emulator.query.java.jackson import Scanned
from sfn_emulator.values import Place

NODE_LIMIT: Final = 200_000
"""Nodes a document may have once its aliases are followed: a bound against texts that multiply themselves."""

_LOADER: Final = yaml.SafeLoader
_MERGE: Final = "tag:yaml.org,2002:merge"
_SCALARS: Final = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")}
_NULL: Final = "tag:yaml.org,2002:null"
_CORE: Final = "tag:yaml.org,2002:"
_STATES: Final = frozenset(("StartAt", "Next", "Default"))
"""Fields that name a state, which may be called Null as well."""
_COMPARED: Final = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals", "Matches")
_NAMES: Final = _STATES | {"Comment", "Label", "Error", "Cause", "Version", *(f"String{how}" for how in _COMPARED)}
"""Fields that hold text alone: ``Next: No`` leads to the state No, though YAML 1.1 reads a boolean."""
_LISTS: Final = frozenset(("ErrorEquals", "CSVHeaders"))
"""Fields that hold a list of texts."""
_DATA: Final = frozenset(
    ("Parameters", "Arguments", "Result", "ResultSelector", "Output", "Assign", "ItemSelector", "BatchInput", "Items")
)
"""Fields whose content is the author's, and may have members of any name."""


class YamlError(ValueError):
    """Text that is no YAML, or no JSON in YAML; line and column count from 1."""

    def __init__(self, message: str, mark: yaml.Mark | None, *, place: Place = (), duplicate: bool = False) -> None:
        self.message = message
        self.line, self.column = _position(mark) if mark else (1, 1)
        self.place = place
        self.duplicate = duplicate
        super().__init__(message)


def scan_yaml(text: str, depth_limit: int) -> Scanned:
    """Raises ``YamlError``. The positions are (line, column)."""
    scanned = Scanned(positions={(): (1, 1)})
    scanned.value = Builder(depth_limit, scanned.positions).whole(text)
    return scanned


def _is_a_name(place: Place) -> bool:
    """Whether only text may stand there. A state may have the same name as a field of data."""
    if not place:
        return False
    named = place[-1] in _NAMES or (len(place) > 1 and place[-2] in _LISTS)
    fields = (part for around, part in zip(("", *place), place, strict=False) if around != "States")
    return named and place[-2:-1] != ("States",) and _DATA.isdisjoint(fields)


def _names_null(node: yaml.Node, place: Place) -> bool:
    """Whether a null is the word, in a place where a state is named; nothing at all and ``~`` stay null.

    A template's parameter has a Default, too.
    """
    return place[-1] in _STATES and (place[-1] == "StartAt" or "States" in place) and str(node.value).isalpha()


def _position(mark: yaml.Mark) -> tuple[int, int]:
    return mark.line + 1, mark.column + 1


class Builder:
    """Nodes → values. A subclass may treat tags in its own way, and may note strings."""

    def __init__(self, depth_limit: int, positions: dict[Place, tuple[int, int]]) -> None:
        self.depth_limit = depth_limit
        self.positions = positions
        self.nodes = 0
        self.scalars = yaml.SafeLoader("")

    def whole(self, text: str) -> Any:
        """The text's one document. Raises ``YamlError``."""
        try:
            node = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            raise YamlError(" ".join(filter(None, (error.context, error.problem))), error.problem_mark) from None
        except (yaml.YAMLError, RecursionError) as error:
            raise YamlError(str(error).splitlines()[0], None) from None
        return None if node is None else self.value(node, ())

    def value(self, node: yaml.Node, place: Place) -> Any:
        """The value of a node and all below it. Raises ``YamlError`` at the first fault."""
        self.nodes += 1
        if self.nodes > NODE_LIMIT or len(place) > self.depth_limit:
            raise YamlError("The document is nested too deeply or too large", node.start_mark)
        if not node.tag.startswith(_CORE):
            return self.tagged(node, place)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return self.sequence(node, place)
        if node.tag not in _SCALARS or (_is_a_name(place) and (node.tag != _NULL or _names_null(node, place))):
            return self.text(node, place)
        return self.scalar(node)

    def text(self, node: yaml.Node, place: Place) -> str:
        """A string that stands at ``place``."""
        return str(node.value)

    def tagged(self, node: yaml.Node, place: Place) -> Any:
        """A value with a tag that is not YAML's own."""
        return "${" + node.tag.lstrip("!").replace("::", ".") + "}"

    def scalar(self, node: yaml.Node) -> Any:
        """A null, boolean or number, by YAML 1.1."""
        try:
            value = self.scalars.construct_object(node)
        except (ValueError, yaml.YAMLError):
            raise YamlError(f"'{node.value}' is not a value of JSON", node.start_mark) from None
        if isinstance(value, float) and not abs(value) < float("inf"):
            raise YamlError(f"'{node.value}' is not a number of JSON", node.start_mark)
        return value

    def sequence(self, node: yaml.SequenceNode, place: Place) -> list[Any]:
        items = []
        for index, item in enumerate(node.value):
            self.positions[(*place, index)] = _position(item.start_mark)
            items.append(self.value(item, (*place, index)))
        return items

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        """An object: merge keys (``<<``) resolved, keys as text, none given twice."""
        made: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                merged |= self.merged(value, place)
                continue
            name = str(key.value)
            if name in made:
                message = f"Duplicate field '{name}'"
                raise YamlError(message, key.start_mark, place=(*place, name), duplicate=True)
            self.positions[(*place, name)] = _position(key.start_mark)
            made[name] = self.value(value, (*place, name))
        return {**merged, **made}

    def merged(self, node: yaml.Node, place: Place) -> dict[str, Any]:
        """``<<``: one mapping or a list of them, the first of which wins."""
        made: dict[str, Any] = {}
        for source in reversed(node.value if isinstance(node, yaml.SequenceNode) else [node]):
            if not isinstance(source, yaml.MappingNode):
                raise YamlError("'<<' takes a mapping or a list of mappings", node.start_mark)
            made |= self.mapping(source, place)
        return made
