"""The saga as data: the schema, the inputs, and the shape of the definition."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from handlers import faults, tables
from tests.saga.steps import COMPENSATIONS, CONFIG, FUNCTIONS, STAGES, STATES, STEPS, UNDO, WAY, handler, stage

ROOT = Path(__file__).parents[2] / "statemachine"
SCHEMA = json.loads((ROOT / "order.schema.json").read_text())
INPUTS = sorted((ROOT / "inputs").glob("*.json"))


def test_the_states_have_the_names_the_project_promises():
    promised = "Place Order,Is order placed,Update Inventory,Is inventory updated,Wait state,Make Payment"
    promised += ",Is payment success,Send Notification,Revert Payment,Revert Inventory,Remove Order,SuccessState,Fail"
    assert set(promised.split(",")) | {"Compensation Failed"} <= set(STATES)


def test_every_choice_has_a_default_and_every_task_a_timeout_a_retry_and_a_catch_for_all_errors():
    for name, state in STATES.items():
        if state["Type"] == "Choice":
            assert "Default" in state, name
        if state["Type"] == "Task":
            assert state["TimeoutSeconds"] > 0, name
            assert all(r["JitterStrategy"] == "FULL" and r["BackoffRate"] > 1 for r in state["Retry"]), name
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_compensations_retry_harder_than_steps():
    least = min(sum(r["MaxAttempts"] for r in STATES[name]["Retry"]) for name in COMPENSATIONS)
    most = max(
        sum(r["MaxAttempts"] for r in state["Retry"])
        for name, state in STATES.items()
        if state["Type"] == "Task" and name not in COMPENSATIONS and not name.startswith("Record")
    )
    assert least > most


def test_every_way_back_passes_through_every_remaining_compensation():
    for start, state in STATES.items():
        for path in _paths(start):
            if path[-1] in ("Fail", "Compensation Failed"):
                assert "Remove Order" in path or start not in (STEPS[0], *COMPENSATIONS), path
        if state["Type"] == "Task" and start in COMPENSATIONS:
            later = COMPENSATIONS[COMPENSATIONS.index(start) + 1 :]
            assert all(set(later) <= set(path) for path in _paths(start))


def test_a_function_is_dead_before_its_state_gives_up_so_that_no_step_commits_after_its_compensation():
    tightest = min(s["TimeoutSeconds"] for s in STATES.values() if s["Type"] == "Task")
    assert CONFIG["function"]["timeout_seconds"] < tightest


def test_placeholders_stand_for_arns_and_the_wait_only():
    text = (ROOT / "definition.asl.json").read_text()
    names = set(re.findall(r"\$\{(\w+)\}", text))
    assert all(name.endswith("LambdaArn") for name in names - {"WaitSeconds"})
    assert names == {f"{name}Arn" for name in FUNCTIONS} | {"WaitSeconds"}


def test_the_repairs_table_is_the_one_that_is_deployed():
    named = {s["Parameters"]["TableName"] for s in STATES.values() if s.get("Resource", "").endswith(":putItem")}
    assert named == {"Repairs"} <= set(CONFIG["tables"])


def test_the_functions_are_the_steps_and_their_compensations():
    assert {stage(state) for state in (*WAY, *COMPENSATIONS)} == set(STAGES)
    assert set(SCHEMA["properties"]["FailMode"]["enum"]) == set(faults._FAULTS)


def test_a_step_and_its_compensation_know_of_each_other_by_the_same_names():
    for state in (*WAY, *COMPENSATIONS):
        handler(state)
    assert {stage(step): stage(undo) for step, undo in UNDO.items()} == faults.COMPENSATED_BY


def test_a_saga_is_undone_only_when_no_compensation_left_a_repair():
    asked = {rule["Variable"] for rule in STATES["Is order removed"]["Choices"][0]["And"]}
    assert {f"$.{stage(state)}Repair" for state in COMPENSATIONS[:-1]} <= asked


def test_every_compensation_that_fails_is_recorded_as_a_repair():
    recorded = {
        state["Parameters"]["Item"]["Step"]["S"]: state["ResultPath"]
        for state in STATES.values()
        if state.get("Resource", "").endswith(":putItem")
    }
    assert recorded == {stage(state): f"$.{stage(state)}Repair" for state in COMPENSATIONS}


@pytest.mark.parametrize("path", INPUTS, ids=lambda p: p.stem)
def test_every_input_fits_the_schema_and_names_an_item_of_the_seed(path):
    order = json.loads(path.read_text())
    Draft202012Validator(SCHEMA).validate(order)
    assert order["ItemId"] in {row["ItemId"] for row in CONFIG["tables"]["Inventory"]["seed"]}


def test_every_input_fails_at_a_stage_there_is():
    assert {json.loads(path.read_text())["FailAtStage"] for path in INPUTS} <= {"None", *STAGES}


def test_the_handlers_use_the_tables_that_are_deployed():
    used = {tables.INVENTORY, tables.ORDERS, tables.PAYMENTS, tables.RESERVATIONS}
    assert used < set(CONFIG["tables"])


def _paths(start, seen=()):
    """Every way from a state to an end, without loops."""
    state = STATES[start]
    ways = {state.get("Next"), state.get("Default")}
    ways |= {rule["Next"] for rule in (*state.get("Choices", ()), *state.get("Catch", ()))}
    ways -= {None}
    if not ways:
        return [(*seen, start)]
    return [path for way in sorted(ways) if way not in seen for path in _paths(way, (*seen, start))]
