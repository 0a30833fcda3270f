"""TestState: runs one state once, and reports the stages on the way.

    request → checked (``request``) → a program of one state (``engine.trial``) → run with the service's own
    tasks, or with a mock instead → status, output or error, and ``inspectionData``

The run is an EXPRESS one: AWS's context object says so (recorded), and it has the five minutes TestState has.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from sfn_emulator.asl.model import State, Task
from sfn_emulator.asl.resource import Family, Pattern, Resource
from sfn_emulator.engine.driver import Alone, Driver
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.ports import (
    Identity,
    StartTask,
    TaskBegun,
    TaskFailed,
    Tasks,
    TaskSucceeded,
    Tell,
    Work,
)
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.engine.strand import Strand
from sfn_emulator.engine.trial.regions import ImpossibleTrialError, Mock
from sfn_emulator.engine.trial.state import Handled, trial
from sfn_emulator.errors import TIMEOUT
from sfn_emulator.service.errors import refuse
from sfn_emulator.service.machines.definitions import Definitions
from sfn_emulator.service.running.host import Host
from sfn_emulator.service.surroundings import Surroundings
from sfn_emulator.service.trials.request import Answers, Asked, read_request
from sfn_emulator.values import Unset, Value, dumps

_NUMBERS: Final = frozenset({"maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage"})


class Integrations(Answers, Protocol):
    """The knowledge about integrations that only the task runner has."""

    def watch(self, execution_arn: str, *, reveal_secrets: bool) -> Callable[[], Mapping[str, Mapping[str, str]]]:
        """Notes the HTTP exchanges of an execution. Returns a function that ends this and returns the last exchange.

        ``request`` and ``response`` are as in ``inspectionData``; missing if no HTTP request was made.
        """


class Trials:
    """The operation. The caller that opens the service sets ``integrations``."""

    def __init__(self, definitions: Definitions, host: Host) -> None:
        self._definitions = definitions
        self._host = host
        self.integrations: Integrations | None = None

    async def test_state(self, around: Surroundings, told: Mapping[str, Any]) -> dict[str, Any]:
        asked = read_request(told, self._definitions, self.integrations)
        report = _Report(asked)
        program = trial(asked.state, asked.under, report, report.handle)
        run = Run(program, _identity(around, asked.role), asked.given, asked.text)
        run.amend = _amend(asked)
        seen = self._watched(asked, run.identity.execution_arn)
        try:
            await self._carry(around, run, asked)
        finally:
            exchange = seen()
        if isinstance(run.crash, ImpossibleTrialError):
            text = "mapIterationFailureCount cannot exceed the number of items in the input."
            raise refuse("ValidationException", text)
        if run.crash is not None:
            raise run.crash
        return report.answer(run, exchange)

    def _watched(self, asked: Asked, execution_arn: str) -> Callable[[], Mapping[str, Mapping[str, str]]]:
        if asked.level != "TRACE" or self.integrations is None:
            return dict
        return self.integrations.watch(execution_arn, reveal_secrets=asked.reveal_secrets)

    async def _carry(self, around: Surroundings, run: Run, asked: Asked) -> None:
        ended = around.loop.create_future()

        class Keeper(Alone):
            def passed(self) -> None:
                if run.status is not Status.RUNNING and not ended.done():
                    ended.set_result(None)

            def later(self, then: Callable[[], None]) -> None:
                host.later(then)

        host = self._host
        tasks: Tasks = self._host.tasks if asked.under.mock is None else _MockedTask(asked.under.mock)
        driver = Driver(run, around.clock, tasks, host=Keeper(), turns=host.turns, skip=host.skip_time)
        try:
            driver.start()
            await ended
        finally:
            if run.status is Status.RUNNING:
                driver.stop()


class _MockedTask:
    """``Tasks`` that answer with the mock."""

    def __init__(self, mock: Mock) -> None:
        self._mock = mock

    def supports(self, resource: Resource) -> str | None:
        return None

    def start(self, effect: StartTask, tell: Tell) -> Work:
        mock = self._mock
        if effect.request.resource.family is Family.ACTIVITY:
            tell(TaskBegun(effect.id))
        if isinstance(mock.result, Unset):
            tell(TaskFailed(effect.id, mock.error, mock.cause))
        else:
            tell(TaskSucceeded(effect.id, mock.result))
        return self

    def cancel(self) -> None: ...


# -- the execution the state seems to be in


def _identity(around: Surroundings, role: str | None) -> Identity:
    place, machine, name = around.place, around.new_id(), around.new_id()
    return Identity(
        execution_arn=place.arn("express", machine, name),
        execution_name=name,
        machine_arn=place.arn("stateMachine", machine),
        machine_name=machine,
        role_arn=role or f"arn:{place.partition}:iam::{place.account}:role/TestState",
        started_at=around.now(),
        region=place.region,
        seed=around.new_id(),
        express=True,
    )


def _amend(asked: Asked) -> Callable[[dict[str, Value]], dict[str, Value]]:
    """The context object: the given one, or a made-up one. Only a state that waits for a token has a token
    (recorded).
    """
    context, has_token = asked.context, _waits(asked.state)

    def amend(made: dict[str, Value]) -> dict[str, Value]:
        if context is not None:
            return {"Map": made["Map"], **context} if "Map" in made else context
        return made if has_token else {name: value for name, value in made.items() if name != "Task"}

    return amend


def _waits(state: State) -> bool:
    return isinstance(state, Task) and (
        state.resource.family is Family.ACTIVITY or state.resource.pattern is Pattern.WAIT_FOR_TASK_TOKEN
    )


# -- the report


class _Report(Instrument):
    """Collects the stages of a trial, and makes the answer."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._stages: dict[str, Value] = {}
        self._handled: Handled | None = None
        if asked.read is not None and not isinstance(asked.read.pointed, Unset):
            self._stages["afterItemsPointer"] = asked.read.pointed

    def stage(self, strand: Strand, stage: str, value: Value) -> None:
        """Notes a stage. A mocked result is shown at TRACE only (recorded 2025-12)."""
        inside = strand.parent is not None
        mocked = self._asked.under.mock is not None and self._asked.level != "TRACE"
        if not inside and not (stage == "result" and mocked):
            self._stages[stage] = value

    def handle(self, handled: Handled) -> None:
        self._handled = handled

    def answer(self, run: Run, exchange: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
        answer = self._outcome(run)
        if self._asked.level != "INFO":
            answer["inspectionData"] = {**self._inspection(run), **exchange}
        return answer

    def _outcome(self, run: Run) -> dict[str, Any]:
        handled = self._handled
        if run.status is Status.TIMED_OUT:
            return {"status": "FAILED", "error": TIMEOUT}
        if run.status is not Status.SUCCEEDED:
            retriable = handled is not None and handled.retry is not None and not handled.exhausted
            return {"status": "RETRIABLE" if retriable else "FAILED", **_failure(run.error, run.cause)}
        done: dict[str, Any] = {"status": "SUCCEEDED", "output": self._text(run.output)}
        if handled is not None and handled.catch is not None:
            done |= {"status": "CAUGHT_ERROR", **_failure(handled.error.error, handled.error.cause)}
        return done | ({} if run.next_state is None else {"nextState": run.next_state})

    def _inspection(self, run: Run) -> dict[str, Any]:
        shown: dict[str, Any] = {"input": self._asked.text}
        for name, value in self._stages.items():
            shown[name] = value if name in _NUMBERS else self._text(value)
        if run.root is not None and run.root.variables:
            shown["variables"] = dumps(run.root.variables)
        if self._handled is not None:
            shown["errorDetails"] = _error_details(self._handled)
        return shown

    def _text(self, value: Value) -> str:
        """The text of a value. A value that is passed on unchanged keeps its text, with its white space (`TestState`'s
        examples).
        """
        return next((text for given, text in self._asked.texts if given is value), None) or dumps(value)


def _failure(error: str | None, cause: str | None) -> dict[str, str]:
    return {name: told for name, told in (("error", error), ("cause", cause)) if told is not None}


def _error_details(handled: Handled) -> dict[str, int]:
    if handled.exhausted and handled.retry is not None:
        return {"retryIndex": handled.retry}
    if handled.retry is not None:
        return {"retryIndex": handled.retry, "retryBackoffIntervalSeconds": int(handled.delay)}
    return {} if handled.catch is None else {"catchIndex": handled.catch}
