"""Text that is no definition is refused in the words of AWS's parser, in bounded time, and never by another
exception.
"""

import json
import time

import pytest

from sfn_emulator.asl.lint import lint_text
from sfn_emulator.asl.parse import load, parse, parse_state
from sfn_emulator.errors import DefinitionError

ANY = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("nothing", f"Unrecognized token 'nothing': was expecting {ANY}", 1, 8),
        ("{\n 'a': 1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 2, 3),
        (
            '{"a" 1}',
            "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value",
            1,
            7,
        ),
        (
            '{"a": 1 "b"}',
            "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries",
            1,
            10,
        ),
        ('{"a": 1,}', "Unexpected character ('}' (code 125)): was expecting double-quote to start field name", 1, 10),
        ('{"a": [1,]}', f"Unexpected character (']' (code 93)): expected a valid value {ANY}", 1, 11),
        ('{"a": ${n}}', f"Unrecognized token '$': was expecting {ANY}", 1, 8),
        (
            '{"a": NaN}',
            "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
            1,
            10,
        ),
        ('{"a": 01}', "Invalid numeric value: Leading zeroes not allowed", 1, 8),
        (
            '{"a": -x}',
            (
                "Unexpected character ('x' (code 120)) in numeric value: "
                "expected digit (0-9) to follow minus sign, for valid numeric value"
            ),
            1,
            9,
        ),
        (
            '{"a": 1.}',
            "Unexpected character ('}' (code 125)) in numeric value: Decimal point not followed by a digit",
            1,
            9,
        ),
        ('{"a": 1x}', "Unexpected character ('x' (code 120)): was expecting comma to separate Object entries", 1, 9),
        (
            '{"a": "\\u12g4"}',
            "Unexpected character ('g' (code 103)): expected a hex-digit for character escape sequence",
            1,
            13,
        ),
        ('{"a"', "Unexpected end-of-input within/between Object entries", 1, 5),
        ('{"a": [1,', "Unexpected end-of-input within/between Array entries", 1, 10),
        (
            '{"a": [1}',
            (
                "Unexpected close marker '}': expected ']' (for Array starting at "
                '[Source: (String)"{"a": [1}"; line: 1, column: 7])'
            ),
            1,
            10,
        ),
        ('{"a": "x', "Unexpected end-of-input: was expecting closing quote for a string value", 1, 9),
        ('{"a": 1, "a": 2}', "Duplicate field 'a'", 1, 13),
    ],
)
def test_a_fault_is_told_as_jackson_tells_it(text: str, message: str, line: int, column: int) -> None:
    (problem,) = parse(text)[1]
    assert problem.code == "INVALID_JSON_DESCRIPTION"
    assert problem.pointer == f'[Source: (String)"{text}"; line: {line}, column: {column}]'
    assert problem.message == f"{message}\n at {problem.pointer}"
    assert (problem.line, problem.column) == (line, column)


def test_an_object_that_is_not_closed_names_where_it_began() -> None:
    (problem,) = parse('{"a": 1')[1]
    assert 'expected close marker for Object (start marker at [Source: (String)"{"a": 1"; line: 1, column: 1])' in (
        problem.message
    )


def test_a_long_source_is_quoted_up_to_500_characters() -> None:
    (problem,) = parse('{"a": "' + "x" * 600 + '",}')[1]
    assert '"[truncated 110 chars]; line: 1, column: 611]' in problem.pointer


@pytest.mark.parametrize("text", ["", " \n", "[]", '"text"', "null", "7"])
def test_a_problem_with_a_text_that_is_no_object_has_no_place(text: str) -> None:
    (problem,) = parse(text)[1]
    assert (problem.code, problem.message) == (
        "SCHEMA_VALIDATION_FAILED",
        "Definition must be a valid JSON object",
    )
    assert problem.pointer == ""


def test_two_states_of_one_name_are_a_duplicate_field_of_states() -> None:
    (problem,) = parse('{"StartAt":"A","States":{"A":{"Type":"Succeed"},"A":{"Type":"Succeed"}}}')[1]
    assert problem.kind == "DUPLICATE_STATE_NAME"
    assert problem.place == "/States/A"


HOSTILE = {
    "arrays 10,000 deep": "[" * 10_000 + "]" * 10_000,
    "objects 10,000 deep": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "a payload 900 deep": '{"StartAt":"A","States":{"A":{"Type":"Succeed","Comment":' + "[" * 900 + "]" * 900 + "}}}",
    "a number of 5,000 digits": '{"TimeoutSeconds":' + "9" * 5_000 + "}",
    "a number out of range": '{"TimeoutSeconds":1e999}',
    "half of a surrogate pair": '{"Comment":"\\ud800"}',
    "a control character": '{"Comment":"\x00"}',
    "more than 1 MB": '{"Comment":"' + "x" * 1_100_000 + '"}',
    "a megabyte of brackets": "[" * 1_000_000,
    "a megabyte of quotes": '"' * 1_000_000,
    "a string that is not closed": '{"a":"' + "\\\\" * 400_000,
    "rules 190 deep": '{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":['
    + '{"Not":' * 190
    + '{"Variable":"$.a","IsNull":true}'
    + "}" * 190
    + "]}}}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_quickly(text: str) -> None:
    begun = time.process_time()
    machine, problems = parse(text)
    state, _ = parse_state(text)
    assert machine is None
    assert state is None
    assert problems
    assert lint_text(text)
    assert time.process_time() - begun < 20


def test_twenty_thousand_states_that_assign_and_read_take_linear_time() -> None:
    count = 10_000
    states = {f"S{i}": {"Type": "Pass", "Assign": {f"v{i}": 1, "w.$": "$w"}, "Next": f"S{i + 1}"} for i in range(count)}
    text = json.dumps({"StartAt": "S0", "States": {**states, f"S{count}": {"Type": "Succeed"}}})[:1_048_576]
    begun = time.process_time()
    _, problems = parse(text)
    assert problems
    assert time.process_time() - begun < 30


def test_a_definition_error_lists_all_problems() -> None:
    with pytest.raises(DefinitionError) as caught:
        load('{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"}}}')
    assert str(caught.value) == (
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next, "
        "MISSING_END_STATE: Workflow has no terminal state at null"
    )
