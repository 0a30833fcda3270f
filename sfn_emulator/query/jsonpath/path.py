"""JSONPath: text → ``Compiled``.

A definite path (names and single indices) compiles to direct look-ups, one dict access for ``$.a``; only when a
look-up fails is the path walked again, to tell why in Jayway's words. Any other path compiles to steps from a list of
nodes to a list of nodes, and gives a list.

The message for a path that finds nothing differs by field, so the caller passes a ``Miss``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sfn_emulator.errors import RUNTIME, EvaluationError, QuerySyntaxError
from sfn_emulator.query.compiled import Compiled, Scope
from sfn_emulator.query.jsonpath.model import CONTEXT, INPUT, FromEnd, Indices, Names, Path, Segment, variables_of
from sfn_emulator.query.jsonpath.reading import LOOKUP_ERRORS, compile_read, item
from sfn_emulator.query.jsonpath.syntax import parse_path
from sfn_emulator.query.memo import remembered
from sfn_emulator.values import Value, dumps

Apply: TypeAlias = Callable[[Any, Scope], Value]


@dataclass(frozen=True, slots=True)
class Miss:
    """A field's message when its path leads nowhere.

    ``text`` may hold ``{path}`` (as written), ``{field}``, ``{input}`` (the JSON searched), ``{reason}`` (Jayway's
    words) and ``{step}`` (the path's last name or index).
    """

    text: str
    error_name: str = RUNTIME
    null_text: str = ""
    """The message if the input itself is null."""
    null_root: bool = False
    """Whether that message also holds for ``$`` alone."""
    strict: bool = False
    """Whether an index beyond its array is a miss. AWS reads reference paths itself, all others with Jayway."""

    def error(self, path: Path, field: str, root: Value, scope: Scope) -> EvaluationError:
        if root is None and self.null_text:
            return EvaluationError(RUNTIME, self.null_text)
        searched = dumps(root) if "{input}" in self.text else ""
        reason = explain(path, root, scope) if "{reason}" in self.text else ""
        step = path_step(path) if "{step}" in self.text else ""
        message = self.text.format(path=path.text, field=field, input=searched, reason=reason, step=step)
        return EvaluationError(self.error_name, message)


_NULL_INPUT: Final = "Unable to apply Path transformation to null or empty input."

INVALID_PATH: Final = Miss("Invalid path '{path}' : {reason}", null_text=_NULL_INPUT)
"""InputPath, OutputPath, TimeoutSecondsPath, HeartbeatSecondsPath (recorded)."""
NOT_FOUND: Final = Miss(
    "The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{input}'",
    null_text=_NULL_INPUT,
    null_root=True,
)
"""Payload templates (field is the key with its ``.$``), ErrorPath, CausePath (recorded)."""
NO_INPUT_VALUE: Final = Miss("The {field} parameter does not reference an input value: {path}", strict=True)
"""SecondsPath, TimestampPath (recorded)."""
CHOICE_PATH: Final = Miss(
    "Invalid path '{path}': The choice state's condition path references an invalid value.",
    null_text=_NULL_INPUT,
    null_root=True,
    strict=True,
)
"""Variable and …Path operands of a Choice rule."""

ITEMS_PATH: Final = Miss('Unable to apply step "{step}" to input {input}', "States.ReferencePathConflict", strict=True)
"""ItemsPath of a Map (as seen from AWS)."""


@remembered
def compile_path(text: Value, field: str = "", miss: Miss = INVALID_PATH) -> Compiled:
    """``$…``, ``$$…`` or ``$name…``; raises ``QuerySyntaxError`` for a text that is no path.

    ``apply(subject, scope)`` raises ``EvaluationError`` (States.Runtime) where a definite path finds nothing; a path
    that is not definite gives ``[]`` then (recorded for payload templates).
    """
    if not isinstance(text, str):
        raise QuerySyntaxError("Value must be a valid JSONPath.")
    return compile_parsed(parse_path(text), text, field, miss)


def compile_parsed(path: Path, text: str, field: str, miss: Miss) -> Compiled:
    """The ``Compiled`` of a path that was parsed before; ``text`` is how it was written."""
    return Compiled(text, path_apply(path, field, miss), frozenset(variables_of(path)))


def path_apply(path: Path, field: str, miss: Miss) -> Apply:
    """The closure for a parsed path."""
    if path.root == INPUT:
        return _input_apply(path, field, miss)
    root = _root_reader(path.root)
    if not path.segments and path.root == CONTEXT:
        return lambda subject, scope: scope.context()
    read = compile_read(path.segments, strict=miss.strict)

    def apply(subject: Any, scope: Scope) -> Value:
        searched: Value = subject
        try:
            searched = root(scope)
            return read(searched, scope)
        except LOOKUP_ERRORS:
            raise miss.error(path, field, searched, scope) from None

    return apply


def _root_reader(root: str) -> Callable[[Scope], Value]:
    if root == CONTEXT:
        return lambda scope: scope.context()
    return lambda scope: scope.variables[root]


def _input_apply(path: Path, field: str, miss: Miss) -> Apply:
    """The closure for ``$…``, the hot case: the commonest shapes have closures of their own."""
    segments = path.segments
    if not segments:
        return _whole_input(path, field, miss) if miss.null_root else lambda subject, scope: subject
    if all(isinstance(segment, Names) and len(segment.names) == 1 for segment in segments) and len(segments) <= 2:
        return _names_apply(path, field, miss)
    read = compile_read(segments, strict=miss.strict)

    def apply(subject: Any, scope: Scope) -> Value:
        try:
            return read(subject, scope)
        except LOOKUP_ERRORS:
            raise miss.error(path, field, subject, scope) from None

    return apply


def _whole_input(path: Path, field: str, miss: Miss) -> Apply:
    def apply(subject: Any, scope: Scope) -> Value:
        if subject is None:
            raise miss.error(path, field, subject, scope)
        return subject

    return apply


def _names_apply(path: Path, field: str, miss: Miss) -> Apply:
    names = [segment.names[0] for segment in path.segments if isinstance(segment, Names)]
    first = names[0]
    if len(names) == 1:

        def apply_name(subject: Any, scope: Scope) -> Value:
            try:
                return subject[first]
            except LOOKUP_ERRORS:
                raise miss.error(path, field, subject, scope) from None

        return apply_name
    second = names[1]

    def apply_names(subject: Any, scope: Scope) -> Value:
        try:
            return subject[first][second]
        except LOOKUP_ERRORS:
            raise miss.error(path, field, subject, scope) from None

    return apply_names


# -- telling why


def path_step(path: Path) -> str:
    """The last name or index of a path."""
    match path.segments[-1:]:
        case (Names(names),):
            return names[-1]
        case (Indices(indices),):
            return str(indices[-1])
    return path.text


def explain(path: Path, root: Value, scope: Scope) -> str:
    """Why a definite path finds nothing, in Jayway's words."""
    if path.variable is not None and path.variable not in scope.variables:
        return f"No results for path: ${path.variable}"
    value = root
    last = len(path.segments) - 1
    beyond = False
    for i, segment in enumerate(path.segments):
        match segment:
            case Names(names) if not isinstance(value, dict):
                return f"Property {path_fragment((segment,))} not found in path {_where(path, i)}"
            case Names(names) if len(names) > 1 and i < last:
                return f"Multi properties can only be used as path leafs: {_where(path, i + 1)}"
            case Names((name,)) if name not in value:
                return f"{'Missing property in path' if i < last else 'No results for path:'} {_where(path, i + 1)}"
            case Names((name,)):
                value = value[name]
            case Indices((_,)) | FromEnd() if not isinstance(value, list):
                return _why_no_items(value, path, i, beyond)
            case Indices((index,)):
                value, beyond = item(value, index), not 0 <= index < len(value)
            case FromEnd(back):
                value, beyond = item(value, segment), not 0 < back <= len(value)
            case _:
                break
    return f"No results for path: {_where(path, len(path.segments))}"


def _where(path: Path, count: int) -> str:
    """The first segments of a path as Jayway writes them: ``$['a'][0]``."""
    return "$" + path_fragment(path.segments[:count])


def _why_no_items(value: Value, path: Path, position: int, beyond: bool) -> str:
    """``beyond``: there is no value, as the index before was beyond its array."""
    if beyond:
        return f"The path {_where(path, position)} is null"
    rest = path_fragment(path.segments[position:])
    return f"Filter: {rest} can only be applied to arrays. Current context is: {dumps(value)}"


def path_fragment(segments: tuple[Segment, ...]) -> str:
    """Names and indices in Jayway's bracket form."""
    parts = []
    for segment in segments:
        match segment:
            case Names(names):
                parts.append("[" + ", ".join(f"'{name}'" for name in names) + "]")
            case Indices(indices):
                parts.append("[" + ",".join(map(str, indices)) + "]")
            case FromEnd(back):
                parts.append(f"[@.size()-{back}]")
    return "".join(parts)
