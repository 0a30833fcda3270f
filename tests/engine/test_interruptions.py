"""A turn is interrupted: time passes in it, or it is given up because the execution is to end. A run that is told so
again has the same events, and a redrive goes on where the turn was given up.
"""

from typing import Any

import pytest

from sfn_emulator.engine.local.execution import identity, program_of
from sfn_emulator.engine.ports import StartTask, TaskFailed, TaskSucceeded
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.service.running.signals import GivenUp, Redrive, Stop, Told, interruptions, tell, tell_again
from tests.engine.machines import check_history, ended, machine, mapping, parallel, task, types

CAUGHT = [{"ErrorEquals": ["States.ALL"], "Next": "Last"}]
ITEM = {"v.$": "$$.Map.Item.Value"}


def followed(state: dict[str, Any], after: str, **fields: Any) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name != "End"} | {"Next": after} | fields


def passes(*names: str) -> dict[str, Any]:
    return {names[0]: {"Type": "Pass", "Next": names[1]}, names[1]: ended(Type="Pass")}


EVERYTHING = machine(
    {
        "Fork": followed(parallel(passes("A", "B"), {"T": task()}), "Each", ResultPath="$.forked"),
        "Each": followed(mapping(passes("C", "D"), ItemsPath="$.list", ItemSelector=ITEM), "Refused"),
        "Refused": task(Catch=CAUGHT),
        "Last": ended(Type="Pass"),
    }
)
Signals = list[tuple[float, Told]]


def rebuilt(signals: Signals) -> Run:
    run = Run(program_of(EVERYTHING), identity(), {"list": [1, 2]}, "{}")
    tell_again(run, signals)
    return run


def carry_on(run: Run, signals: Signals, *, pace: float = 0.0) -> None:
    """Goes on until the run is at its end, or its turn is given up. Each transition takes ``pace`` seconds."""
    while True:
        while run.advance(1 if pace else 10_000):
            run.pass_to(run.at + pace)
        new = interruptions(run)
        signals += new
        if run.status is not Status.RUNNING or any(isinstance(told, GivenUp) for _, told in new):
            return
        for effect in run.take_effects():
            if isinstance(effect, StartTask) and effect.id in run.awaiting:
                refused = effect.request.state == "Refused"
                told = TaskFailed(effect.id, "No") if refused else TaskSucceeded(effect.id, {"done": True})
                signals.append((run.at + 1, told))
                run.deliver(told, run.at + 1)


def uninterrupted() -> Run:
    run = rebuilt([])
    carry_on(run, [])
    assert run.status is Status.SUCCEEDED
    return run


@pytest.mark.parametrize("place", range(1, len(uninterrupted().events) - 1))
def test_wherever_a_turn_is_given_up_the_redrive_goes_on_from_there(place: int) -> None:
    run, signals = rebuilt([]), Signals()
    run.interrupted().hasten(place)
    run.rebound()
    carry_on(run, signals)
    signals.append((run.at, Stop("Enough")))
    tell(run, signals[-1][1], run.at)
    run.advance()
    assert (run.status, types(run.events)[-1]) == (Status.ABORTED, "ExecutionAborted")
    assert not [effect for effect in run.take_effects() if isinstance(effect, StartTask)]

    again = rebuilt(signals)
    again.advance()
    assert again.events == run.events

    signals.append((again.at, Redrive()))
    tell(again, signals[-1][1], again.at)
    carry_on(again, signals)
    assert (again.status, again.output) == (Status.SUCCEEDED, uninterrupted().output)
    check_history(again.events)

    third = rebuilt(signals)
    third.advance()
    assert third.events == again.events


def test_events_carry_the_time_that_passed_and_carry_it_again() -> None:
    run, signals = rebuilt([]), Signals()
    carry_on(run, signals, pace=0.5)
    times = [event.at for event in run.events]
    assert times == sorted(times)
    assert run.at > uninterrupted().at + 2
    again = rebuilt(signals)
    again.advance()
    assert again.events == run.events


def test_what_came_before_the_stop_but_was_not_seen_yet_is_forgotten() -> None:
    run = rebuilt([])
    run.advance(1)
    run.deliver(TaskSucceeded(99, {}), run.at)
    run.stop("Enough", None, run.at + 1)
    seen = len(run.events)
    run.advance()
    assert types(run.events[seen + 1 :]) == ["ExecutionAborted"]
