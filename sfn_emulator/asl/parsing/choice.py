"""Choice rules: boolean combinations and data tests (`state-choice`), or JSONata conditions."""

from typing import Any, Final

from sfn_emulator.asl.model import ChoiceRule
from sfn_emulator.asl.parsing.draft import Fields
from sfn_emulator.asl.parsing.fields import check_language, refuse_field
from sfn_emulator.asl.parsing.queries import assign, condition, expression, output, reference
from sfn_emulator.asl.parsing.targets import read_target
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.query.jsonpath.conditions import COMBINATORS, IS_PRESENT, OPERATORS, PATH_OPERATORS
from sfn_emulator.query.timestamps import NOT_A_TIMESTAMP

_OF_A_RULE: Final = frozenset(("Next", "Comment", "Assign", "Output"))
_OPERATORS: Final = frozenset((*OPERATORS, *PATH_OPERATORS, *COMBINATORS, IS_PRESENT))
_WITH_PATH: Final = [name for name in OPERATORS if name + "Path" in PATH_OPERATORS]
_DATA_TESTS: Final = (*_WITH_PATH, *PATH_OPERATORS, *(name for name in OPERATORS if name not in _WITH_PATH), IS_PRESENT)


def read_choices(fields: Fields) -> tuple[ChoiceRule, ...]:
    """The rules of a Choice in their order, without those that are faulty."""
    if not fields.require("Choices"):
        return ()
    rules = fields.array("Choices")
    if rules is None:
        return ()
    if not rules:
        fields.refuse_empty("Choices")
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


def _jsonata_condition(rule: Fields) -> Compiled | None:
    for name in rule.raw:
        if name != "Condition" and name not in _OF_A_RULE:
            refuse_field(rule, name, of_other_language=name in _OPERATORS or name == "Variable")
    if not rule.require("Condition"):
        return None
    literal = rule.raw["Condition"]
    if type(literal) is bool:
        return Compiled(literal, lambda subject, scope: literal, constant=True)
    return expression(rule, "Condition")


def _jsonpath_condition(rule: Fields) -> Compiled | None:
    check_language(rule, "Condition", "Output")
    if "Condition" in rule:
        return None
    compiled = condition(rule, _OF_A_RULE, _sound)
    if compiled is not None:
        _warn(rule, rule.raw)
    return compiled


def _warn(rule: Fields, raw: dict[str, Any], *inner: str | int) -> None:
    """NO_PATH: an operand that looks like a path under an operator that takes none. ``raw`` stands at ``inner``."""
    for name, operand in raw.items():
        if type(operand) is str:
            if name in OPERATORS and operand.startswith(("$.", "$$.")):
                message = f"The value of '{name}' looks like a path but the field's name does not end with 'Path'"
                rule.draft.report.warning((*rule.place, *inner, name), message, "NO_PATH")
        elif name in ("And", "Or"):
            for index, one in enumerate(operand):
                _warn(rule, one, *inner, name, index)
        elif name == "Not":
            _warn(rule, operand, *inner, name)


def _sound(rule: Fields, *, top: bool = True) -> bool:
    """Reports every fault of a rule and of the rules within it. The depth of the text bounds the recursion."""
    operators = [name for name in rule.raw if name in _OPERATORS]
    sound = _check_names(rule, top=top)
    combined = any(name in COMBINATORS for name in operators)
    if len(rule.exactly_one(*(operators if combined else _DATA_TESTS))) != 1:
        return False
    operator = operators[0]
    if operator in COMBINATORS:
        return _check_combination(rule, operator) and sound
    if not rule.require("Variable"):
        return False
    sound = reference(rule, "Variable") is not None and sound
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
        rule.refuse_empty(operator)
    sound = bool(rules)
    for index, raw in enumerate(rules):
        if isinstance(raw, dict):
            sound = _sound(rule.inside(raw, operator, index), top=False) and sound
        else:
            rule.draft.report.error((*rule.at(operator), index), "Expected value of type Object")
            sound = False
    return sound


def _check_operand(rule: Fields, operator: str) -> bool:
    if operator in PATH_OPERATORS:
        return reference(rule, operator) is not None
    wanted = "boolean" if operator == IS_PRESENT else OPERATORS[operator].wanted
    value = rule.raw[operator]
    fits = type(value) is bool if operator == IS_PRESENT else OPERATORS[operator].fits(value)
    if fits or rule.stands_in(value):
        return True
    message = NOT_A_TIMESTAMP if wanted == "timestamp" else f"Expected value of type {wanted.capitalize()}"
    rule.error(operator, message)
    return False
