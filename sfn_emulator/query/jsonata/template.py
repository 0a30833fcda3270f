"""JSON with ``{% … %}`` strings anywhere in it → ``Compiled``: Arguments, Output, Assign, Items, ItemSelector, …

Literals stay as they are and are shared between evaluations. Locations follow AWS: ``Output/v`` for a field of an
object, ``Output/values[0]`` for an item of an array (measured on AWS, floci pull request 2689).
"""

from collections.abc import Callable
from typing import TypeAlias

from sfn_emulator.errors import QuerySyntaxError
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.query.filling import Apply, filled_array, filled_object
from sfn_emulator.query.jsonata.expression import compile_expression, is_expression
from sfn_emulator.values import Value

Report: TypeAlias = Callable[[str, QuerySyntaxError], None]
"""Called with every problem and its place inside the template: ``/v/values[0]``, empty for the template itself."""

_Sink: TypeAlias = tuple[Report, list[Compiled]]


def compile_jsonata_template(value: Value, location: str, report: Report | None = None) -> Compiled:
    """Compiles a template.

    Without ``report`` the first problem is raised (``JsonataSyntaxError``). With it every problem is reported; if there
    was one, the result must not be applied.
    """
    parts: list[Compiled] = []
    apply = _compiled(value, location, "", (report or _raise, parts))
    variables = frozenset[str]().union(*(part.variables for part in parts))
    reserved = frozenset[str]().union(*(part.reserved for part in parts))
    return Compiled(value, apply or _constant(value), variables, reserved, apply is None)


def _raise(pointer: str, problem: QuerySyntaxError) -> None:
    raise problem


def _constant(value: Value) -> Apply:
    return lambda subject, scope: value


def _compiled(value: Value, location: str, pointer: str, sink: _Sink) -> Apply | None:
    """The closure of a value; ``None`` if it holds no expression and stands for itself."""
    if isinstance(value, dict):
        return _object({k: _compiled(v, f"{location}/{k}", f"{pointer}/{k}", sink) for k, v in value.items()}, value)
    if isinstance(value, list):
        return _array([_compiled(v, f"{location}[{i}]", f"{pointer}[{i}]", sink) for i, v in enumerate(value)], value)
    return _expression(value, location, pointer, sink) if is_expression(value) else None


def _expression(text: str, location: str, pointer: str, sink: _Sink) -> Apply | None:
    report, parts = sink
    try:
        part = compile_expression(text, location)
    except QuerySyntaxError as problem:
        report(pointer, problem)
        return None
    parts.append(part)
    return part.apply


def _object(parts: dict[str, Apply | None], literal: dict[str, Value]) -> Apply | None:
    live = tuple((key, apply) for key, apply in parts.items() if apply is not None)
    return filled_object(literal, live) if live else None


def _array(parts: list[Apply | None], literal: list[Value]) -> Apply | None:
    live = tuple((index, apply) for index, apply in enumerate(parts) if apply is not None)
    return filled_array(literal, live) if live else None
