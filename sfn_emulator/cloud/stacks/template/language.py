"""``AWS::LanguageExtensions``: ``Fn::ForEach`` is written out here; its other functions are always known."""

import re
from collections.abc import Mapping
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import StackError

_LOOP: Final = "Fn::ForEach::"
_NOT_ALPHANUMERIC: Final = re.compile(r"[^A-Za-z0-9]")


def expanded(source: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """``source`` with its loops written out. Raises ``StackError``."""
    return dict(_walk(source, parameters))


def _walk(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_walk(item, parameters) for item in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, inner in value.items():
        if key.startswith(_LOOP):
            made.update(_looped(inner, parameters))
        else:
            made[key] = _walk(inner, parameters)
    return made


def _looped(told: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(told, list) or len(told) != 3 or not isinstance(told[2], dict):
        raise StackError(
            "Transform AWS::LanguageExtensions failed with: Fn::ForEach needs an identifier, a list and an object."
        )
    name, items, body = told
    if isinstance(items, dict) and set(items) == {"Ref"}:
        items = parameters.get(items["Ref"])
    if not isinstance(items, list):
        raise StackError(
            f"Transform AWS::LanguageExtensions failed with: Fn::ForEach '{name}' has no list to go through."
        )
    made: dict[str, Any] = {}
    for item in items:
        if isinstance(item, dict) and set(item) == {"Ref"}:
            item = parameters.get(item["Ref"])
        made.update(_walk(_filled(body, str(name), str(item)), parameters))
    return made


def _filled(value: Any, name: str, item: str) -> Any:
    if isinstance(value, str):
        bare = _NOT_ALPHANUMERIC.sub("", item)
        return value.replace(f"${{{name}}}", item).replace(f"&{{{name}}}", bare)
    if isinstance(value, list):
        return [_filled(inner, name, item) for inner in value]
    if isinstance(value, dict):
        if value == {"Ref": name}:
            return item
        return {_filled(key, name, item): _filled(inner, name, item) for key, inner in value.items()}
    return value
