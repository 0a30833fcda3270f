"""A template's text, JSON or YAML → plain values. YAML's short forms (``!Sub``) become long ones (``Fn::Sub``)."""

import datetime
from typing import Any, Final

import orjson
import yaml

from sfn_emulator.cloud.stacks.errors import StackError

BODY_LIMIT: Final = 1_048_576
"""Bytes of a template that is read from S3; one in the request may have 51,200."""
_NODES: Final = 200_000
_DEPTH: Final = 100
_TOO_LARGE: Final = "Template format error: the template is nested too deeply or too large."
_PLAIN: Final = frozenset({"Ref", "Condition"})
_YAML_PREFIX: Final = "tag:yaml.org,2002:"


def parsed(text: str) -> dict[str, Any]:
    """Raises ``StackError`` for a text that is no JSON object and no YAML mapping."""
    if not text.strip():
        raise StackError("Template format error: the template is empty. Send its text or its TemplateURL.")
    value = _json(text) if text.lstrip().startswith("{") else None
    if value is None:
        value = _yaml(text)
    if not isinstance(value, dict):
        raise StackError("Template format error: unsupported structure.")
    return value


def _json(text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None  # a flow mapping of YAML begins with a brace, too; YAML says what is wrong with either

    if _is_deeper(value, _DEPTH):
        raise StackError(_TOO_LARGE)
    return value


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether objects and lists are nested more than ``depth`` levels."""
    layer = [value]
    for _ in range(depth):
        layer = [
            inner
            for held in layer
            if isinstance(held, dict | list)
            for inner in (held.values() if isinstance(held, dict) else held)
        ]
        if not layer:
            return False
    return any(isinstance(held, dict | list) for held in layer)


def _yaml(text: str) -> Any:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return _Reader().value(node, 0) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise StackError(
            f"Template format error: YAML not well-formed.{where} {error.problem or ''}".rstrip()
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        told = str(error).partition("\n")[0]
        raise StackError(f"Template format error: YAML not well-formed. {told}") from None


class _Reader:
    """Nodes → values, with a bound on what aliases may multiply."""

    def __init__(self) -> None:
        self._seen = 0
        self._scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, depth: int) -> Any:
        self._seen += 1
        if self._seen > _NODES or depth > _DEPTH:
            raise StackError(_TOO_LARGE)
        tag = node.tag
        if not tag.startswith(_YAML_PREFIX):
            return self._short_form(node, tag.lstrip("!"), depth)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        self._scalars.flatten_mapping(node)
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                raise StackError("Template format error: [mapping keys] must be text.")
            made[key] = self.value(value_node, depth + 1)
        return made

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag == _YAML_PREFIX + "timestamp":
            return node.value  # 2012-10-17 stays what was written
        value = self._scalars.construct_object(node)
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
            return node.value  # more than JSON's readers take as a number
        return node.value if isinstance(value, bytes | datetime.date) else value

    def _short_form(self, node: yaml.Node, name: str, depth: int) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            told: Any = node.value
        elif isinstance(node, yaml.SequenceNode):
            told = [self.value(item, depth + 1) for item in node.value]
        elif isinstance(node, yaml.MappingNode):
            told = self._mapping(node, depth)
        else:
            raise StackError(f"Template format error: '!{name}' holds nothing that can be read.")
        if name == "GetAtt" and isinstance(told, str):
            told = told.split(".", 1)
        return {name if name in _PLAIN else f"Fn::{name}": told}
