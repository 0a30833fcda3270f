"""Parameters: their declarations, the given values, and the checks of these."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.query.bounded import PatternError, matches

_SSM: Final = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_LISTS: Final = re.compile(r"CommaDelimitedList|List<.+>")
_KNOWN: Final = re.compile(
    r"String|Number|CommaDelimitedList|List<Number>|AWS::\w+::[\w:]+(<.+>)?|List<(String|AWS::.+)>"
)
MASK: Final = "****"

Lookup = Callable[[str], str]
"""An SSM parameter's name → its value. Raises ``StackError`` when there is none."""


def given(declared: Mapping[str, Mapping[str, Any]], told: Mapping[str, str]) -> dict[str, str]:
    """The text of each parameter, given or its default. Raises ``StackError`` in AWS's words."""
    if unknown := sorted(set(told) - set(declared)):
        raise StackError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [name for name, row in declared.items() if name not in told and "Default" not in row]
    if missing:
        raise StackError(f"Parameters: [{', '.join(missing)}] must have values")
    texts = {name: told[name] if name in told else _default(row["Default"]) for name, row in declared.items()}
    for name, row in declared.items():
        _check(name, row, texts[name])
    return texts


def values(declared: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str], lookup: Lookup) -> dict[str, Any]:
    """The values of Ref: texts, lists of texts, and the values of SSM parameters."""
    return {name: _value(row["Type"], texts[name], lookup) for name, row in declared.items()}


def resolved_texts(
    declared: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str], lookup: Lookup
) -> dict[str, str]:
    """The ``ResolvedValue`` of parameters that name an SSM parameter."""
    return {name: lookup(texts[name]) for name, row in declared.items() if _SSM.fullmatch(row["Type"])}


def shown(row: Mapping[str, Any], text: str) -> str:
    """A parameter's text as it may be shown: NoEcho is masked."""
    return MASK if str(row.get("NoEcho", "")).lower() == "true" else text


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _value(kind: str, text: str, lookup: Lookup) -> Any:
    found = _SSM.fullmatch(kind)
    if found:
        return _value(found[1], lookup(text), lookup)
    return [part.strip() for part in text.split(",")] if _LISTS.fullmatch(kind) else text


def _check(name: str, row: Mapping[str, Any], text: str) -> None:
    kind = str(row["Type"])
    if not _KNOWN.fullmatch(kind):
        raise StackError(f"Template format error: Unrecognized parameter type: {kind}")
    if _SSM.fullmatch(kind):
        return
    parts = [part.strip() for part in text.split(",")] if _LISTS.fullmatch(kind) else [text]
    try:
        complaints = [complaint for part in parts for rule in _RULES if (complaint := rule(row, part)) is not None]
    except (TypeError, ValueError):
        raise StackError(f"Template format error: Parameter {name} has a constraint of the wrong type.") from None
    for complaint in complaints[:1]:
        told = row.get("ConstraintDescription")
        raise StackError(f"Parameter '{name}' {f'failed to satisfy constraint: {told}' if told else complaint}")


def _number(row: Mapping[str, Any], text: str) -> str | None:
    if "Number" not in str(row["Type"]):
        return None
    try:
        value = float(text)
    except ValueError:
        return "must be a number."
    if "MinValue" in row and value < float(row["MinValue"]):
        return f"must be a number not less than {row['MinValue']}"
    if "MaxValue" in row and value > float(row["MaxValue"]):
        return f"must be a number not greater than {row['MaxValue']}"
    return None


def _allowed(row: Mapping[str, Any], text: str) -> str | None:
    allowed = row.get("AllowedValues")
    return None if allowed is None or text in map(_default, allowed) else "must be one of AllowedValues"


def _pattern(row: Mapping[str, Any], text: str) -> str | None:
    pattern = row.get("AllowedPattern")
    try:
        return None if pattern is None or matches(str(pattern), text) else f"must match pattern {pattern}"
    except PatternError as error:
        return f"can't be checked: {error}"


def _length(row: Mapping[str, Any], text: str) -> str | None:
    if "MinLength" in row and len(text) < int(row["MinLength"]):
        return f"must contain at least {row['MinLength']} characters"
    if "MaxLength" in row and len(text) > int(row["MaxLength"]):
        return f"must contain at most {row['MaxLength']} characters"
    return None


_RULES: Final = (_number, _allowed, _pattern, _length)
