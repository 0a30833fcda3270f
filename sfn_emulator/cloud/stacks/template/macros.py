"""Macros change a template before it is read. AWS's own four are supported; any other is refused by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.template import language, serverless
from sfn_emulator.cloud.stacks.template.model import transforms
from sfn_emulator.cloud.stacks.template.text import parsed

INCLUDE: Final = "AWS::Include"
LANGUAGE: Final = "AWS::LanguageExtensions"
SERVERLESS: Final = "AWS::Serverless-2016-10-31"
_KNOWN: Final = (INCLUDE, LANGUAGE, SERVERLESS)


@dataclass(frozen=True)
class Materials:
    """The input of macros. ``fetch(url)`` gives the text behind an S3 URL; ``parameters`` are the values of Ref for
    the template's parameters and AWS's own.
    """

    parameters: Mapping[str, Any]
    region: str
    fetch: Callable[[str], str]


def expanded(source: dict[str, Any], materials: Callable[[dict[str, Any]], Materials]) -> dict[str, Any]:
    """The template after its macros. Raises ``StackError``."""
    wanted = list(transforms(source))
    unknown = [name for name in wanted if name not in _KNOWN]
    if unknown:
        raise StackError(f"No transform named {unknown[0]} found.")
    found = materials(source)
    made = _included(source, found, top=True)
    if LANGUAGE in wanted:
        made = language.expanded(made, found.parameters)
    if SERVERLESS in wanted:
        made = serverless.expanded(made, found.parameters, found.region)
    return {key: value for key, value in made.items() if key != "Transform"}


def _included(value: Any, materials: Materials, *, top: bool = False) -> Any:
    """Replaces ``Fn::Transform: {Name: AWS::Include}`` anywhere, and the same as a top-level Transform, by the
    snippet. Members beside it stay.
    """
    if isinstance(value, list):
        return [_included(item, materials) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _included(inner, materials) for key, inner in value.items() if key != "Fn::Transform"}
    told = value.get("Fn::Transform") or (_top_include(value) if top else None)
    if not told:
        return made
    if told.get("Name") != INCLUDE:
        raise StackError(f"No transform named {told.get('Name')} found.")
    return {**parsed(materials.fetch(_location(told, materials))), **made}


def _top_include(source: Mapping[str, Any]) -> Any:
    told = source.get("Transform")
    listed = told if isinstance(told, list) else [told]
    return next((item for item in listed if isinstance(item, dict) and item.get("Name") == INCLUDE), None)


def _location(told: Mapping[str, Any], materials: Materials) -> str:
    location = told.get("Parameters", {}).get("Location")
    if isinstance(location, dict) and set(location) == {"Ref"}:
        location = materials.parameters.get(location["Ref"])
    if isinstance(location, dict) and set(location) == {"Fn::Sub"} and isinstance(location["Fn::Sub"], str):
        text = location["Fn::Sub"]
        for name, value in materials.parameters.items():
            text = text.replace(f"${{{name}}}", str(value))
        location = text
    if not isinstance(location, str):
        raise StackError("Transform AWS::Include failed with: The location parameter is not a valid S3 uri.")
    return location
