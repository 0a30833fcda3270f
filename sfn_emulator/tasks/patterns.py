"""The three service integration patterns over one blocking call: request-response, .waitForTaskToken and .sync.

Every runner is a ``Starter``: it starts one attempt and reports its outcome on the host's thread.
"""

import logging
from collections.abc import Callable
from typing import Final, NamedTuple

from sfn_emulator.engine.ports import (
    Clock,
    Signal,
    StartTask,
    TaskAnswered,
    TaskFailed,
    TaskHeartbeat,
    TaskRequest,
    TaskSubmitted,
    TaskSucceeded,
    Tell,
    Timer,
    Work,
)
from sfn_emulator.errors import OWN_FAULT, RUNTIME, TASK_FAILED, StateError
from sfn_emulator.service.running.causes import Cause, on_behalf
from sfn_emulator.tasks.ports import Tokens
from sfn_emulator.tasks.workers import Running, Workers
from sfn_emulator.values import UNSET, Unset, Value

Starter = Callable[[StartTask, Tell], Work]

_log: Final = logging.getLogger(__name__)

Call = Callable[[TaskRequest], Value]
"""A request's result; blocking, on a worker thread. Raises ``StateError`` for a refusal of the service."""


class Finished:
    """Work that has ended already."""

    def cancel(self) -> None: ...


def refused(effect: StartTask, tell: Tell, cause: str) -> Work:
    """The failure of a task that could not even be scheduled: States.Runtime, final."""
    tell(TaskFailed(effect.id, RUNTIME, cause, "Runtime"))
    return Finished()


def failure(effect: StartTask, error: Exception, stage: str = "Failed") -> TaskFailed:
    """The task's failure for an exception. Any exception but ``StateError`` is a fault of ours, and goes to the log."""
    if isinstance(error, StateError):
        return TaskFailed(effect.id, error.error, error.cause, stage)
    _log.error("%s failed", effect.request.resource.arn, exc_info=error)
    return TaskFailed(effect.id, TASK_FAILED, OWN_FAULT, stage)


Done = Callable[[Value | Exception], None]

Ask = Callable[[TaskRequest, Done], Work]
"""Makes a call, and passes its result or exception to ``Done`` on the host's thread."""


def cause_of(request: TaskRequest) -> Cause:
    return Cause(request.identity.execution_arn, request.state, request.entered, request.attempt)


def _called(call: Call, request: TaskRequest) -> Callable[[], Value]:
    """The call, with the request's execution as its cause."""
    return on_behalf(cause_of(request), lambda: call(request))


def on_thread(workers: Workers, call: Call) -> Ask:
    return lambda request, done: workers.run(_called(call, request), done)


def inline(call: Call) -> Ask:
    """A call that does not block is made at once, on the host's thread."""

    def ask(request: TaskRequest, done: Done) -> Work:
        done(outcome_of(_called(call, request)))
        return Finished()

    return ask


def outcome_of(call: Callable[[], Value]) -> Value | Exception:
    """The call's result, or the error that it raised."""
    try:
        return call()
    except Exception as error:
        return error


def request_response(ask: Ask) -> Starter:
    """The pattern that ends with the call's own answer."""

    def start(effect: StartTask, tell: Tell) -> Work:
        def done(outcome: Value | Exception) -> None:
            if isinstance(outcome, Exception):
                tell(failure(effect, outcome))
            else:
                tell(TaskSucceeded(effect.id, outcome))

        return ask(effect.request, done)

    return start


# -- .waitForTaskToken


class _Callback:
    """One open token. An answer that comes before the submission is reported waits for that, so that the history has
    both. The sender of an answer gets a success. So the run gets the answer at once, too, and still knows it after a
    crash.
    """

    def __init__(self, effect: StartTask, tell: Tell, running: Running) -> None:
        self._effect = effect
        self._tell = tell
        self._running = running
        self._submitted = not isinstance(effect.submitted, Unset)
        self._early = effect.answered
        self.answered = effect.answered is not None

    def submitted(self, output: Value) -> None:
        self._submitted = True
        self._tell(TaskSubmitted(self._effect.id, output))
        if self._early is not None:
            self._end(self._early)

    def refused(self, signal: TaskFailed) -> None:
        self._end(signal)

    def succeeded(self, output: Value) -> None:
        self._answer(TaskAnswered(self._effect.id, output))

    def failed(self, error: str | None, cause: str | None) -> None:
        self._answer(TaskAnswered(self._effect.id, error=error or "", cause=cause))

    def heartbeat(self) -> None:
        if not self._running.cancelled:
            self._tell(TaskHeartbeat(self._effect.id))

    def _answer(self, answer: TaskAnswered) -> None:
        self.answered = True
        if self._submitted:
            self._end(answer.end)
        elif not self._running.cancelled:
            self._early = answer.end
            self._tell(answer)

    def _end(self, signal: TaskSucceeded | TaskFailed) -> None:
        if not self._running.cancelled:
            self._running.cancel()
            self._tell(signal)


def wait_for_task_token(ask: Ask, tokens: Tokens) -> Starter:
    """Submits the call, then stays open until the token is answered, or cancelled."""

    def start(effect: StartTask, tell: Tell) -> Work:
        running = Running()
        callback = _Callback(effect, tell, running)
        if not callback.answered:
            tokens.wait(effect.request.token, callback)
            running.on_cancel = lambda: tokens.forget(effect.request.token)
        if isinstance(effect.submitted, Unset):
            submission = _submit(ask, effect, callback)
            running.also(submission.cancel)
        return running

    return start


def _submit(ask: Ask, effect: StartTask, callback: _Callback) -> Work:
    def done(outcome: Value | Exception) -> None:
        if isinstance(outcome, Exception):
            callback.refused(failure(effect, outcome, "SubmitFailed"))
        else:
            callback.submitted(outcome)

    return ask(effect.request, done)


# -- .sync


def answerable(start: Starter, tokens: Tokens) -> Starter:
    """A job whose token may end the task, too (recorded). The job itself then goes on, and nobody waits for it."""

    def started(effect: StartTask, tell: Tell) -> Work:
        token, running = effect.request.token, Running()
        callback = _Callback(effect, tell, running)

        def hear(signal: Signal) -> None:
            if running.cancelled:
                return
            if isinstance(signal, TaskSubmitted):
                callback.submitted(signal.output)
                return
            if isinstance(signal, TaskSucceeded | TaskFailed):
                running.on_cancel = None
                running.cancel()
                tokens.forget(token)
            tell(signal)

        if not callback.answered:
            tokens.wait(token, callback)
        work = start(effect, hear)

        def leave() -> None:
            tokens.forget(token)
            if not callback.answered:
                work.cancel()

        if not running.cancelled:
            running.on_cancel = leave
        return running

    return started


class Job(NamedTuple):
    """A job that .sync waits for.

    ``look(request, submitted)`` polls it: it returns the result when the job succeeded, ``UNSET`` while it runs, and
    raises ``StateError`` when it failed. ``stop`` tries to end it when the task is aborted, as on AWS.
    """

    look: Callable[[TaskRequest, Value], Value | Unset]
    stop: Callable[[TaskRequest, Value], None] | None = None


FIRST_LOOK = 0.5
LAST_LOOK = 10.0
"""Seconds between two polls of a job: half a second first, then 1.5 times as long each time, up to ten."""


class _Watch:
    """Polls one job until it has ended. Between polls it holds no thread."""

    def __init__(self, workers: Workers, clock: Clock, job: Job, effect: StartTask, tell: Tell) -> None:
        self._workers = workers
        self._clock = clock
        self._job = job
        self._effect = effect
        self._tell = tell
        self._pause = FIRST_LOOK
        self._step: Work | Timer = Finished()
        self._submitted: Value | Unset = effect.submitted
        self.running = Running()
        self.running.on_cancel = self._stop

    def begin(self, call: Call) -> None:
        request = self._effect.request
        if isinstance(self._submitted, Unset):
            self._step = on_thread(self._workers, call)(request, self._accepted)
        else:
            self._look()

    def _accepted(self, outcome: Value | Exception) -> None:
        if isinstance(outcome, Exception):
            self._end(failure(self._effect, outcome, "SubmitFailed"))
            return
        self._submitted = outcome
        self._tell(TaskSubmitted(self._effect.id, outcome))
        self._look()

    def _look(self) -> None:
        look, request, submitted = self._job.look, self._effect.request, self._submitted
        self._step = self._workers.run(lambda: look(request, submitted), self._seen)

    def _seen(self, outcome: Value | Unset | Exception) -> None:
        if isinstance(outcome, Exception):
            self._end(failure(self._effect, outcome))
        elif outcome is UNSET:
            self._step = self._clock.call_at(self._clock.now() + self._pause, self._look)
            self._pause = min(self._pause * 1.5, LAST_LOOK)
        else:
            self._end(TaskSucceeded(self._effect.id, outcome))

    def _end(self, signal: TaskSucceeded | TaskFailed) -> None:
        if not self.running.cancelled:
            self.running.on_cancel = None
            self.running.cancel()
            self._tell(signal)

    def _stop(self) -> None:
        self._step.cancel()
        stop, request, submitted = self._job.stop, self._effect.request, self._submitted
        if stop is not None and not isinstance(submitted, Unset):
            self._workers.run(lambda: stop(request, submitted), lambda _: None)


def sync(workers: Workers, clock: Clock, call: Call, job: Job) -> Starter:
    """Submits the call, reports TaskSubmitted, and polls the job until it has ended."""

    def start(effect: StartTask, tell: Tell) -> Work:
        watch = _Watch(workers, clock, job, effect, tell)
        watch.begin(call)
        return watch.running

    return start
