"""Choice rules: boolean combinations and data tests (`state-choice`), or JSONata conditions."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sfn_emulator.asl.draft import Fields
from sfn_emulator.asl.fields import check_language, refuse_field
from sfn_emulator.asl.model import ChoiceRule
from sfn_emulator.asl.queries import assign, condition, expression, output, path
from sfn_emulator.asl.targets import read_target
from sfn_emulator.values import Value

_RFC3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})")


def is_timestamp(value: Value) -> bool:
    """RFC 3339 with upper-case T and Z, and a date that exists."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value))
    except ValueError:
        return False
    return True


def _is_number(value: Value) -> bool:
    return type(value) is int or type(value) is float


_ORDER: Final = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
_OPERANDS: Final[dict[str, tuple[Callable[[Value], bool], str]]] = {
    **dict.fromkeys([f"String{o}" for o in _ORDER], (lambda v: type(v) is str, "Expected value of type String")),
    **dict.fromkeys([f"Numeric{o}" for o in _ORDER], (_is_number, "Expected value of type Number")),
    **dict.fromkeys([f"Timestamp{o}" for o in _ORDER], (is_timestamp, "String does not match RFC3339 timestamp")),
    **dict.fromkeys(
        ["BooleanEquals", "IsPresent", "IsNull", "IsString", "IsNumeric", "IsBoolean", "IsTimestamp"],
        (lambda v: type(v) is bool, "Expected value of type Boolean"),
    ),
    "StringMatches": (lambda v: type(v) is str, "Expected value of type String"),
}
_BY_PATH: Final = frozenset(
    f"{kind}{order}Path" for kind in ("String", "Numeric", "Timestamp") for order in _ORDER
) | {"BooleanEqualsPath"}
_COMBINATIONS: Final = ("And", "Or", "Not")
_OF_A_RULE: Final = frozenset(("Next", "Comment", "Assign", "Output"))
_OPERATORS: Final = frozenset(_OPERANDS) | _BY_PATH | frozenset(_COMBINATIONS)


def read_choices(fields: Fields) -> tuple[ChoiceRule, ...]:
    if not fields.require("Choices"):
        return ()
    rules = fields.array("Choices")
    if rules is None:
        return ()
    if not rules:
        fields.error("Choices", "The field 'Choices' should be non-empty")
    read = []
    for index, raw in enumerate(rules):
        if isinstance(raw, dict):
            read.append(_rule(fields.inside(raw, "Choices", index)))
        else:
            fields.draft.report.error((*fields.at("Choices"), index), "Expected value of type Object")
    return tuple(rule for rule in read if rule is not None)


def _rule(rule: Fields) -> ChoiceRule | None:
    test = _jsonata_condition(rule) if rule.state.jsonata else _jsonpath_condition(rule)
    rule.text("Comment")
    target = read_target(rule, "Next") if rule.require("Next") else None
    out = output(rule, ()) if rule.state.jsonata else None
    assigned = assign(rule, ())
    if test is None or target is None:
        return None
    return ChoiceRule(test, target, out, assigned)


def _jsonata_condition(rule: Fields) -> Any:
    for name in rule.raw:
        if name != "Condition" and name not in _OF_A_RULE:
            refuse_field(rule, name, of_other_language=name in _OPERATORS or name == "Variable")
    if not rule.require("Condition"):
        return None
    if type(rule.raw["Condition"]) is bool:
        return condition(rule, None)
    return expression(rule, "Condition")


def _jsonpath_condition(rule: Fields) -> Any:
    check_language(rule, "Condition", "Output")
    if "Condition" in rule:
        return None
    if not _sound(rule, top=True):
        return None
    test = {name: value for name, value in rule.raw.items() if name not in _OF_A_RULE}
    return condition(rule, test)


def _sound(rule: Fields, *, top: bool) -> bool:
    """Checks one rule and those within; the depth of the text bounds the recursion."""
    operators = [name for name in rule.raw if name in _OPERATORS]
    sound = _check_names(rule, top=top)
    if len(operators) != 1:
        what = "exactly one operator" + (f" but has: [{', '.join(operators)}]" if operators else "")
        rule.refuse(f"A Choice rule must have {what}")
        return False
    operator = operators[0]
    if operator in _COMBINATIONS:
        return _check_combination(rule, operator) and sound
    if not rule.require("Variable"):
        return False
    sound = path(rule, "Variable") is not None and sound
    return _check_operand(rule, operator) and sound


def _check_names(rule: Fields, *, top: bool) -> bool:
    sound = True
    for name in rule.raw:
        known = name in _OPERATORS or name in ("Variable", "Comment", "Output", "Condition")
        if not known and not (top and name in _OF_A_RULE):
            refuse_field(rule, name, of_other_language=False)
            sound = False
    return sound


def _check_combination(rule: Fields, operator: str) -> bool:
    if "Variable" in rule:
        refuse_field(rule, "Variable", of_other_language=False)
        return False
    if operator == "Not":
        inner = rule.object("Not")
        return inner is not None and _sound(inner, top=False)
    rules = rule.array(operator)
    if rules is None:
        return False
    if not rules:
        rule.error(operator, f"The field '{operator}' should be non-empty")
    sound = bool(rules)
    for index, raw in enumerate(rules):
        if isinstance(raw, dict):
            sound = _sound(rule.inside(raw, operator, index), top=False) and sound
        else:
            rule.draft.report.error((*rule.at(operator), index), "Expected value of type Object")
            sound = False
    return sound


def _check_operand(rule: Fields, operator: str) -> bool:
    if operator in _BY_PATH:
        return path(rule, operator) is not None
    accepts, message = _OPERANDS[operator]
    value = rule.raw[operator]
    if accepts(value) or rule.stands_in(value):
        if isinstance(value, str) and value.startswith(("$.", "$$.")):
            text = f"The value of '{operator}' looks like a path but the field's name does not end with 'Path'"
            rule.draft.report.warning(rule.at(operator), text, "NO_PATH")
        return True
    rule.error(operator, message)
    return False
