"""The driver: time that is skipped, work that holds it, hosts that store first, and taking up after a crash."""

from collections.abc import Callable
from typing import Any

from sfn_emulator.asl.resource import Resource
from sfn_emulator.engine.clock import EPOCH, ScaledClock, VirtualClock
from sfn_emulator.engine.driver import Alone, Driver
from sfn_emulator.engine.local.execution import LocalTasks, identity, program_of
from sfn_emulator.engine.ports import Signal, StartTask, TaskSubmitted, TaskSucceeded, Tell, Timer, Work
from sfn_emulator.engine.run import Run, Status
from tests.engine.machines import callback, ended, machine, parallel, task, types


def run_of(definition: dict[str, Any], value: Any = None) -> Run:
    return Run(program_of(definition), identity(), value, "null")


HOUR = machine({"Hold": ended(Type="Wait", Seconds=3600)})


def test_waiting_is_skipped_when_nothing_is_in_flight() -> None:
    clock = VirtualClock()
    driver = Driver(run_of(HOUR), clock, LocalTasks({}, clock), skip=True)
    driver.start()
    assert driver.run.status is Status.SUCCEEDED
    assert driver.run.events[-1].at == EPOCH + 3600
    assert clock.now() == EPOCH


def test_work_in_flight_holds_the_clock_and_what_follows_is_later_than_what_was_skipped() -> None:
    definition = machine(
        {
            "First": {"Type": "Wait", "Seconds": 60, "Next": "Ask"},
            "Ask": {**callback(), "Next": "Last"},
            "Last": ended(Type="Wait", Seconds=5),
        }
    )
    definition["States"]["Ask"].pop("End")
    clock = VirtualClock()
    tasks = LocalTasks({}, clock)
    driver = Driver(run_of(definition), clock, tasks, skip=True)
    driver.start()
    assert driver.in_flight
    clock.advance(7)
    driver.tell(TaskSucceeded(tasks.started[0].id, None))
    assert driver.run.status is Status.SUCCEEDED
    assert driver.run.events[-1].at == EPOCH + 60 + 7 + 5


def test_a_parent_never_goes_back_behind_what_told_it() -> None:
    clock = VirtualClock()
    tasks = LocalTasks({}, clock)
    driver = Driver(run_of(machine({"Ask": callback()})), clock, tasks, skip=True)
    driver.start()
    driver.tell(TaskSucceeded(tasks.started[0].id, None), at=EPOCH + 500)
    assert driver.run.events[-1].at == EPOCH + 500
    assert driver.now() == EPOCH + 500


class Later(Alone):
    """A host that stores in its own time, and counts what it was asked to."""

    def __init__(self) -> None:
        self.signals: list[tuple[Signal, float]] = []
        self.waiting: list[Callable[[], None]] = []

    def record(self, signal: Signal, at: float) -> None:
        self.signals.append((signal, at))

    def commit(self, then: Callable[[], None]) -> None:
        self.waiting.append(then)

    def later(self, then: Callable[[], None]) -> None:
        self.waiting.append(then)

    def store(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


def test_no_task_starts_before_what_led_to_it_is_stored() -> None:
    clock, host = VirtualClock(), Later()
    tasks = LocalTasks({"T": lambda value: "done"}, clock)
    driver = Driver(run_of(machine({"T": task()})), clock, tasks, host=host)
    driver.start()
    assert not tasks.started
    host.store()
    assert len(tasks.started) == 1
    assert driver.run.output == "done"


def test_others_have_their_turn_when_the_budget_is_spent() -> None:
    states: dict[str, Any] = {f"S{index}": {"Type": "Pass", "Next": f"S{index + 1}"} for index in range(10)}
    clock, host = VirtualClock(), Later()
    driver = Driver(
        run_of(machine(states | {"S10": ended(Type="Pass")})), clock, LocalTasks({}, clock), host=host, budget=4
    )
    driver.start()
    pauses = 0
    while host.waiting:
        host.waiting.pop(0)()
        pauses += 1
    assert pauses == 2
    assert driver.run.status is Status.SUCCEEDED


def test_after_a_crash_only_what_is_still_awaited_is_started_again() -> None:
    definition = machine(
        {"P": parallel({"A": callback()}, {"B": task()}, {"C": ended(Type="Wait", Seconds=100)}, {"D": task()})}
    )
    clock, host = VirtualClock(), Alone()
    tasks = LocalTasks(
        {"A": [{"submit": "receipt", "never": True}], "B": [{"never": True}], "D": [{"return": 4}]}, clock
    )
    first = Later()
    driver = Driver(run_of(definition), clock, tasks, host=first)
    driver.start()
    first.store()
    clock.advance(30)

    again = run_of(definition)
    again.start(EPOCH)
    again.advance()
    for signal, at in first.signals:
        again.deliver(signal, at)
        again.advance()
    assert again.events == driver.run.events
    tasks_after = LocalTasks({"A": [{"never": True}], "B": [{"return": 2}]}, clock)
    taken_up = Driver(again, clock, tasks_after, host=host)
    taken_up.resume()
    assert [
        (effect.request.state, effect.submitted) for effect in tasks_after.started if effect.request.state == "A"
    ] == [("A", "receipt")]
    assert {effect.request.state for effect in tasks_after.started} == {"A", "B"}
    taken_up.tell(TaskSucceeded(tasks_after.started[0].id, 1))
    clock.advance(70)
    assert again.output == [1, 2, None, 4]
    assert again.events[-1].at == EPOCH + 100


class Held:
    """Tasks that never answer; remembers what was cancelled."""

    def __init__(self) -> None:
        self.cancelled: list[int] = []

    def supports(self, resource: Resource) -> str | None:
        return None

    def start(self, effect: StartTask, tell: Tell) -> Work:
        return _Held(self, effect.id)


class _Held:
    def __init__(self, tasks: Held, id_: int) -> None:
        self.tasks = tasks
        self.id = id_

    def cancel(self) -> None:
        self.tasks.cancelled.append(self.id)


def test_stopping_cancels_the_work_and_forgets_the_timers() -> None:
    clock, tasks = VirtualClock(), Held()
    driver = Driver(run_of(machine({"T": task(TimeoutSeconds=60)})), clock, tasks)
    driver.start()
    driver.stop("Why", "because")
    assert tasks.cancelled == [1]
    assert (driver.run.status, driver.run.error, driver.run.cause) == (Status.ABORTED, "Why", "because")
    assert not clock.advance_to_next()
    assert types(driver.run.events)[-1] == "ExecutionAborted"


def test_an_answer_that_comes_too_late_is_ignored() -> None:
    clock = VirtualClock()
    tasks = LocalTasks({}, clock)
    driver = Driver(run_of(machine({"Ask": callback(TimeoutSeconds=5)})), clock, tasks)
    driver.start()
    clock.advance(5)
    count = len(driver.run.events)
    driver.tell(TaskSubmitted(tasks.started[0].id, None))
    driver.tell(TaskSucceeded(tasks.started[0].id, None))
    assert driver.run.status is Status.FAILED
    assert len(driver.run.events) == count


class Wall:
    """A real source of time and timers, by hand."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        return self.time

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        self.calls.append((delay, callback))
        return _Held(Held(), 0)


def test_a_scaled_clock_runs_so_many_times_as_fast() -> None:
    wall = Wall()
    clock = ScaledClock(wall.now, wall.call_later, factor=60)
    run = Run(program_of(HOUR), identity(at=wall.time), {}, "{}")
    driver = Driver(run, clock, LocalTasks({}, VirtualClock()))
    driver.start()
    assert [delay for delay, _ in wall.calls] == [60]
    wall.time += 60
    wall.calls[0][1]()
    assert driver.run.status is Status.SUCCEEDED
    assert driver.run.events[-1].at - driver.run.events[0].at == 3600


def test_a_run_that_never_waits_is_ended_by_its_timeout_all_the_same() -> None:
    endless = machine(
        {
            "Again": {"Type": "Pass", "Next": "Enough?"},
            "Enough?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "Done"}],
                "Default": "Again",
            },
            "Done": {"Type": "Succeed"},
        }
    ) | {"TimeoutSeconds": 3}
    clock, host = VirtualClock(), Later()
    run = Run(program_of(endless, express=True), identity(express=True), {}, "{}")
    Driver(run, clock, LocalTasks({}, clock), host=host, budget=100).start()
    for _ in range(10):
        host.waiting.pop(0)()
    clock.advance(3)
    host.store()
    assert run.status is Status.TIMED_OUT


def test_the_iterations_of_a_map_count_for_the_budget() -> None:
    each = machine({"One": ended(Type="Pass")})
    clock, host = VirtualClock(), Later()
    run = run_of(machine({"M": ended(Type="Map", ItemProcessor=each)}), [1] * 100)
    Driver(run, clock, LocalTasks({}, clock), host=host, budget=10).start()
    pauses = 0
    while host.waiting:
        host.waiting.pop(0)()
        pauses += 1
    assert pauses == 10
    assert run.output == [1] * 100
