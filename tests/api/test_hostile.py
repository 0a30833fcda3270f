"""Hostile definitions are answered soon, in AWS's form."""

from typing import Any

import pytest

from sfn_emulator.service.machines.definitions import LARGE
from sfn_emulator.values import dumps
from tests.service.world import ROLE, Refused, World


def refused(world: World, definition: str) -> str:
    with pytest.raises(Refused, match="InvalidDefinition") as caught:
        world.call("CreateStateMachine", name="m", roleArn=ROLE, definition=definition)
    return caught.value.message


def single(**state: Any) -> str:
    return dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True, **state}}})


def jsonata(expression: str) -> str:
    return single(QueryLanguage="JSONata", Output="{% " + expression + " %}")


def test_a_large_definition_is_created_updated_and_run(world: World) -> None:
    large = single(Comment="x" * LARGE)
    machine = world.call("CreateStateMachine", name="m", roleArn=ROLE, definition=large)["stateMachineArn"]
    assert world.describe(world.start(machine))["status"] == "SUCCEEDED"
    world.call("UpdateStateMachine", stateMachineArn=machine, definition=single(Result=2, Comment="x" * LARGE))
    assert world.describe(world.start(machine))["output"] == "2"


def test_a_large_definition_is_refused_as_any_other(world: World) -> None:
    assert "Field 'Nope' is not supported" in refused(world, single(Nope=1, Comment="x" * LARGE))


def test_of_very_many_problems_the_first_thousand_are_told(world: World) -> None:
    states = {f"S{index}": {"Type": "Nope"} for index in range(3_000)}
    assert refused(world, dumps({"StartAt": "S0", "States": states})).count("SCHEMA_VALIDATION_FAILED") == 1_000


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (jsonata("1" + "+1" * 200_000), "The expression has more than 10000 tokens"),
        (jsonata("(" * 200_000), "The expression is nested too deeply"),
        (jsonata("$match('a', /" + "(a|a)*" * 20_000 + "/)"), "Invalid regular expression"),
        (single(InputPath="$.x[?(" + "@.a==1 && " * 50_000 + "@.b)]"), "Value must be a valid JSONPath."),
        (single(InputPath="$.x[?(@.a =~ /" + "(a|a)*" * 50_000 + "/)]"), "Value must be a valid JSONPath."),
        ("[" * 300_000, "Definition is nested deeper than 200 levels"),
    ],
    ids=["a long sum", "parentheses", "a JSONata pattern", "a filter", "a JSONPath pattern", "arrays"],
)
def test_a_definition_that_takes_a_parser_long_is_refused_at_once(world: World, definition: str, message: str) -> None:
    assert message in refused(world, definition)
