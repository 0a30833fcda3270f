"""JSONata as the States Language has it: values, errors in AWS's words, names read, bounds."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sfn_emulator.query.jsonata.syntax  # noqa: F401 - raises the recursion limit, which Hypothesis reports
from sfn_emulator.errors import EvaluationError
from sfn_emulator.query.compiled import States
from sfn_emulator.query.jsonata.expression import JsonataSyntaxError, compile_expression, unexpected_result
from sfn_emulator.query.jsonata.functions import distinct
from sfn_emulator.values import UNSET, dumps
from tests.query.jsonata.scope import FixedScope

CASES = [
    case
    for path in sorted((Path(__file__).parents[2] / "conformance").glob("jsonata_*.json"))
    for case in json.loads(path.read_text())
]


def evaluate(expression: str, input: Any = None, variables: dict[str, Any] | None = None, **members: Any) -> Any:
    compiled = compile_expression(f"{{% {expression} %}}", "Output/v")
    return compiled.apply(States(input, **members), FixedScope(variables))


def failure(expression: str, input: Any = None, variables: dict[str, Any] | None = None) -> str:
    with pytest.raises(EvaluationError) as caught:
        evaluate(expression, input, variables)
    assert caught.value.error == "States.QueryEvaluationError"
    assert caught.value.location == "Output/v"
    sentence = f"The JSONata expression '{expression}' specified for the field 'Output/v' "
    assert caught.value.message.startswith(sentence)
    return caught.value.message.removeprefix(sentence)


def refusal(expression: str) -> JsonataSyntaxError:
    with pytest.raises(JsonataSyntaxError) as caught:
        compile_expression(f"{{%{expression}%}}", "Output")
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["source"][:60])
def test_a_case_of_the_project_gives_what_it_expects(case: dict[str, Any]) -> None:
    expect = case["expect"]
    if "error" in expect:
        assert failure(case["source"], case.get("subject"), case.get("variables")).endswith(expect["error"])
    else:
        value = evaluate(case["source"], case.get("subject"), case.get("variables"))
        assert dumps(value) == dumps(expect["value"])


def test_the_members_of_states_are_what_the_engine_gives() -> None:
    assert evaluate("$states.result.a", result={"a": 1}) == 1
    assert evaluate("$states.errorOutput.Error", error_output={"Error": "E"}) == "E"
    assert evaluate("$states.context.State.Name") == "S"
    assert evaluate("$states", {"a": 1}, result=2)["result"] == 2


def test_the_context_object_is_built_only_when_it_is_read() -> None:
    scope = FixedScope()
    compile_expression("{% $states.input %}", "Output").apply(States(1), scope)
    assert scope.contexts == 0
    compile_expression("{% $map([1], function($v) { $states.context.State.Name & $v }) %}", "Output").apply(
        States(1), scope
    )
    assert scope.contexts == 1


def test_the_names_an_expression_reads_are_known() -> None:
    source = "{% ($a := $x; $f := function($n) { $n + $y + $f($a) }; $count($states.result.z) + $f($states.input)) %}"
    compiled = compile_expression(source, "Output")
    assert compiled.variables == {"x", "y"}
    assert compiled.reserved == {"input", "result"}


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("($x := $x + 1; $x)", {"x"}),
        ("($odd := function($n) { $even($n) }; $even := function($n) { $n }; $odd(1))", set()),
        ("$list@$item.{'a': $item}", {"list"}),
        ("$list#$at.[$at]", {"list"}),
        ("$list[$ = $wanted]", {"list", "wanted"}),
        ("$list ~> |$|{'a': $b}|", {"list", "b"}),
        ("$unknown(1)", {"unknown"}),
    ],
)
def test_bound_names_are_not_read_from_the_workflow(expression: str, names: set[str]) -> None:
    assert compile_expression(f"{{% {expression} %}}", "Output").variables == names


@pytest.mark.parametrize("expression", ["$x /* last */", "$x /* last */ ", "/* a */ $x /* b */ /* c */"])
def test_a_comment_may_stand_anywhere(expression: str) -> None:
    assert compile_expression(f"{{% {expression} %}}", "Output").apply(States(None), FixedScope({"x": 1})) == 1


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (" 1 + ", "Unexpected end of expression"),
        ("", "Unexpected end of expression"),
        ("$x := ", "Unexpected end of expression"),
        ("null.*", "The literal value null cannot be used as a step within a path expression"),
        ('{"a":}', 'The symbol "}" cannot be used as a unary operator'),
        ("$x[1,2)", 'Expected "]", got ","'),
        ('"open', "String literal must be terminated by a matching quote"),
        ("$match('a', /abc", "No terminating / in regular expression"),
        ("1 ! 2", 'Unknown operator: "!"'),
        ("$x ?: 1", 'The symbol ":" cannot be used as a unary operator'),
        ("$x ?? 1", 'The symbol "?" cannot be used as a unary operator'),
        ("/* open", "Comment has no closing tag"),
        ("1 + /* two */ ", "Unexpected end of expression"),
        ("1 /", "Unexpected end of expression"),
        ("/", "No terminating / in regular expression"),
        ("$x null", "Syntax error: null"),
        ('{"a" null}', 'Expected ":", got null'),
        ("function($f(1, 2), b){1}", "Parameter 1 of function definition must be a variable name (start with $)"),
        ("$map($x, function($a, b){1})", "Parameter 2 of function definition must be a variable name (start with $)"),
        ("%.a", "The object representing the 'parent' cannot be derived from this expression"),
        ("$match('a', /(/)", "No terminating / in regular expression"),
        ("$match('a', /a{2,1}/)", 'Invalid regular expression: "a{2,1}"'),
    ],
)
def test_an_expression_that_does_not_parse_is_refused_with_the_parsers_words(expression: str, message: str) -> None:
    error = refusal(expression)
    assert (error.message, error.code) == (message, "INVALID_JSONATA_EXPRESSION")


@pytest.mark.parametrize(
    ("expression", "name"),
    [("phone", "phone"), ("$string(a.b)", "a"), ("$", "$"), ("$$.x", "$$"), ("*", "*"), ("{a: 1}", "a")],
)
def test_names_without_a_context_are_refused(expression: str, name: str) -> None:
    error = refusal(expression)
    assert error.message == f"Reference to '{name}' at the top level is not supported."
    assert error.code == "UNSUPPORTED_JSONATA_EXPRESSION"


@pytest.mark.parametrize(
    "expression",
    ["$x.a.b", "$x[a = 1]", "$x.(a + b)", "$x{a: b}", "$x^(a)", "$f(1)[a]", "$x.{'k': v}", "$x ~> |$|{'n': m}|"],
)
def test_names_inside_a_context_are_accepted(expression: str) -> None:
    compile_expression(f"{{% {expression} %}}", "Output")


def test_a_problem_knows_its_place_in_the_string() -> None:
    assert refusal(" 1 + phone").offset > 0


@pytest.mark.parametrize("source", ["{% 1 %} ", " {% 1 %}", "{%}", "1"])
def test_only_strings_in_delimiters_are_expressions(source: str) -> None:
    with pytest.raises(JsonataSyntaxError):
        compile_expression(source, "Output")


def test_a_result_of_the_wrong_type_is_told_in_awss_words() -> None:
    error = unexpected_result("{% $x %}", "Items", "array", {"foo": "bar"})
    assert error.message == (
        "The JSONata expression '$x' specified for the field 'Items' returned an unexpected result type. "
        "Expected 'array', but was 'object' for value: {\"foo\":\"bar\"}"
    )


def test_draws_come_from_the_execution() -> None:
    assert evaluate("$uuid()") == "8c2a1f4e-0f9f-4c57-9d3a-6a1f0f8e7b11"
    assert evaluate("$random()") == 0.25
    assert evaluate("$millis()") == 1_700_000_000_123
    assert evaluate("$now()") == "2023-11-14T22:13:20.123Z"
    assert evaluate("$shuffle([1, 2, 3, 4])") == evaluate("$shuffle([1, 2, 3, 4])")


def test_a_workflow_variable_hides_a_function_of_its_name() -> None:
    assert failure("$count([1])", variables={"count": 1}).endswith("T1006: Attempted to invoke a non-function")


@pytest.mark.parametrize(
    ("expression", "tail"),
    [
        ("($f := function($n) { $f($n + 1) }; $f(1))", "Expression evaluation timeout: Check for infinite loop"),
        ("($f := function($n) { 1 + $f($n + 1) }; $f(1))", "Consider rewriting as tail-recursive."),
        ("+".join(["1"] * 200), "Consider rewriting as tail-recursive."),
        ("[1..900000] ~> $count()", "Expression evaluation memory limit exceeded: Check for excessive memory usage"),
        ("$range(1, 1e12, 1)", "Expression evaluation memory limit exceeded: Check for excessive memory usage"),
        ("$pad('x', 1e12)", "Expression evaluation memory limit exceeded: Check for excessive memory usage"),
        (
            "($p := function($s, $n) { $n = 0 ? $s : $p($s & $s, $n - 1) }; $p('x', 40))",
            "Expression evaluation memory limit exceeded: Check for excessive memory usage",
        ),
        (
            "($p := function($s, $n) { $n = 0 ? $s : $p([$s, $s], $n - 1) }; $count($p([1, 2], 60)))",
            "Expression evaluation memory limit exceeded: Check for excessive memory usage",
        ),
    ],
)
def test_an_endless_expression_ends(expression: str, tail: str) -> None:
    told = failure(expression)
    assert told.startswith("threw an error during evaluation: ")
    assert told.endswith(tail)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_a_regular_expression_that_explodes_ends(pattern: str) -> None:
    subject = ("x" if "x" in pattern else "a") * 5000 + "!"
    try:
        assert evaluate(f"$contains($states.input, /{pattern}/)", subject) is False
    except EvaluationError as error:
        assert error.message.endswith("Expression evaluation timeout: Check for infinite loop")


@pytest.mark.parametrize("depth", [300, 5000, 100_000])
def test_deeply_nested_text_is_refused_or_evaluated(depth: int) -> None:
    for opening, closing in (("(", ")"), ("[", "]"), ("-", ""), ("$string(", ")")):
        try:
            assert evaluate(opening * depth + "1" + closing * depth) is not UNSET
        except (JsonataSyntaxError, EvaluationError):
            continue


def test_deeply_nested_data_passes_or_fails_clearly() -> None:
    deep: Any = None
    for _ in range(20_000):
        deep = [deep]
    for expression in ("$states.input", "$string($states.input)", "$states.input.**", "$distinct([$states.input, 1])"):
        try:
            assert evaluate(expression, deep) is not UNSET
        except EvaluationError as error:
            assert error.error == "States.QueryEvaluationError"


def test_the_executions_data_is_never_changed() -> None:
    data = {"empty": [], "o": {"a": [3, 1, 2], "n": None}}
    for expression in (
        "$states.input.empty{'k': 1}",
        "$states.input.o ~> |$|{'b': 1}, 'a'|",
        "$sort($states.input.o.a)",
        "$append($states.input.o.a, 4)",
        "$merge([$states.input.o, {'a': 0}])",
        "$states.input.o.a[0]",
        "$reverse($states.input.o.a)",
        "$map($states.input.o.*, function($v) { $v })",
    ):
        evaluate(expression, data)
    assert data == {"empty": [], "o": {"a": [3, 1, 2], "n": None}}


def test_importing_the_module_does_not_import_the_library() -> None:
    program = "import sys, sfn_emulator.query.jsonata.template; assert not {'jsonata', 'regex'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


TOKENS = re.findall(
    r"\S+",
    "$x $states.input $states.context $ $$ a . .. [ ] { } ( ) , ; : := ? ~> | ^ @ # % * ** ! = < & and or in 1 0.5 'a' "
    "null true /a+/ function($v){$v} $map( $sort( $replace( $match( $formatNumber( $toMillis( $zip( $each( $reduce( "
    "$fromMillis( $parseInteger( $formatInteger( $split( $pad( $lookup( $partition( $range( $hash( ?",
)


@settings(max_examples=4 * settings.default.max_examples)
@given(
    st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join),
    st.one_of(st.none(), st.integers(), st.text(max_size=3)),
)
def test_any_text_is_refused_or_evaluated_and_nothing_else(expression: str, x: Any) -> None:
    try:
        evaluate(expression, {"a": [x, {"a": x}]}, {"x": x})
    except (JsonataSyntaxError, EvaluationError):
        return


def test_what_a_function_trips_over_is_an_internal_error_with_an_id() -> None:
    with pytest.raises(EvaluationError, match=r"threw an internal error during evaluation\. [0-9a-f-]{36}$"):
        compile_expression("{% $base64decode('!!!') %}", "Output").apply(States({}), FixedScope())


class _Counted:
    """A leaf that counts how often it is compared."""

    compared = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        _Counted.compared += 1
        return isinstance(other, _Counted) and self.number == other.number


def test_objects_that_differ_in_a_value_are_not_compared_one_with_all() -> None:
    many = [{"a": [{"b": _Counted(number % 1_000)}]} for number in range(2_000)]
    assert len(distinct(many)) == 1_000
    assert _Counted.compared < 10_000


@pytest.mark.parametrize("pair", [({"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}), ([[], {}], [[], {}])])
def test_two_equal_values_are_kept_once(pair: tuple[Any, Any]) -> None:
    assert distinct(list(pair)) == [pair[0]]


@pytest.mark.parametrize("pair", [([], {}), ([1], [True]), ({"a": 0}, {"a": False}), ([[1], 2], [1, [2]])])
def test_two_values_that_differ_are_both_kept(pair: tuple[Any, Any]) -> None:
    assert len(distinct(list(pair))) == 2
