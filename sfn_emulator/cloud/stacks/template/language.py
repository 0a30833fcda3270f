"""``AWS::LanguageExtensions``: expands ``Fn::ForEach``, and lets functions name what ``Ref`` and ``GetAtt`` refer to.
The extension's other functions are always available.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.template.text import BODY_LIMIT

_LOOP: Final = "Fn::ForEach::"
_PLACE: Final = re.compile(r"\$\{([\w:]+)\}")
_NOT_ALPHANUMERIC: Final = re.compile(r"[^A-Za-z0-9]")


def expanded(source: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """``source`` with its loops written out. Raises ``StackError``."""
    return dict(_walk(source, parameters, _Room()))


class _Room:
    """The characters of texts and names that loops may still write before the template is too large."""

    def __init__(self) -> None:
        self._left = BODY_LIMIT

    def take(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise StackError(
                "Transform AWS::LanguageExtensions failed with: Template may not exceed 1000000 bytes in size after "
                "transforms are processed."
            )


def _walk(value: Any, parameters: Mapping[str, Any], room: _Room) -> Any:
    if isinstance(value, list):
        return [_walk(item, parameters, room) for item in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, inner in value.items():
        if key.startswith(_LOOP):
            made.update(_looped(inner, parameters, room))
        else:
            made[key] = _walk(inner, parameters, room)
    return _named(made, parameters)


def _named(made: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A reference whose name is put together by functions, with the name itself."""
    told = made.get("Ref", made.get("Fn::GetAtt")) if len(made) == 1 else None
    if isinstance(told, dict) and "Ref" in made:
        return {"Ref": _name(told, parameters)}
    if isinstance(told, list) and told and isinstance(told[0], dict):
        return {"Fn::GetAtt": [_name(told[0], parameters), *told[1:]]}
    return made


def _name(told: Any, parameters: Mapping[str, Any]) -> Any:
    match told:
        case {"Ref": str(name)} if name in parameters:
            return parameters[name]
        case {"Fn::Sub": str(text)}:
            return _PLACE.sub(lambda found: str(parameters.get(found[1], found[0])), text)
        case {"Fn::Join": [str(between), list(parts)]}:
            return between.join(str(_name(part, parameters)) for part in parts)
    return told


def _looped(told: Any, parameters: Mapping[str, Any], room: _Room) -> dict[str, Any]:
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
        made.update(_walk(_filled(body, str(name), str(item), room), parameters, room))
    return made


def _filled(value: Any, name: str, item: str, room: _Room) -> Any:
    if isinstance(value, str):
        bare = _NOT_ALPHANUMERIC.sub("", item)
        made = value.replace(f"${{{name}}}", item).replace(f"&{{{name}}}", bare)
        room.take(made)
        return made
    if isinstance(value, list):
        return [_filled(inner, name, item, room) for inner in value]
    if isinstance(value, dict):
        if value == {"Ref": name}:
            return item
        return {_filled(key, name, item, room): _filled(inner, name, item, room) for key, inner in value.items()}
    return value
