"""Checks a payload template before it is compiled, and reports every fault of one that does not compile.

AWS places a fault at the field that holds the template (``/States/X/Parameters``) and names the key in the text; the
exact place goes to the linter.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from sfn_emulator.asl.parsing.draft import Fields
from sfn_emulator.asl.text.report import SCHEMA
from sfn_emulator.errors import QuerySyntaxError
from sfn_emulator.query.jsonata.expression import UNSUPPORTED, compile_expression, is_expression
from sfn_emulator.query.jsonpath.intrinsics.calls import is_intrinsic, misfits
from sfn_emulator.query.jsonpath.template import compile_field
from sfn_emulator.query.memo import remembered_by_json
from sfn_emulator.values import Place, Value

DYNAMIC: Final = ".$"
_LOOKS_DYNAMIC: Final = re.compile(r"\$\$?\.|States\.[A-Z][A-Za-z0-9]*\(")


def warn_of_static_queries(fields: Fields, key: str, value: Value) -> None:
    """NO_DOLLAR: what looks like a query in a field without ``.$``."""
    linting = fields.draft.substitutions
    if not linting and not _has_static_queries(value):
        return
    for place, members in _objects(value, fields.at(key)):
        for name, member in members.items():
            if name[-2:] == DYNAMIC:
                if linting:
                    _lint_call(fields, key, (*place, name), member)
            elif _is_static_query(name, member):
                message = (
                    f"The field '{name}' looks like a path or an intrinsic function call but does not end with '.$'"
                )
                fields.draft.report.warning((*place, name), message, "NO_DOLLAR")


@remembered_by_json
def _has_static_queries(value: Value) -> bool:
    return any(_is_static_query(name, member) for _, members in _objects(value, ()) for name, member in members.items())


def _is_static_query(name: str, member: Value) -> bool:
    return type(member) is str and name[-2:] != DYNAMIC and _LOOKS_DYNAMIC.match(member) is not None


def _lint_call(fields: Fields, key: str, exact: Place, member: Value) -> None:
    """Reports a call that AWS accepts and that fails in every run: the linter refuses it."""
    if not isinstance(member, str) or not is_intrinsic(member) or _syntax_error(compile_field, "", member) is not None:
        return
    for message in misfits(member):
        fields.draft.report.error(fields.at(key), message, "INTRINSIC", exact=exact)


def explain_template(fields: Fields, key: str, value: Value) -> bool:
    """Reports names given twice and every ``.$`` field that does not compile; ``False`` if there is none."""
    found = False
    for place, members in _objects(value, fields.at(key)):
        for name in members:
            if name[-2:] == DYNAMIC:
                found = _explain_dynamic(fields, key, (*place, name), members) or found
    return found


def _explain_dynamic(fields: Fields, key: str, exact: Place, members: dict[str, Any]) -> bool:
    report, name = fields.draft.report, str(exact[-1])
    bare, member = name[:-2], members[name]
    twice = bare in members
    if twice:
        message = f"The field '{bare}' is given twice once '.$' is taken off"
        report.error(fields.at(key), message, "DUPLICATE_FIELD", exact=exact)
    if fields.stands_in(member) or _syntax_error(compile_field, name, member) is None:
        return twice
    kind = "INTRINSIC" if isinstance(member, str) and is_intrinsic(member) else "JSON_PATH"
    message = f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call"
    report.error(fields.at(key), message, kind, exact=exact)
    return True


def survey_jsonata(fields: Fields, key: str, value: Value) -> bool:
    """Reports strings that begin or end like an expression but are not one. With blanks around it a string is text
    (recorded).
    """
    sound = True
    for place, text in _strings(value, fields.at(key)):
        opens, closes = text.startswith("{%"), text.endswith("%}")
        sound_one = opens == closes and not (opens and not text[2:-2].strip())
        if not sound_one and not fields.stands_in(text):
            fields.draft.report.error(place, _no_expression(text), "JSONATA")
            sound = False
    return sound


def explain_jsonata(fields: Fields, key: str, value: Value) -> bool:
    """Reports every expression that does not compile; ``False`` if all do."""
    found = False
    for place, text in _strings(value, fields.at(key)):
        if text.startswith("{%") and not fields.stands_in(text):
            error = _syntax_error(compile_expression, text, key)
            if error is not None:
                fields.draft.report.error(place, error.message, "JSONATA", code=code_of(error))
                found = True
    return found


def explain_reserved(fields: Fields, key: str, known: tuple[str, ...]) -> None:
    """Reports every expression that reads a member ``$states`` doesn't have there (AWS's words: sst#6110)."""
    for place, text in _strings(fields.raw[key], fields.at(key)):
        if is_expression(text):
            for name in sorted(compile_expression(text, key).reserved.difference(known)):
                message = f"Field '$states.{name}' does not exist."
                fields.draft.report.error(place, message, "VARIABLE", code=UNSUPPORTED)


def _objects(value: Value, place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every object of the template, outermost first, without recursion."""
    waiting: list[tuple[Place, Value]] = [(place, value)]
    while waiting:
        place, value = waiting.pop()
        if type(value) is dict:
            yield place, value
            waiting.extend([((*place, k), v) for k, v in value.items() if type(v) is dict or type(v) is list][::-1])
        elif type(value) is list:
            waiting.extend([((*place, i), v) for i, v in enumerate(value) if type(v) is dict or type(v) is list][::-1])


def _strings(value: Value, place: Place) -> Iterator[tuple[Place, str]]:
    """Every string of the template, in order."""
    waiting: list[tuple[Place, Value]] = [(place, value)]
    while waiting:
        place, value = waiting.pop()
        if type(value) is str:
            yield place, value
        elif type(value) is dict:
            waiting.extend([((*place, k), v) for k, v in value.items()][::-1])
        elif type(value) is list:
            waiting.extend([((*place, i), v) for i, v in enumerate(value)][::-1])


def _syntax_error(compile_it: Callable[..., object], *arguments: Value) -> QuerySyntaxError | None:
    try:
        compile_it(*arguments)
    except QuerySyntaxError as error:
        return error
    return None


def code_of(error: QuerySyntaxError) -> str:
    """AWS's diagnostic code for a problem. A problem of JSONata has a code already."""
    return str(getattr(error, "code", SCHEMA))


def _no_expression(text: str) -> str:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return f"A JSONata expression must be a string that starts with '{{%' and ends with '%}}' but was '{shown}'"
