"""A Choice rule as a sentence: ``$.Status is present and $.Status = "PLACED"``.

Words are made of the operator's name, so an operator that is new to us still reads as AWS named it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from sfn_emulator.values import dumps

_SIGNS: Final = {
    "Equals": "=",
    "LessThanEquals": "≤",
    "GreaterThanEquals": "≥",
    "LessThan": "<",
    "GreaterThan": ">",
    "Matches": "matches",
}
_KINDS: Final = ("String", "Numeric", "Boolean", "Timestamp")
_OPERATOR: Final = re.compile(rf"(?:{'|'.join(_KINDS)})({'|'.join(_SIGNS)})(Path)?")
_IS: Final = {
    "IsPresent": ("present", "not present"),
    "IsNull": ("null", "not null"),
    "IsString": ("a string", "not a string"),
    "IsNumeric": ("a number", "not a number"),
    "IsBoolean": ("a boolean", "not a boolean"),
    "IsTimestamp": ("a timestamp", "not a timestamp"),
}
_BESIDE: Final = frozenset(("Variable", "Next", "Comment", "Assign", "Output"))


def condition_text(rule: Mapping[str, Any]) -> str:
    """The whole condition; for a JSONata rule the expression without its braces."""
    if "Condition" in rule:
        return _expression(rule["Condition"])
    for combination, word in (("And", " and "), ("Or", " or ")):
        if combination in rule:
            parts = [part for part in _list(rule[combination]) if isinstance(part, dict)]
            return word.join(_part(part, combination) for part in parts)
    if isinstance(rule.get("Not"), dict):
        return f"not ({condition_text(rule['Not'])})"
    return _test(rule)


def brief_condition(rule: Mapping[str, Any]) -> str:
    """Like ``condition_text``, without guards: a comparison makes the test of presence before it superfluous."""
    parts = _list(rule.get("And"))
    tested = {part.get("Variable") for part in parts if isinstance(part, dict) and not part.get("IsPresent")}
    kept = [part for part in parts if not (isinstance(part, dict) and part.get("IsPresent") and _guards(part, tested))]
    return condition_text({**rule, "And": kept} if kept else rule)


def _guards(part: Mapping[str, Any], tested: set[Any]) -> bool:
    return part.get("Variable") in tested


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _part(rule: Mapping[str, Any], within: str) -> str:
    text = condition_text(rule)
    other = "Or" if within == "And" else "And"
    return f"({text})" if other in rule else text


def _expression(text: Any) -> str:
    if isinstance(text, str) and text.startswith("{%") and text.endswith("%}"):
        return text[2:-2].strip()
    return dumps(text)


def _test(rule: Mapping[str, Any]) -> str:
    variable = str(rule.get("Variable", ""))
    for name, operand in rule.items():
        if name in _BESIDE:
            continue
        if name in _IS:
            return f"{variable} is {_IS[name][0 if operand else 1]}"
        return f"{variable} {_comparison(name, operand)}"
    return variable


def _comparison(name: str, operand: Any) -> str:
    known = _OPERATOR.fullmatch(name)
    if known is None:
        return f"{name} {dumps(operand)}"
    shown = str(operand) if known[2] else dumps(operand)
    return f"{_SIGNS[known[1]]} {shown}"
