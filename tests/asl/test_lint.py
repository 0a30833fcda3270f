"""Checking texts: the places of problems, and fields that substitutions leave open."""

import json

import pytest

from sfn_emulator.asl.lint import lint_text
from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.parse import parse
from sfn_emulator.asl.text.yaml_source import scan_yaml


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("StartAt: A\nStates: {A: {% x %}}\n", 2, "while scanning for the next token"),
        ("StartAt: A\nStartAt: B\n", 2, "Duplicate field 'StartAt'"),
        ("a: &a [1]\nb: .inf\n", 2, "'.inf' is not a number of JSON"),
    ],
)
def test_yaml_that_does_not_parse_is_told_with_its_line(text: str, line: int, message: str) -> None:
    (problem,) = lint_text(text, yaml=True)
    assert problem.line == line
    assert message in problem.message


def test_yaml_that_multiplies_itself_is_bounded() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    (problem,) = lint_text(bomb, yaml=True)
    assert "too deeply or too large" in problem.message


def test_yaml_merges_and_aliases_are_followed() -> None:
    text = """
StartAt: A
States:
  A: &task {Type: Pass, Comment: first, Next: B}
  B: {<<: *task, Next: C}
  C: {Type: Succeed}
"""
    assert lint_text(text) == ()


def test_substitutions_leave_their_field_open_and_nothing_else() -> None:
    text = json.dumps(
        {
            "StartAt": "A",
            "TimeoutSeconds": "${T}",
            "States": {
                "A": {
                    "Type": "Map",
                    "MaxConcurrency": "${C}",
                    "ItemProcessor": {
                        "ProcessorConfig": {"Mode": "${Mode}"},
                        "StartAt": "W",
                        "States": {"W": {"Type": "Wait", "SecondsPath": "${P}", "End": True}},
                    },
                    "Retry": [{"ErrorEquals": ["E"], "BackoffRate": "${R}", "Oops": 1}],
                    "End": True,
                }
            },
        }
    )
    (problem,) = lint_text(text)
    assert problem.place == "/States/A/Retry/0/Oops"


@pytest.mark.parametrize(
    ("comment", "words"),
    [('"\\ud800"', "half of a surrogate pair"), ("1e999", "a number that is out of range")],
)
def test_a_definition_that_create_cannot_read_is_refused_here_too(comment: str, words: str) -> None:
    sound = '{"Comment": "", "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    (problem,) = lint_text(sound.replace('""', comment))
    assert words in problem.message


def test_a_created_definition_may_hold_no_substitution_for_a_number() -> None:

    machine, problems = parse('{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":"${S}","End":true}}}')
    assert machine is None
    assert [problem.place for problem in problems] == ["/States/A/Seconds"]


def test_express_rules_hold_when_asked_for() -> None:
    text = '{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::ecs:runTask.sync","End":true}}}'
    assert lint_text(text) == ()
    (problem,) = lint_text(text, MachineType.EXPRESS)
    assert problem.kind == "EXPRESS"


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Next": "${Next}"},
        {"Type": "Choice", "Choices": "${Rules}", "Default": "${Next}"},
        {"Type": "Task", "Resource": "${Arn}", "Catch": "${Catchers}", "End": True},
        {"Type": "${Type}", "Next": "${Next}"},
        {"Type": "Pass", "Assign": "${Variables}", "Next": "B"},
    ],
)
def test_a_substitution_may_lead_anywhere_and_assign_anything(state: dict[str, object]) -> None:
    states = {"A": state, "B": {"Type": "Pass", "InputPath": "$x", "End": True}}
    assert lint_text(json.dumps({"StartAt": "A", "States": states})) == ()


def test_a_substitution_may_name_the_first_state_and_the_query_language() -> None:
    states = {"A": {"Type": "Pass", "InputPath": "$.a", "End": True}}
    assert lint_text(json.dumps({"StartAt": "${First}", "QueryLanguage": "${Language}", "States": states})) == ()


@pytest.mark.parametrize(
    "call", ["States.MathAdd(1)", "States.Format()", "States.Hash('a', 5)", "States.Array(States.ArrayLength('a'))"]
)
def test_a_call_that_fails_in_every_run_is_an_error_here_though_aws_takes_it(call: str) -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"v.$": call}, "End": True}}}
    assert [problem.kind for problem in lint_text(json.dumps(definition))] == ["INTRINSIC"]
    assert parse(json.dumps(definition))[0] is not None


_PATHS = {
    "A": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"a.$": "$.b"}, "Next": "B"},
    "B": {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "C"}], "InputPath": "$.x"},
    "C": {"Type": "Pass", "ResultPath": "$.y", "OutputPath": "$.z", "End": True},
}
_EXPRESSIONS = {
    "A": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "B"}], "Output": "{% 1 %}"},
    "B": {"Type": "Pass", "Output": {"a": "{% $states.input %}"}, "End": True},
}


@pytest.mark.parametrize(("language", "states"), [("JSONPathx", _PATHS), ("jq", _PATHS), ("jsonnata", _EXPRESSIONS)])
def test_one_wrong_query_language_is_one_problem(language: str, states: dict[str, object]) -> None:
    (problem,) = lint_text(json.dumps({"QueryLanguage": language, "StartAt": "A", "States": states}))
    assert problem.place == "/QueryLanguage"
    assert "JSONPath" in problem.message
    assert "JSONata" in problem.message


def test_other_mistakes_are_told_beside_a_wrong_query_language() -> None:
    states = {"A": {"Type": "Pass", "Nxt": "B", "End": True}}
    told = lint_text(json.dumps({"QueryLanguage": "JSONPathx", "StartAt": "A", "States": states}))
    assert [problem.place for problem in told] == ["/QueryLanguage", "/States/A/Nxt"]


def test_words_that_yaml_takes_for_booleans_are_names_where_names_are_meant() -> None:
    text = """
StartAt: On
States:
  On: {Type: Choice, Choices: [{Variable: $.a, BooleanEquals: no, Next: Yes}], Default: No}
  Yes: {Type: Pass, Parameters: {Next: no}, Next: Output}
  Output: {Type: Pass, Next: No}
  No: {Type: Fail, Error: Off, Cause: 404}
"""
    assert lint_text(text, yaml=True) == ()


def test_words_that_yaml_takes_for_other_types_are_texts_where_only_a_text_can_be() -> None:
    text = """
Version: 1.0
StartAt: Where
States:
  Where:
    Type: Choice
    Choices:
      - {Variable: $.country, StringEquals: No, Next: Null}
      - {Variable: $.code, StringMatches: 0x1F, Next: Null}
      - {Variable: $.flag, BooleanEquals: yes, Next: "1"}
    Default: Null
  1: {Type: Succeed}
  Null: {Type: Fail, Error: No}
"""
    assert lint_text(text, yaml=True) == ()


def test_a_null_outside_of_states_is_none() -> None:
    assert scan_yaml("Parameters: {P: {Default: null}}", 10).value == {"Parameters": {"P": {"Default": None}}}


@pytest.mark.parametrize("nothing", ["~", ""])
def test_a_name_that_is_left_empty_is_no_name(nothing: str) -> None:
    told = lint_text(f"StartAt: A\nStates:\n  A:\n    Type: Pass\n    Next: {nothing}\n", yaml=True)
    assert "/States/A/Next" in [problem.place for problem in told]
