"""Fields that hold paths, templates and expressions: text → ``Compiled``, or a problem at the field.

The one place where ``asl`` meets the query rooms. Every variable an expression reads is noted with its state.
"""

from collections.abc import Callable
from typing import Final

from sfn_emulator.asl.model import Number
from sfn_emulator.asl.parsing.draft import Fields
from sfn_emulator.asl.parsing.payload import (
    code_of,
    explain_jsonata,
    explain_reserved,
    explain_template,
    survey_jsonata,
    warn_of_static_queries,
)
from sfn_emulator.asl.parsing.variables import note_assigned
from sfn_emulator.asl.text.place import location
from sfn_emulator.errors import QuerySyntaxError
from sfn_emulator.query.compiled import Compiled, ResultPath
from sfn_emulator.query.jsonata.expression import compile_expression, is_expression
from sfn_emulator.query.jsonata.template import compile_jsonata_template
from sfn_emulator.query.jsonpath.conditions import compile_condition
from sfn_emulator.query.jsonpath.intrinsics.calls import STRING_INTRINSICS, compile_intrinsic, is_intrinsic
from sfn_emulator.query.jsonpath.path import INVALID_PATH, ITEMS_PATH, NO_INPUT_VALUE, NOT_FOUND, compile_path
from sfn_emulator.query.jsonpath.reference_path import compile_reference, compile_reference_path
from sfn_emulator.query.jsonpath.template import compile_template
from sfn_emulator.values import Place, Value

_NOT_A_PATH: Final = "Value must be a valid JSONPath."
_MISSES: Final = {
    **dict.fromkeys(("SecondsPath", "TimestampPath"), NO_INPUT_VALUE),
    **dict.fromkeys(("ErrorPath", "CausePath"), NOT_FOUND),
    "ItemsPath": ITEMS_PATH,
}


def path(fields: Fields, key: str, *, nullable: bool = False) -> Compiled | None:
    """A path; where it may be ``null``, that stands for an empty object (InputPath, OutputPath)."""
    if key not in fields.raw:
        return None
    value = fields.raw[key]
    if value is None:
        if nullable:
            return _EMPTY
        fields.error(key, _NOT_A_PATH, "JSON_PATH")
        return None
    return _noted(
        fields, key, lambda: compile_path(value, key, _MISSES.get(key, INVALID_PATH)), "JSON_PATH", _NOT_A_PATH
    )


def reference(fields: Fields, key: str) -> Compiled | None:
    """A path to one value (ItemsPath, SecondsPath and their kin)."""
    if key not in fields:
        return None
    value = fields.raw[key]
    return _noted(fields, key, lambda: compile_reference(value, key, _MISSES.get(key, INVALID_PATH)), "JSON_PATH")


def path_or_intrinsic(fields: Fields, key: str) -> Compiled | None:
    """Fail's ErrorPath and CausePath: a path, or an intrinsic function that gives a string."""
    value = fields.raw.get(key)
    if isinstance(value, str) and is_intrinsic(value):
        return _noted(fields, key, lambda: compile_intrinsic(value, STRING_INTRINSICS), "INTRINSIC")
    return path(fields, key)


def result_path(fields: Fields) -> ResultPath | None:
    """The compiled path; ``None`` if there is none. ``null`` discards the result."""
    if "ResultPath" not in fields:
        return None
    value = fields.raw["ResultPath"]
    if value is None:
        return _DISCARD
    if fields.stands_in(value):
        return None
    try:
        return compile_reference_path(value)
    except QuerySyntaxError as error:
        fields.error("ResultPath", error.message, "JSON_PATH")
        return None


def template(fields: Fields, key: str) -> Compiled | None:
    """A payload template (Parameters, ResultSelector, ItemSelector, BatchInput, Credentials)."""
    if key not in fields:
        return None
    value = fields.raw[key]
    warn_of_static_queries(fields, key, value)
    return _explained(fields, key, lambda: compile_template(value), explain_template)


def jsonata_template(fields: Fields, key: str, reserved: tuple[str, ...] = ()) -> Compiled | None:
    """A value whose strings ``{% … %}`` are JSONata expressions (Arguments, Output, Assign, ItemSelector)."""
    if key not in fields:
        return None
    value = fields.raw[key]
    if not survey_jsonata(fields, key, value):
        return None
    compiled = _explained(fields, key, lambda: compile_jsonata_template(value, _location(fields, key)), explain_jsonata)
    return _check_reserved(fields, key, compiled, reserved)


def payload(fields: Fields, key: str, reserved: tuple[str, ...] = ()) -> Compiled | None:
    """The field as a template of the state's own query language."""
    return jsonata_template(fields, key, reserved) if fields.state.jsonata else template(fields, key)


def output(fields: Fields, reserved: tuple[str, ...]) -> Compiled | None:
    return jsonata_template(fields, "Output", reserved)


def assign(fields: Fields, reserved: tuple[str, ...]) -> Compiled | None:
    """Assign: an object whose keys name variables."""
    if "Assign" not in fields:
        return None
    if fields.object("Assign") is None:
        return None
    note_assigned(fields)
    return payload(fields, "Assign", reserved)


def expression(fields: Fields, key: str) -> Compiled | None:
    """A string that is one JSONata expression ``{% … %}``."""
    value = fields.raw[key]
    if not is_expression(value):
        if not fields.stands_in(value):
            fields.error(key, "Value must be a JSONata expression enclosed in {% %}", "JSONATA")
        return None
    compiled = _noted(fields, key, lambda: compile_expression(value, _location(fields, key)), "JSONATA")
    return _check_reserved(fields, key, compiled, ())


def condition(rule: Fields, ignored: frozenset[str], explain: Callable[[Fields], bool]) -> Compiled | None:
    """A data test of a Choice rule. If it does not compile, ``explain`` reports why."""
    try:
        compiled = compile_condition(rule.raw, ignored)
    except QuerySyntaxError as error:
        if explain(rule) and not rule.draft.substitutions:
            rule.refuse(error.message)
        return None
    note_reads(rule, compiled, rule.place)
    return compiled


def text_or_expression(fields: Fields, key: str) -> str | Compiled | None:
    """A string of a JSONata state that may be an expression."""
    text = fields.text(key)
    if text is None or not survey_jsonata(fields, key, text):
        return None
    return expression(fields, key) if is_expression(text) else text


def amount(fields: Fields, key: str, low: float, high: float, *, whole: bool = True) -> Number | None:
    """``key`` as a literal in [low, high] or a JSONata expression, or ``keyPath`` as a path; not both."""
    by_path = key + "Path"
    if not fields.state.jsonata and by_path in fields:
        fields.at_most_one(key, by_path)
        return reference(fields, by_path)
    if key not in fields:
        return None
    if fields.state.jsonata and isinstance(fields.raw[key], str):
        return expression(fields, key)
    return fields.integer(key, low, high) if whole else fields.number(key, low, high)


def _noted(
    fields: Fields, key: str, compile_field: Callable[[], Compiled], kind: str, message: str | None = None
) -> Compiled | None:
    """Compiles, notes the variables read; a syntax error becomes a problem with ``message`` or its own text."""
    try:
        compiled = compile_field()
    except QuerySyntaxError as error:
        if not fields.stands_in(fields.raw[key]):
            fields.draft.report.error(fields.at(key), message or error.message, kind, code=code_of(error))
        return None
    note_reads(fields, compiled, fields.at(key))
    return compiled


def _explained(
    fields: Fields, key: str, compile_field: Callable[[], Compiled], explain: Callable[[Fields, str, Value], bool]
) -> Compiled | None:
    """Compiles a template. If that fails, reports every fault in it."""
    try:
        compiled = compile_field()
    except QuerySyntaxError as error:
        if not explain(fields, key, fields.raw[key]) and not fields.draft.substitutions:
            fields.error(key, error.message, "JSONATA" if fields.state.jsonata else "JSON_PATH")
        return None
    note_reads(fields, compiled, fields.at(key))
    return compiled


def note_reads(fields: Fields, compiled: Compiled, place: Place) -> None:
    """Notes the variables that the expression at ``place`` reads."""
    for name in compiled.variables:
        fields.state.reads.setdefault(name, place)


def _check_reserved(fields: Fields, key: str, compiled: Compiled | None, reserved: tuple[str, ...]) -> Compiled | None:
    """``$states.result`` and ``$states.errorOutput`` exist in some fields only (`transforming-data`)."""
    known = ("input", "context", *reserved)
    if compiled is not None and not compiled.reserved.issubset(known):
        explain_reserved(fields, key, known)
    return compiled


def _location(fields: Fields, key: str) -> str:
    """The field's place within its state, as EvaluationFailed writes it: ``Output``, ``Catch[1]/Output``."""
    return location(fields.at(key)[len(fields.state.place) :])[1:]


_EMPTY: Final = Compiled(None, lambda subject, scope: {}, constant=True)
_DISCARD: Final = ResultPath("null", lambda given, result: given)
