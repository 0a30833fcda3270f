"""What can be said of a payload template before it is compiled, and every fault of one that does not compile.

AWS places a fault at the field that holds the template (``/States/X/Parameters``) and names the key in the text; the
exact place goes to the linter.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from sfn_emulator.asl.draft import Fields
from sfn_emulator.asl.place import Place
from sfn_emulator.asl.report import SCHEMA
from sfn_emulator.errors import QuerySyntaxError
from sfn_emulator.query.intrinsics import compile_intrinsic, is_intrinsic
from sfn_emulator.query.jsonata import compile_expression
from sfn_emulator.query.jsonpath import compile_path
from sfn_emulator.values import Value

DYNAMIC: Final = ".$"
_LOOKS_DYNAMIC: Final = re.compile(r"\$\$?\.|States\.[A-Z][A-Za-z0-9]*\(")


def survey_template(fields: Fields, key: str, value: Value) -> bool:
    """Reports keys that collide, warns of queries in fields without ``.$``; ``False`` if it need not be compiled."""
    sound = True
    for place, members in _objects(value, fields.at(key)):
        for name, member in members.items():
            if name[-2:] == DYNAMIC:
                sound = _survey_dynamic(fields, key, place, members, name) and sound
            elif type(member) is str and _LOOKS_DYNAMIC.match(member):
                message = f"The field '{name}' looks like a path or an intrinsic function call but does not end with '.$'"
                fields.draft.report.warning((*place, name), message, "NO_DOLLAR")
    return sound


def _survey_dynamic(fields: Fields, key: str, place: Place, members: dict[str, Any], name: str) -> bool:
    bare, member = name[:-2], members[name]
    if bare in members:
        message = f"Duplicate field '{bare}': the fields '{bare}' and '{name}' have the same name"
        fields.draft.report.error(fields.at(key), message, "DUPLICATE_FIELD", exact=(*place, name))
        return False
    return type(member) is str and member.startswith(("$", "States.")) and not fields.stands_in(member)


def explain_template(fields: Fields, key: str, value: Value) -> bool:
    """Reports every ``.$`` field that does not compile; ``False`` if all do."""
    found = False
    for place, members in _objects(value, fields.at(key)):
        for name, member in members.items():
            if name[-2:] == DYNAMIC and not fields.stands_in(member) and not _compiles_query(member):
                kind = "INTRINSIC" if isinstance(member, str) and is_intrinsic(member) else "JSON_PATH"
                fields.draft.report.error(fields.at(key), _no_query(name), kind, exact=(*place, name))
                found = True
    return found


def survey_jsonata(fields: Fields, key: str, value: Value) -> bool:
    """Reports strings that begin or end like an expression but are none. With blanks around it is text (recorded)."""
    sound = True
    for place, text in _strings(value, fields.at(key)):
        opens, closes = text.startswith("{%"), text.endswith("%}")
        if (opens or closes) and not (opens and closes and text[2:-2].strip()):
            if not fields.stands_in(text):
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
                message = _unparsable(text, error.message)
                fields.draft.report.error(place, message, "JSONATA", code=code_of(error))
                found = True
    return found


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


def _compiles_query(value: Value) -> bool:
    compile_it = compile_intrinsic if isinstance(value, str) and is_intrinsic(value) else compile_path
    return _syntax_error(compile_it, value) is None


def _syntax_error(compile_it: Callable[..., object], *arguments: Value) -> QuerySyntaxError | None:
    try:
        compile_it(*arguments)
    except QuerySyntaxError as error:
        return error
    return None


def code_of(error: QuerySyntaxError) -> str:
    """AWS's diagnostic code; JSONata's problems bring their own."""
    return str(getattr(error, "code", SCHEMA))


def _no_query(name: str) -> str:
    return f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call"


def _no_expression(text: str) -> str:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return f"A JSONata expression must be a string that starts with '{{%' and ends with '%}}' but was '{shown}'"


def _unparsable(text: str, why: str) -> str:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return f"The JSONata expression '{shown}' is not valid: {why}"
