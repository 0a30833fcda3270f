"""Task: evaluates, records and awaits one attempt after another.

The three families of resources differ only in their events; that is a table (``_Words``).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from sfn_emulator.asl.model import Task
from sfn_emulator.asl.resource import Family, Pattern, Resource
from sfn_emulator.engine.draws import task_token
from sfn_emulator.engine.events import (
    ActivityScheduled,
    ActivityStarted,
    Entered,
    Failure,
    LambdaScheduled,
    Succeeded,
    TaskOutcome,
    TaskScheduled,
)
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.ports import (
    Fired,
    StartTask,
    TaskBegun,
    TaskFailed,
    TaskHeartbeat,
    TaskRequest,
    TaskSubmitted,
    TaskSucceeded,
)
from sfn_emulator.engine.states.dataflow import (
    check_size,
    effective_input,
    is_jsonata,
    leave,
    leaving,
    measure,
    parameters,
    subject,
    too_large,
)
from sfn_emulator.engine.states.numbers import positive
from sfn_emulator.engine.states.recovery import HeartbeatOverdueError, recovering
from sfn_emulator.engine.strand import WAIT, Step, Strand, Waiting
from sfn_emulator.errors import DATA_LIMIT, RUNTIME, TIMEOUT, EvaluationError, StateError
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.query.jsonpath.template import SUFFIX, is_query
from sfn_emulator.values import PAYLOAD_LIMIT, UNSET, Value, dumps, members

CAUSE_LIMIT: Final = 32_768
ERROR_LIMIT: Final = 256

REFUSED: Final = "Runtime"
"""The stage of a TaskFailed for a task that could not even be scheduled."""


@dataclass(frozen=True, slots=True)
class _Words:
    """A family's events. ``prefix`` starts the names of those that end an attempt."""

    prefix: str
    scheduled: str
    begun: str | None
    result_name: Callable[[Resource], str]


_WORDS: Final = {
    Family.LAMBDA: _Words("LambdaFunction", "LambdaFunctionScheduled", "LambdaFunctionStarted", lambda r: r.arn),
    Family.ACTIVITY: _Words("Activity", "ActivityScheduled", None, lambda r: r.arn),
    Family.SERVICE: _Words("Task", "TaskScheduled", "TaskStarted", lambda r: r.resource_type),
}


def task_step(state: Task, instrument: Instrument | None) -> Step:
    """Task: asks the host for its work, and waits for the answer."""

    def enter(strand: Strand) -> None:
        strand.enter("TaskStateEntered", Entered(strand.state, strand.input))

    wait = recovering(
        enter,
        _attempt(state, instrument),
        state.retry,
        state.catch,
        exited="TaskStateExited",
        jsonata=is_jsonata(state.flow),
        instrument=instrument,
    )
    return Step("Task", wait=wait)


def _attempt(state: Task, instrument: Instrument | None) -> Callable[[Strand], Waiting]:
    request = _request(state, instrument)
    after = leaving(state.flow, instrument)
    resource, target = state.resource, state.next

    def attempt(strand: Strand) -> Waiting:
        asked = request(strand)
        result = yield from _carried_out(strand, resource, asked)
        if instrument is not None:
            instrument.stage(strand, "result", result)
        output, assigned = (result, None) if after is None else after(strand, result)
        leave(strand, "TaskStateExited", output, assigned)
        return target

    return attempt


# -- before


def _request(state: Task, instrument: Instrument | None) -> Callable[[Strand], TaskRequest]:
    jsonata = is_jsonata(state.flow)
    before = parameters(state.flow, instrument)
    narrowed = effective_input(state.flow)
    wrap = subject(state.flow)
    timeout = positive(state.timeout, "TimeoutSeconds", jsonata=jsonata)
    heartbeat = positive(state.heartbeat, "HeartbeatSeconds", jsonata=jsonata)
    resource, credentials = state.resource, state.credentials
    # Recorded: only these families have a Task in their context object.
    waits = resource.pattern is not Pattern.REQUEST_RESPONSE

    def request(strand: Strand) -> TaskRequest:
        run, given = strand.run, strand.input
        token = task_token(run.identity.seed, run.last_effect + 1)
        strand.token = token if waits else None
        told = wrap(given if narrowed is None else narrowed(strand, given))
        value = given if before is None else before(strand, given)
        if value is not given:
            check_size(value, strand.state)
            if not jsonata:
                _check_keys(strand, value)
        return TaskRequest(
            resource,
            value,
            token,
            run.identity,
            strand.state,
            strand.retries or 0,
            _role(credentials, strand, told),
            timeout(strand, told),
            heartbeat(strand, told),
            strand.entered,
        )

    return request


def _check_keys(strand: Strand, value: Value) -> None:
    """Refuses evaluated parameters in which the value of a key that ends with ``.$`` is no path."""
    try:
        if b'.$":' not in orjson.dumps(value):
            return
    except TypeError:
        pass  # orjson can't write one of the numbers: look at every key
    strays = [key for key, member in members(value) if key.endswith(SUFFIX) and not is_query(key, member)]
    if strays:
        problems = ", ".join(
            f"The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call"
            for key in strays
        )
        text = f"The Parameters '{dumps(value)}' could not be used to start the Task: [{problems}]"
        raise EvaluationError(RUNTIME, text)


def _role(credentials: Compiled | None, strand: Strand, told: Any) -> str | None:
    if credentials is None:
        return None
    value = credentials.apply(told, strand)
    role = value.get("RoleArn") if isinstance(value, dict) else None
    return role if isinstance(role, str) else None


def _record_scheduled(strand: Strand, asked: TaskRequest) -> None:
    resource = asked.resource
    words = _WORDS[resource.family]
    strand.run.emit(strand, words.scheduled, _scheduled(asked))
    if words.begun is not None:
        started = TaskOutcome(resource.resource_type, resource.resource) if resource.resource_type else None
        strand.run.emit(strand, words.begun, started)


def _scheduled(asked: TaskRequest) -> LambdaScheduled | ActivityScheduled | TaskScheduled:
    resource = asked.resource
    if resource.family is Family.LAMBDA:
        return LambdaScheduled(resource.arn, asked.input, asked.timeout, asked.role)
    if resource.family is Family.ACTIVITY:
        return ActivityScheduled(resource.arn, asked.input, asked.timeout, asked.heartbeat)
    return TaskScheduled(
        resource.resource_type,
        resource.resource,
        asked.identity.region,
        asked.input,
        asked.timeout,
        asked.heartbeat,
        asked.role,
    )


# -- meanwhile


def _carried_out(strand: Strand, resource: Resource, asked: TaskRequest) -> Generator[bool, Any, Value]:
    """Starts the task. Returns its result or raises its error."""
    run = strand.run
    place = strand.tip
    _record_scheduled(strand, asked)
    task = run.next_effect()
    run.issue(strand, StartTask(task, asked))
    timeout = run.timer(strand, asked.timeout) if asked.timeout else 0
    activity = resource.family is Family.ACTIVITY
    beat = run.timer(strand, asked.heartbeat) if asked.heartbeat and not activity else 0
    while True:
        signal = yield WAIT
        match signal:
            case TaskSucceeded():
                run.settle(timeout, beat)
                return _result(strand, resource, signal.output)
            case TaskFailed():
                run.settle(timeout, beat)
                if signal.stage == REFUSED:
                    run.unrecord(strand, place)
                    raise StateError(signal.error, strand.place(signal.cause or ""), final=True)
                raise _failure(strand, resource, StateError(signal.error, signal.cause), signal.stage)
            case Fired():
                run.settle(task, timeout, beat)
                error = HeartbeatOverdueError() if signal.id == beat else StateError(TIMEOUT)
                raise _failure(strand, resource, error, "TimedOut")
            case TaskSubmitted():
                _record_submitted(strand, resource, signal.output)
            case TaskBegun() | TaskHeartbeat():
                if isinstance(signal, TaskBegun) and activity:
                    run.emit(strand, "ActivityStarted", ActivityStarted(signal.worker))
                if asked.heartbeat:
                    run.settle(beat)
                    beat = run.timer(strand, asked.heartbeat)


def _record_submitted(strand: Strand, resource: Resource, output: Value) -> None:
    if resource.family is Family.SERVICE:
        detail = TaskOutcome(resource.resource_type, resource.resource, output)
        strand.run.emit(strand, "TaskSubmitted", detail)


# -- after


def _result(strand: Strand, resource: Resource, output: Value) -> Value:
    words = _WORDS[resource.family]
    if measure(output) > PAYLOAD_LIMIT:
        error = StateError(DATA_LIMIT, too_large(words.result_name(resource)))
        raise _failure(strand, resource, error, "Failed")
    service = resource.family is Family.SERVICE
    detail = TaskOutcome(resource.resource_type, resource.resource, output) if service else Succeeded(output)
    strand.run.emit(strand, f"{words.prefix}Succeeded", detail)
    return output


def _failure(strand: Strand, resource: Resource, error: StateError, stage: str) -> StateError:
    """Records how the attempt ended. Returns the error."""
    error.error = error.error[:ERROR_LIMIT]
    error.cause = None if error.cause is None else error.cause[:CAUSE_LIMIT]
    words = _WORDS[resource.family]
    name = error.error or None
    detail: Any = Failure(name, error.cause)
    if resource.family is Family.SERVICE:
        detail = TaskOutcome(resource.resource_type, resource.resource, UNSET, name, error.cause)
    strand.run.emit(strand, f"{words.prefix}{stage}", detail)
    return error
