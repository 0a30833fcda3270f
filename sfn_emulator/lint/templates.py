"""State machines inside the templates of deployment tools: CloudFormation, SAM, what CDK synthesises, Serverless.

A table says which resource types and properties hold a definition. An intrinsic function stands for a value that the
tool fills in, like ``${Name}``; the pseudo parameters that every ARN begins with are filled in, so that the Resources
built with them can be checked.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sfn_emulator.asl.model import MachineType
from sfn_emulator.lint.marked import Marked
from sfn_emulator.values import Place

PSEUDO: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
}
_IN_TEXT: Final = re.compile(r"\$\{([^}!]+)\}")
_FILE: Final = re.compile(r"\$\{file\(([^)]+)\)\}")


@dataclass(frozen=True, slots=True)
class Where:
    """The properties in which a resource type keeps its definition (as an object, as a text, in a file) and its
    type.
    """

    values: tuple[str, ...]
    files: tuple[str, ...]
    type: str


TYPES: Final = {
    "AWS::StepFunctions::StateMachine": Where(
        ("Definition", "DefinitionString"), ("DefinitionS3Location",), "StateMachineType"
    ),
    "AWS::Serverless::StateMachine": Where(("Definition",), ("DefinitionUri",), "Type"),
}
SERVERLESS: Final = Where(("definition",), (), "type")
"""The entries of ``stepFunctions.stateMachines`` (the plugin serverless-step-functions)."""


@dataclass(frozen=True, slots=True)
class AsValue:
    """A definition written as an object of the template, its intrinsics already ``${Names}``."""

    value: Any
    positions: Mapping[Place, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class AsText:
    """A definition in a string; ``at`` turns its line and column into the template's."""

    text: str
    at: Callable[[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class InFile:
    """A definition in a file of its own, named by a path relative to the template."""

    path: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A definition that can't be read here; ``why`` gives the reason."""

    why: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """A state machine of a template: its logical name, where its definition stands, and the definition."""

    name: str
    line: int
    column: int
    machine_type: MachineType
    definition: AsValue | AsText | InFile | Unknown


def is_template(value: Any) -> bool:
    """Whether a document is a template, rather than a definition."""
    return isinstance(value, dict) and "States" not in value and any(key in value for key in _HOLDERS)


def machines(template: Marked) -> Iterator[Embedded]:
    """Every state machine, in the order of the template."""
    for holder in _HOLDERS.values():
        for place, where, told in holder(template.value):
            yield _embedded(template, place, where, told)


def _resources(value: Mapping[str, Any], around: Place = ()) -> Iterator[tuple[Place, Where, Mapping[str, Any]]]:
    resources = value.get("Resources")
    for name, resource in resources.items() if isinstance(resources, dict) else ():
        where = TYPES.get(str(resource.get("Type"))) if isinstance(resource, dict) else None
        properties = resource.get("Properties") if where else None
        if where and isinstance(properties, dict):
            yield (*around, "Resources", name, "Properties"), where, properties


def _serverless_resources(value: Mapping[str, Any]) -> Iterator[tuple[Place, Where, Mapping[str, Any]]]:
    told = value.get("resources")
    for index, part in enumerate(told) if isinstance(told, list) else ():
        if isinstance(part, dict):
            yield from _resources(part, ("resources", index))
    if isinstance(told, dict):
        yield from _resources(told, ("resources",))


def _serverless_machines(value: Mapping[str, Any]) -> Iterator[tuple[Place, Where, Mapping[str, Any]]]:
    told = value.get("stepFunctions")
    entries = told.get("stateMachines") if isinstance(told, dict) else None
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict):
            yield ("stepFunctions", "stateMachines", name), SERVERLESS, entry


_HOLDERS: Final[dict[str, Callable[[Mapping[str, Any]], Iterator[tuple[Place, Where, Mapping[str, Any]]]]]] = {
    "Resources": _resources,
    "resources": _serverless_resources,
    "stepFunctions": _serverless_machines,
}


def _embedded(template: Marked, place: Place, where: Where, told: Mapping[str, Any]) -> Embedded:
    kind = MachineType.EXPRESS if told.get(where.type) == "EXPRESS" else MachineType.STANDARD
    name = str(place[-2] if place[-1] == "Properties" else place[-1])
    for key in (*where.values, *where.files):
        if key in told:
            line, column = template.position((*place, key))
            read = _in_file if key in where.files else _definition
            return Embedded(name, line, column, kind, read(template, (*place, key), told[key]))
    line, column = template.position(place)
    wanted = " or ".join((*where.values, *where.files))
    return Embedded(name, line, column, kind, Unknown(f"'{name}' has no {wanted}"))


def _in_file(template: Marked, place: Place, told: Any) -> InFile | Unknown:
    if isinstance(told, str) and not told.startswith("s3:"):
        return InFile(told)
    return Unknown(f"The definition of '{place[-3]}' is in S3")


def _definition(template: Marked, place: Place, told: Any) -> AsValue | AsText | InFile | Unknown:
    if isinstance(told, str):
        named = _FILE.fullmatch(told.strip())
        return InFile(named[1].strip()) if named else AsText(told, template.origin(place).at)
    if isinstance(told, dict) and len(told) == 1:
        ((name, inner),) = told.items()
        if name in _TEXTS:
            return _TEXTS[name](template, (*place, name), inner)
    if isinstance(told, dict) and not _is_intrinsic(told):
        inside = {p[len(place) :]: at for p, at in template.positions.items() if p[: len(place)] == place}
        return AsValue(_filled(told), inside)
    return Unknown(f"What '{place[-1]}' will be is known only when it is deployed")


def _sub(template: Marked, place: Place, told: Any) -> AsText | Unknown:
    if isinstance(told, list) and told:
        place, told = (*place, 0), told[0]
    if not isinstance(told, str):
        return Unknown("Fn::Sub takes a string")
    return AsText(_with_pseudo(told), template.origin(place).at)


def _join(template: Marked, place: Place, told: Any) -> AsText | Unknown:
    """The parts as one text. A place in it is reported at the line of its part in the template."""
    if not (isinstance(told, list) and len(told) == 2 and isinstance(told[1], list)):
        return Unknown("Fn::Join takes a delimiter and a list")
    delimiter, parts = str(told[0]), [_as_text(part) for part in told[1]]
    text, ends, end = delimiter.join(parts), [], 0
    for part in parts:
        end += len(part) + len(delimiter)
        ends.append(end)

    def at(line: int, column: int) -> tuple[int, int]:
        before = "".join(text.splitlines(keepends=True)[: line - 1])
        offset = len(before) + column - 1
        index = next((number for number, end in enumerate(ends) if offset < end), len(ends) - 1)
        return template.position((*place, 1, index))

    return AsText(text, at)


_TEXTS: Final[dict[str, Callable[[Marked, Place, Any], AsText | Unknown]]] = {"Fn::Sub": _sub, "Fn::Join": _join}


def _is_intrinsic(value: Any) -> bool:
    if not (isinstance(value, dict) and len(value) == 1):
        return False
    (name,) = value
    return name in ("Ref", "Condition") or str(name).startswith("Fn::")


def _filled(value: Any) -> Any:
    """The definition, with a text in place of every intrinsic function."""
    if _is_intrinsic(value):
        return _as_text(value)
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    ((name, inner),) = value.items() if _is_intrinsic(value) else (("Value", ""),)
    if name == "Ref":
        return PSEUDO.get(str(inner), "${Ref}")
    if name == "Fn::Sub":
        text = inner[0] if isinstance(inner, list) and inner else inner
        return _with_pseudo(text) if isinstance(text, str) else "${Sub}"
    return "${" + str(name).removeprefix("Fn::") + "}"


def _with_pseudo(text: str) -> str:
    return _IN_TEXT.sub(lambda found: PSEUDO.get(found[1], found[0]), text)
