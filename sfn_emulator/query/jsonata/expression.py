"""JSONata in the States Language: ``{% expression %}`` → ``Compiled``.

An expression is parsed once by the library (jsonata-python). Common simple shapes also get a fast way
(``fast``): closures that either give the same answer or leave it to the library. Importing this module
does not import the library; the first expression compiled does.

``apply(subject, scope)``: the subject is a ``States``. Raises ``EvaluationError`` States.QueryEvaluationError with
AWS's sentences, which are recorded (undefined, unexpected and unsupported results) or measured (errors and bounds).
"""

from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.errors import QUERY_EVALUATION, EvaluationError, QuerySyntaxError
from sfn_emulator.query.compiled import Compiled, Scope, States
from sfn_emulator.query.jsonata.errors import (
    NOT_EVALUATED,
    STACK_OVERFLOW,
    BoundError,
    JsonataError,
    UnsupportedResultError,
)
from sfn_emulator.query.jsonata.fast.compile import Doubt, Fast, fast_way
from sfn_emulator.values import UNSET, Value, dumps, type_name

INVALID: Final = "INVALID_JSONATA_EXPRESSION"
UNSUPPORTED: Final = "UNSUPPORTED_JSONATA_EXPRESSION"
MEMBERS: Final = frozenset({"input", "result", "errorOutput", "context"})


class JsonataSyntaxError(QuerySyntaxError):
    """An expression that AWS refuses when the definition is created; ``code`` is AWS's diagnostic code."""

    def __init__(self, message: str, offset: int = 0, code: str = INVALID) -> None:
        super().__init__(message, offset)
        self.code = code


def is_expression(value: Value) -> bool:
    """Whether a value of a definition is a JSONata expression: a string in ``{%`` … ``%}``, no space outside."""
    return isinstance(value, str) and len(value) >= 4 and value.startswith("{%") and value.endswith("%}")


def expression_text(source: str) -> str:
    """The expression as AWS quotes it in error texts: without ``{% %}`` and the space around, if it has them."""
    return source[2:-2].strip() if source.startswith("{%") and source.endswith("%}") else source


def compile_expression(text: str, location: str) -> Compiled:
    """Compiles one ``{% … %}`` string. ``location`` is the field as AWS names it (``Output/v``, ``Condition``).

    Raises ``JsonataSyntaxError`` for what AWS refuses at create time: syntax errors, names at the top level.
    """
    if not is_expression(text):
        raise JsonataSyntaxError("A JSONata expression must start with '{%' and end with '%}'")
    from sfn_emulator.query.jsonata.names import names_of
    from sfn_emulator.query.jsonata.syntax import parse

    inner = text[2:-2]
    lead = 2 + len(inner) - len(inner.lstrip())
    try:
        tree = parse(inner.strip())
        names = names_of(tree)
    except QuerySyntaxError as error:
        raise JsonataSyntaxError(error.message, error.offset + lead) from None
    for name, offset in names.top.items():
        raise JsonataSyntaxError(
            f"Reference to '{name}' at the top level is not supported.", offset + lead, UNSUPPORTED
        )
    evaluate = library_way(tree, names.free, MEMBERS if names.whole else frozenset(names.reserved))
    apply = _applied(fast_way(tree), evaluate, expression_text(text), location)
    return Compiled(text, apply, names.variables, frozenset(names.reserved))


def _applied(
    fast: Fast | None, slow: Callable[[States, Scope], Value], text: str, location: str
) -> Callable[[Any, Scope], Value]:
    """The fast way where it is sure, else the library. All evaluation errors are made here."""

    def asked(subject: Any, scope: Scope) -> Value:
        try:
            value = slow(subject, scope)
        except JsonataError as error:
            raise _thrown(text, location, f". {error.code}: {error.message}") from None
        except BoundError as error:
            raise _bound(text, location, error.message, scope) from None
        except UnsupportedResultError:
            raise unsupported_result(text, location) from None
        if value is UNSET:
            raise undefined_result(text, location)
        return value

    if fast is None:
        return asked

    def apply(subject: Any, scope: Scope) -> Value:
        try:
            value = fast(subject, scope, UNSET)
        except Doubt:
            return asked(subject, scope)
        if value is UNSET:
            raise undefined_result(text, location)
        return value

    return apply


def library_way(tree: Any, free: set[str], members: frozenset[str]) -> Callable[[States, Scope], Value]:
    """Evaluation by the library. Only the names that the expression reads are bound; nulls are marked."""
    from sfn_emulator.query.jsonata import library
    from sfn_emulator.query.jsonata.additions import DRAWN, drawn
    from sfn_emulator.query.jsonata.functions import functions_frame

    draws = tuple(free & DRAWN)
    names = tuple(free - {"states"})
    reads_states = "states" in free

    def evaluate(subject: States, scope: Scope) -> Value:
        try:
            frame = library.Frame(functions_frame())
            frame.bindings.update((name, drawn(name, scope)) for name in draws)
            variables = scope.variables
            frame.bindings.update((n, library.with_nulls(variables[n])) for n in names if n in variables)
            if reads_states:
                frame.bindings["states"] = library.with_nulls(_states(subject, scope, members))
            return library.outcome(library.Evaluator().run(tree, frame))
        except RecursionError:
            raise BoundError(STACK_OVERFLOW) from None

    return evaluate


def _states(subject: States, scope: Scope, members: frozenset[str]) -> dict[str, Value]:
    """``$states`` with the members that exist."""
    present = {"input": subject.input, "result": subject.result, "errorOutput": subject.error_output}
    states = {name: value for name, value in present.items() if name in members and value is not UNSET}
    if "context" in members:
        states["context"] = scope.context()
    return states


def _thrown(text: str, location: str, tail: str) -> EvaluationError:
    return _error(text, location, f"threw an error during evaluation{tail}")


def _bound(text: str, location: str, message: str, scope: Scope) -> EvaluationError:
    if message == NOT_EVALUATED:
        return _error(text, location, f"{NOT_EVALUATED} {scope.draws.uuid()}")
    return _thrown(text, location, f": {message}")


def _error(text: str, location: str, what: str) -> EvaluationError:
    message = f"The JSONata expression '{text}' specified for the field '{location}' {what}"
    return EvaluationError(QUERY_EVALUATION, message, location)


def undefined_result(text: str, location: str) -> EvaluationError:
    return _error(text, location, "returned nothing (undefined).")


def unsupported_result(text: str, location: str) -> EvaluationError:
    return _error(text, location, "returned an unsupported result type.")


def unexpected_result(source: str, location: str, expected: str, value: Value) -> EvaluationError:
    """AWS's error for a result of the wrong type. ``source`` is the ``{% … %}`` string, ``expected`` a JSON type."""
    was = f"Expected '{expected}', but was '{type_name(value)}' for value: {dumps(value)}"
    return _error(expression_text(source), location, f"returned an unexpected result type. {was}")
