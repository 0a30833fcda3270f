"""One state tried alone: the stages of its data are told by the names TestState uses, and its children are mocked."""

import json
from typing import Any

import pytest

from sfn_emulator.asl.parse import parse_state
from sfn_emulator.engine.clock import VirtualClock
from sfn_emulator.engine.driver import Driver
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.local.execution import LocalTasks, identity
from sfn_emulator.engine.run import Run
from sfn_emulator.engine.strand import Strand
from sfn_emulator.engine.trial.regions import Mock
from sfn_emulator.engine.trial.state import Conditions, trial
from tests.engine.machines import LAMBDA


class Stages(Instrument):
    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}

    def stage(self, strand: Strand, stage: str, value: Any) -> None:
        self.seen[stage] = value


def tried(state: dict[str, Any], value: Any, answer: Mock | None = None) -> tuple[Run, dict[str, Any]]:
    model, problems = parse_state(json.dumps(state), name="Alone")
    assert model is not None, problems
    stages = Stages()
    program = trial(model, Conditions(mock=answer), stages, lambda _: None)
    clock = VirtualClock()
    run = Run(program, identity(), value, json.dumps(value))
    script = {} if answer is None else {"return": answer.result}
    Driver(run, clock, LocalTasks({"Alone": [script]}, clock)).start()
    return run, stages.seen


def test_every_stage_of_a_jsonpath_task_is_told() -> None:
    state = {
        "Type": "Task",
        "Resource": LAMBDA,
        "InputPath": "$.a",
        "Parameters": {"b.$": "$"},
        "ResultSelector": {"c.$": "$.d"},
        "ResultPath": "$.e",
        "OutputPath": "$.e.c",
        "Next": "Elsewhere",
    }
    run, stages = tried(state, {"a": 1}, Mock({"d": 2}))
    assert stages == {
        "afterInputPath": 1,
        "afterParameters": {"b": 1},
        "result": {"d": 2},
        "afterResultSelector": {"c": 2},
        "afterResultPath": {"a": 1, "e": {"c": 2}},
    }
    assert (run.output, run.next_state) == (2, "Elsewhere")


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ({"Type": "Pass"}, ["afterInputPath", "afterParameters", "afterResultSelector", "afterResultPath"]),
        ({"Type": "Pass", "Result": 1}, ["result", "afterResultSelector", "afterResultPath"]),
        ({"Type": "Succeed"}, ["afterInputPath"]),
        ({"Type": "Fail", "Error": "E"}, ["afterInputPath"]),
        ({"Type": "Fail", "Error": "E", "QueryLanguage": "JSONata"}, []),
    ],
)
def test_a_state_tells_the_stages_it_has(state: dict[str, Any], names: list[str]) -> None:
    assert list(tried(state, {})[1]) == names


def test_a_map_alone_is_given_the_result_of_its_iterations() -> None:
    inner = {"StartAt": "A", "States": {"A": {"Type": "Fail"}}}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    state = {
        "Type": "Map",
        "ItemsPath": "$.xs",
        "ToleratedFailureCount": 2,
        "ItemProcessor": {"ProcessorConfig": config, **inner},
        "ResultPath": "$.ys",
        "Next": "Elsewhere",
    }
    run, stages = tried(state, {"xs": [1, 2]}, Mock([3]))
    assert run.output == {"xs": [1, 2], "ys": [3]}
    assert stages["afterItemsPath"] == [1, 2]
    assert (stages["maxConcurrency"], stages["toleratedFailureCount"]) == (0, 2)


def test_a_parallel_alone_recovers_from_the_failure_of_its_branches() -> None:
    branch = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    catch = [{"ErrorEquals": ["E"], "Next": "Handler"}]
    state = {"Type": "Parallel", "Branches": [branch], "Catch": catch, "End": True}
    run, _ = tried(state, {}, Mock(error="E", cause="why"))
    assert (run.output, run.next_state) == ({"Error": "E", "Cause": "why"}, "Handler")
