"""Injects faults in front of the task runner, so that handlers need not be changed.

``Calls`` is the engine's ``Tasks`` before ``tasks.router``. Each attempt of a Task is a call; a *director* says which
fault it gets. All is done in one thread: a call has ended when ``start`` returns, or waits for a token or a timer.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from sfn_emulator.asl.resource import Resource
from sfn_emulator.engine.ports import (
    Signal,
    StartTask,
    TaskFailed,
    Tasks,
    TaskSucceeded,
    Tell,
    Work,
)
from sfn_emulator.prove.faults import INJECTED, Fault, Kind, throttling
from sfn_emulator.values import Value, dumps


class Call:
    """One attempt. ``number`` counts the calls of a run; ``told`` is its end, for the story."""

    def __init__(self, number: int, effect: StartTask, *, again: bool = False) -> None:
        self.number = number
        self.effect = effect
        self.again = again
        """Whether it is a late delivery of a call whose end was reported already."""
        self.fault: Fault | None = None
        self.told: Signal | None = None

    @property
    def task(self) -> str:
        return self.effect.request.state

    @property
    def visit(self) -> tuple[str, int]:
        """The execution, and the event by which the state was entered: the same for all attempts."""
        return self.effect.request.identity.execution_arn, self.effect.request.entered

    @property
    def resource(self) -> Resource:
        return self.effect.request.resource


class Director(Protocol):
    def fault(self, call: Call) -> Fault | None:
        """The fault of the call, or ``None``. It may be asked in several processes at once."""


class Nothing:
    """A director without faults."""

    def fault(self, call: Call) -> Fault | None:
        return None


class _Over:
    def cancel(self) -> None: ...


_OVER = _Over()


class Calls:
    """``answers`` are the other answers of Tasks. ``die`` ends the emulator's process.

    ``ended`` is called for every call that has ended, after its effect. ``longest`` tells how many seconds a Task's
    work takes at most, ``at`` calls back after so many seconds.
    """

    def __init__(
        self,
        real: Tasks,
        director: Director,
        compensations: dict[str, str],
        *,
        die: Callable[[], None],
        ended: Callable[[Call], None],
        answers: Mapping[str, Value],
        longest: Callable[[str], float],
        at: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._real = real
        self._director = director
        self._compensations = compensations
        self._die = die
        self._ended = ended
        self._answers = answers
        self._longest = longest
        self._at = at
        self._lasting: dict[tuple[str, int], Fault] = {}
        self._late: list[StartTask] = []
        self._overdue_still: list[StartTask] = []
        self.calls: list[Call] = []

    def supports(self, resource: Resource) -> str | None:
        return self._real.supports(resource)

    def start(self, effect: StartTask, tell: Tell) -> Work:
        call = Call(len(self.calls), effect)
        self.calls.append(call)
        call.fault = self._lasting.get(call.visit) or self._director.fault(call)

        def hear(signal: Signal) -> None:
            """Reports the end of a call. Follow-up calls come from within ``tell``, so this call's effects are looked
            at first.
            """
            if isinstance(signal, TaskSucceeded | TaskFailed):
                call.told = signal
                self._over(call)
            tell(signal)

        if call.fault is None:
            return self._real.start(effect, hear)
        return _DOES[call.fault.kind](self, call, hear)

    def finish(self) -> None:
        """Makes the late deliveries that are still to come."""
        for late in (self._late, self._overdue_still):
            self._deliver_late(late, list(late))

    def _over(self, call: Call) -> None:
        self._ended(call)
        self._deliver_late(self._late, [e for e in self._late if self._compensations.get(e.request.state) == call.task])

    def _deliver_late(self, late: list[StartTask], due: list[StartTask]) -> None:
        for effect in due:
            late.remove(effect)
            self._deliver(effect)
            self._ended(Call(len(self.calls), effect, again=True))

    def _deliver(self, effect: StartTask) -> None:
        """Makes the call again. Its result is ignored."""
        self._real.start(effect, lambda signal: None)

    # -- each kind of fault

    def _before(self, call: Call, tell: Tell) -> Work:
        return self._fail(call, tell)

    def _after(self, call: Call, tell: Tell) -> Work:
        self._deliver(call.effect)
        return self._fail(call, tell)

    def _fail(self, call: Call, tell: Tell) -> Work:
        assert call.fault is not None
        self._lasting[call.visit] = call.fault
        text = {"errorType": INJECTED, "errorMessage": str(call.fault)}
        tell(TaskFailed(call.effect.id, INJECTED, dumps(text)))
        return _OVER

    def _delay(self, call: Call, tell: Tell) -> Work:
        """Delays the call until the state's own time-out rings; a function without one times out by itself."""
        self._deliver(call.effect)
        self._over(call)
        if call.effect.request.timeout is None and call.effect.request.heartbeat is None:
            text = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out"}
            tell(TaskFailed(call.effect.id, "Sandbox.Timedout", dumps(text)))
        return _OVER

    def _overdue(self, call: Call, tell: Tell) -> Work:
        """The state's time-out rings before the work is done. The claims may say how long the work takes at most."""
        seconds = self._longest(call.task)
        if seconds == float("inf"):
            self._late.append(call.effect)
        else:
            self._overdue_still.append(call.effect)
            self._at(seconds, lambda: self._deliver_late(self._overdue_still, [call.effect]))
        return _OVER

    def _throttle(self, call: Call, tell: Tell) -> Work:
        tell(TaskFailed(call.effect.id, throttling(call.resource), "Rate exceeded"))
        return _OVER

    def _named(self, call: Call, tell: Tell) -> Work:
        assert call.fault is not None
        tell(TaskFailed(call.effect.id, call.fault.error, str(call.fault)))
        return _OVER

    def _named_after(self, call: Call, tell: Tell) -> Work:
        self._deliver(call.effect)
        return self._named(call, tell)

    def _twice(self, call: Call, tell: Tell) -> Work:
        self._deliver(call.effect)
        return self._real.start(call.effect, tell)

    def _again_late(self, call: Call, tell: Tell) -> Work:
        self._late.append(call.effect)
        return self._real.start(call.effect, tell)

    def _answer(self, call: Call, tell: Tell) -> Work:
        self._deliver(call.effect)
        tell(TaskSucceeded(call.effect.id, {}))
        return _OVER

    def _other_answer(self, call: Call, tell: Tell) -> Work:
        self._deliver(call.effect)
        tell(TaskSucceeded(call.effect.id, self._answers[call.task]))
        return _OVER

    def _dies_before(self, call: Call, tell: Tell) -> Work:
        self._die()
        return _OVER

    def _dies_after(self, call: Call, tell: Tell) -> Work:
        self._deliver(call.effect)
        self._over(call)
        self._die()
        return _OVER


_DOES: dict[Kind, Callable[[Calls, Call, Tell], Work]] = {
    Kind.BEFORE: Calls._before,
    Kind.AFTER: Calls._after,
    Kind.DELAY: Calls._delay,
    Kind.OVERDUE: Calls._overdue,
    Kind.THROTTLE: Calls._throttle,
    Kind.NAMED: Calls._named,
    Kind.NAMED_AFTER: Calls._named_after,
    Kind.TWICE: Calls._twice,
    Kind.LATE: Calls._again_late,
    Kind.ANSWER: Calls._answer,
    Kind.OTHER_ANSWER: Calls._other_answer,
    Kind.DIES_BEFORE: Calls._dies_before,
    Kind.DIES_AFTER: Calls._dies_after,
}
