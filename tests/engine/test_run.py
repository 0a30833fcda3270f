"""A run over hand-built models: its effects and its events."""

from sfn_emulator.asl.model import Branch, JsonPathFlow, Machine, Pass, Wait
from sfn_emulator.engine.local.execution import identity, run_locally, start_locally
from sfn_emulator.engine.ports import Fired, SetTimer
from sfn_emulator.engine.program import compile
from sfn_emulator.engine.run import Run, Status

FLOW = JsonPathFlow()
HOUR = Machine(
    Branch(
        "First",
        {
            "First": Pass("First", FLOW, "Hold", result={"n": 1}),
            "Hold": Wait("Hold", FLOW, None, seconds=3600),
        },
    )
)


def test_a_wait_becomes_a_timer_and_its_signal_ends_the_execution() -> None:
    me = identity()
    run = Run(compile(HOUR), me, {}, "{}")
    run.start(me.started_at)
    assert run.advance() is False
    assert run.take_effects() == [SetTimer(1, me.started_at + 3600)]
    run.deliver(Fired(1), me.started_at + 3600)
    run.advance()
    assert (run.status, run.output) == (Status.SUCCEEDED, {"n": 1})
    assert [(event.type, event.previous, event.at - me.started_at) for event in run.events] == [
        ("ExecutionStarted", 0, 0.0),
        ("PassStateEntered", 0, 0.0),
        ("PassStateExited", 2, 0.0),
        ("WaitStateEntered", 3, 0.0),
        ("WaitStateExited", 4, 3600.0),
        ("ExecutionSucceeded", 5, 3600.0),
    ]


def test_virtual_time_passes_as_far_as_it_is_told_to() -> None:
    execution = start_locally(HOUR)
    execution.advance(3599)
    assert execution.status == Status.RUNNING
    execution.advance(1)
    assert execution.status == Status.SUCCEEDED


def test_a_task_nobody_gave_is_no_failure_that_a_catcher_takes() -> None:
    pay = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "pay"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undo"}],
        "End": True,
    }
    saga = {"StartAt": "Pay", "States": {"Pay": pay, "Undo": {"Type": "Fail", "Error": "Undone"}}}
    run = run_locally(saga, {}, tasks={"Pya": [{"throw": "Card.Refused"}]})
    assert run.error == "States.Runtime"
    assert "No task was given for 'Pay' (given: Pya)" in (run.cause or "")
