"""All problems of a template or a Choice rule are reported at once, each with its place."""

import pytest

from sfn_emulator.query.jsonpath.conditions import ConditionError, compile_condition
from sfn_emulator.query.jsonpath.intrinsics.calls import STRING_INTRINSICS, compile_intrinsic
from sfn_emulator.query.jsonpath.template import TemplateError, compile_template

VALID_VALUE = "The value for the field '{}' must be a valid JSONPath or a valid intrinsic function call"


def test_every_bad_field_of_a_template_is_told_with_the_object_that_holds_it():
    template = {
        "good.$": "$.a",
        "bad.$": "a",
        "deep": [{"call.$": "States.Nope()"}, {"twice": 1, "twice.$": "$.a"}],
    }
    with pytest.raises(TemplateError) as caught:
        compile_template(template)
    assert [tuple(problem)[:3] for problem in caught.value.problems] == [
        ("", "bad.$", VALID_VALUE.format("bad.$")),
        ("/deep[0]", "call.$", VALID_VALUE.format("call.$")),
        ("/deep[1]", "twice.$", "The field 'twice' is given twice once '.$' is taken off"),
    ]
    assert [problem.kind for problem in caught.value.problems] == ["JSON_PATH", "INTRINSIC", "DUPLICATE_FIELD"]


def test_every_problem_of_a_choice_rule_is_told_with_its_place():
    rule = {
        "And": [
            {"Variable": "v", "NumericEquals": 1},
            {"Not": {"Variable": "$.v", "StringEquals": 5}},
            {"Variable": "$.v", "Unheard": 1, "TimestampEquals": "now"},
        ],
        "Next": "There",
    }
    with pytest.raises(ConditionError) as caught:
        compile_condition(rule)
    assert [(problem.pointer, problem.kind) for problem in caught.value.problems] == [
        ("/And[0]/Variable", "JSON_PATH"),
        ("/And[1]/Not/StringEquals", "SCHEMA"),
        ("/And[2]", "SCHEMA"),
        ("/And[2]/TimestampEquals", "SCHEMA"),
    ]
    assert caught.value.problems[0].message == "Value is not a Reference Path: Reference path didn't start with '$'"
    assert caught.value.problems[3].message == "String does not match RFC3339 timestamp"


def test_variables_read_are_known_wherever_they_stand():
    template = {"a.$": "$x", "b": [{"c.$": "States.Format('{}', States.Array($y.z, $.a[?(@.b == $w)]))"}], "d": "$v"}
    assert compile_template(template).variables == {"x", "y", "w"}
    assert compile_condition({"Or": [{"Variable": "$p", "NumericEqualsPath": "$q.r"}]}).variables == {"p", "q"}


def test_a_template_without_queries_is_constant_and_shared(scope):
    template = {"a": [1, {"b": "$.c"}]}
    compiled = compile_template(template)
    assert compiled.constant
    assert compiled.apply({}, scope) == template
    assert compiled.apply({}, scope) is compiled.apply({}, scope)


def test_constant_parts_of_a_template_are_shared_between_results(scope):
    compiled = compile_template({"fixed": {"a": [1]}, "moving.$": "$"})
    first, second = compiled.apply(1, scope), compiled.apply(2, scope)
    assert first == {"fixed": {"a": [1]}, "moving": 1}
    assert first["fixed"] is second["fixed"]


def test_a_field_may_limit_which_function_it_takes(scope):
    assert compile_intrinsic("States.Format('{}', States.MathAdd(1, 2))", STRING_INTRINSICS).apply({}, scope) == "3"
    with pytest.raises(ValueError, match="not supported here"):
        compile_intrinsic("States.MathAdd(1, 2)", STRING_INTRINSICS)
