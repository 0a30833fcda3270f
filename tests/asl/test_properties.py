"""Any text gives a machine or problems, and never an exception."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sfn_emulator.asl.lint import lint_text
from sfn_emulator.asl.model import MachineType
from sfn_emulator.asl.parse import parse, parse_state
from sfn_emulator.asl.parsing.fields import JSONATA_FIELDS, JSONPATH_FIELDS
from sfn_emulator.errors import Severity

NAMES = st.sampled_from(["A", "B", "C", "States.ALL", "__proto__", ""])
TEXTS = st.sampled_from(
    ["$", "$.a", "$$.Map", "$x", "$.a[", "States.UUID()", "States.Nope(", "{% $states.input %}", "{% ("]
)
SCALARS = st.one_of(
    TEXTS, NAMES, st.none(), st.booleans(), st.integers(-2, 10**9), st.floats(allow_nan=False, allow_infinity=False)
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=3), max_leaves=8
)
FIELDS = st.sampled_from(
    sorted({name for names in (*JSONPATH_FIELDS.values(), *JSONATA_FIELDS.values()) for name in names.split()})
)
TYPES = st.sampled_from(["Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"])


def machines(states: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"StartAt": NAMES, "States": st.dictionaries(NAMES, states, max_size=3)},
        optional={"QueryLanguage": st.sampled_from(["JSONPath", "JSONata"]), "ProcessorConfig": JSON},
    )


RULES = st.lists(
    st.dictionaries(st.sampled_from(["Variable", "And", "Not", "StringEquals", "IsNull", "Next", "Condition"]), JSON),
    max_size=2,
)
ERRORS = st.lists(
    st.fixed_dictionaries(
        {"ErrorEquals": st.lists(NAMES | SCALARS, max_size=2)}, optional={"Next": NAMES, "Output": JSON}
    ),
    max_size=2,
)


def states(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fixed = {"Retry": ERRORS, "Catch": ERRORS, "Choices": RULES, "Next": NAMES, "End": st.just(True)}
    nested = {"Branches": st.lists(machines(inner), max_size=2), "ItemProcessor": machines(inner)}
    chosen = st.fixed_dictionaries({"Type": TYPES}, optional={**fixed, **nested})
    return st.builds(lambda a, b: {**b, **a}, chosen, st.dictionaries(FIELDS, JSON, max_size=2))


STATES = st.recursive(states(st.just({"Type": "Succeed"})), states, max_leaves=2)


@given(machines(STATES), st.sampled_from(list(MachineType)))
def test_a_generated_definition_is_accepted_or_has_problems(raw: Any, machine_type: MachineType) -> None:
    text = json.dumps(raw)
    machine, problems = parse(text, machine_type)
    failed = any(problem.severity is Severity.ERROR for problem in problems)
    assert (machine is None) == failed
    linted = lint_text(text, machine_type)
    assert all(problem.line > 0 and problem.column > 0 for problem in linted)
    assert [(p.code, p.pointer) for p in linted] == [(p.code, p.pointer) for p in problems]


@given(STATES)
def test_a_generated_state_on_its_own_is_accepted_or_has_problems(raw: Any) -> None:
    state, problems = parse_state(json.dumps(raw))
    assert (state is None) == any(problem.severity is Severity.ERROR for problem in problems)


@given(st.text(alphabet='{}[]",:\\ \n\t0123456789eE+-.truefalsnl$%\x00\ud800é', max_size=40))
def test_any_text_is_answered_with_problems(text: str) -> None:
    machine, problems = parse(text)
    assert machine is None
    assert problems
    lint_text(text, yaml=False)
    lint_text(text, yaml=True)
