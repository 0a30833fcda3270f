"""Payload templates: JSON in which a key ending in ``.$`` holds a path or an intrinsic function call.

Used for Parameters, ResultSelector, ItemSelector, Assign, Credentials and BatchInput. Everything that is constant is
shared between results, never copied.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from sfn_emulator.errors import QuerySyntaxError
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.query.filling import Apply, filled_array, filled_object
from sfn_emulator.query.java.hashing import hash_map_keys
from sfn_emulator.query.jsonpath.intrinsics.calls import compile_intrinsic, is_intrinsic
from sfn_emulator.query.jsonpath.path import NOT_FOUND, compile_path
from sfn_emulator.query.memo import remembered_by_json
from sfn_emulator.values import Value

SUFFIX: Final = ".$"
MAX_DEPTH: Final = 128
"""Levels a template may have."""


class TemplateProblem(NamedTuple):
    """``pointer`` leads, from the template's root, to the object that holds the field, as AWS points
    (``/a/b[0]``, empty for the root); ``key`` is the field itself."""

    pointer: str
    key: str
    message: str
    kind: str


class TemplateError(QuerySyntaxError):
    """A template with problems; ``problems`` holds all of them."""

    def __init__(self, problems: tuple[TemplateProblem, ...]) -> None:
        self.problems = problems
        super().__init__(", ".join(problem.message for problem in problems))


@remembered_by_json
def compile_template(value: Value) -> Compiled:
    """Compiles a template. Raises ``TemplateError`` with every problem at once."""
    build = _Build([], set())
    part = build.part(value, "", 0)
    if build.problems:
        raise TemplateError(tuple(build.problems))
    if part is None:
        return Compiled(value, lambda subject, scope: value, constant=True)
    return Compiled(value, part, frozenset(build.variables))


@dataclass(slots=True)
class _Build:
    """The problems and variables gathered on the way through one template."""

    problems: list[TemplateProblem]
    variables: set[str]

    def part(self, value: Value, pointer: str, depth: int) -> Apply | None:
        """The closure for a part of the template; ``None`` if the part is constant."""
        if depth > MAX_DEPTH:
            self.problems.append(TemplateProblem(pointer, "", "The template is nested too deeply", "TOO_DEEP"))
            return None
        if isinstance(value, dict):
            return self.object(value, pointer, depth)
        if isinstance(value, list):
            return self.array(value, pointer, depth)
        return None

    def array(self, items: list[Value], pointer: str, depth: int) -> Apply | None:
        parts = [self.part(item, f"{pointer}[{i}]", depth + 1) for i, item in enumerate(items)]
        moving = tuple((i, part) for i, part in enumerate(parts) if part is not None)
        return filled_array(items, moving) if moving else None

    def object(self, members: dict[str, Value], pointer: str, depth: int) -> Apply | None:
        parts: dict[str, Apply | None] = {}
        for key, member in members.items():
            name = key.removesuffix(SUFFIX)
            if name in parts:
                message = f"The field '{name}' is given twice once '.$' is taken off"
                self.problems.append(TemplateProblem(pointer, key, message, "DUPLICATE_FIELD"))
            part = self.field(key, member, pointer) if name != key else self.part(member, f"{pointer}/{key}", depth + 1)
            parts[name] = part
        base = {name: members.get(name) for name in _ordered(members)}
        moving = tuple((name, part) for name in base if (part := parts[name]) is not None)
        return filled_object(base, moving) if moving else None

    def field(self, key: str, text: Value, pointer: str) -> Apply | None:
        """``key.$``: a path, a context path, a variable or an intrinsic call."""
        try:
            compiled = compile_field(key, text)
        except QuerySyntaxError:
            call = isinstance(text, str) and is_intrinsic(text)
            message = f"The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call"
            self.problems.append(TemplateProblem(pointer, key, message, "INTRINSIC" if call else "JSON_PATH"))
            return None
        self.variables |= compiled.variables
        return compiled.apply


def _ordered(members: dict[str, Value]) -> list[str]:
    """The names in AWS's order: constants first, the others in the order of a Java map. All recordings from 2023 to
    2026-04 agree.
    """
    constant = [key for key in members if not key.endswith(SUFFIX)]
    return constant + hash_map_keys([key.removesuffix(SUFFIX) for key in members if key.endswith(SUFFIX)])


def is_query(key: str, text: Value) -> bool:
    """Whether the value of a key that ends in ``.$`` is a path or a call."""
    try:
        compile_field(key, text)
    except QuerySyntaxError:
        return False
    return True


def compile_field(key: str, text: Value) -> Compiled:
    """Compiles the value of a key that ends in ``.$``. Raises ``QuerySyntaxError``."""
    if isinstance(text, str) and is_intrinsic(text):
        return compile_intrinsic(text)
    if not isinstance(text, str) or not text.startswith("$"):
        raise QuerySyntaxError("Neither a path nor an intrinsic function call")
    return compile_path(text, key, NOT_FOUND)
