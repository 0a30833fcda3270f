"""Templates of JSONata states: literals stay, expressions are evaluated in place, problems come all at once."""

from typing import Any

import pytest

from sfn_emulator.errors import EvaluationError, QuerySyntaxError
from sfn_emulator.query.compiled import States
from sfn_emulator.query.jsonata.expression import JsonataSyntaxError
from sfn_emulator.query.jsonata.template import compile_jsonata_template
from tests.query.jsonata.scope import FixedScope


def apply(template: Any, input: Any = None, variables: dict[str, Any] | None = None) -> Any:
    return compile_jsonata_template(template, "Output").apply(States(input), FixedScope(variables))


def test_literals_stay_as_they_are() -> None:
    literals = {"n": None, "i": 0, "f": 0.5, "s": "$states.input", "spaced": " {% 1 %} ", "path.$": "$", "l": [1, {}]}
    assert apply(literals) == literals
    assert compile_jsonata_template(literals, "Output").constant


def test_expressions_are_evaluated_wherever_they_stand() -> None:
    template = {"a": [1, "{% $states.input.x %}", {"b": "{% $y %}"}], "c": "{% $y = 2 %}", "{% 1 %}": "literal"}
    assert apply(template, {"x": 5}, {"y": 2}) == {"a": [1, 5, {"b": 2}], "c": True, "{% 1 %}": "literal"}
    assert list(apply(template, {"x": 5}, {"y": 2})) == ["a", "c", "{% 1 %}"]


def test_a_template_can_be_one_expression() -> None:
    assert apply("{% $states.input.x %}", {"x": [1]}) == [1]


def test_a_template_knows_what_its_expressions_read() -> None:
    compiled = compile_jsonata_template({"a": "{% $x + $states.result %}", "b": ["{% $y %}"]}, "Output")
    assert (compiled.variables, compiled.reserved, compiled.constant) == ({"x", "y"}, {"result"}, False)


def test_applying_twice_gives_values_of_their_own() -> None:
    compiled = compile_jsonata_template({"a": {"b": "{% $states.input %}"}}, "Output")
    first, second = (compiled.apply(States(n), FixedScope()) for n in (1, 2))
    assert (first, second) == ({"a": {"b": 1}}, {"a": {"b": 2}})


@pytest.mark.parametrize(
    ("template", "location"),
    [
        ("{% $states.input.no %}", "Output"),
        ({"v": "{% $states.input.no %}"}, "Output/v"),
        ({"a": {"b": [0, "{% $states.input.no %}"]}}, "Output/a/b[1]"),
    ],
)
def test_a_failure_names_its_field(template: Any, location: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        apply(template, {})
    assert caught.value.location == location
    assert caught.value.message == (
        f"The JSONata expression '$states.input.no' specified for the field '{location}' returned nothing (undefined)."
    )


def test_all_problems_of_a_template_are_reported_with_their_places() -> None:
    found: list[tuple[str, str]] = []

    def report(pointer: str, problem: QuerySyntaxError) -> None:
        found.append((pointer, problem.message))

    compile_jsonata_template({"a": "{% 1 + %}", "b": [0, "{% phone %}"], "c": "{% 1 %}"}, "Output", report)
    assert found == [
        ("/a", "Unexpected end of expression"),
        ("/b[1]", "Reference to 'phone' at the top level is not supported."),
    ]


def test_without_a_report_the_first_problem_is_raised() -> None:
    with pytest.raises(JsonataSyntaxError):
        compile_jsonata_template({"a": "{% 1 + %}"}, "Output")
