"""Activities: the task waits in a queue until a worker takes it, then for the worker's answer to its token."""

from sfn_emulator.engine.ports import (
    StartTask,
    TaskBegun,
    TaskFailed,
    TaskHeartbeat,
    TaskSucceeded,
    Tell,
    Work,
)
from sfn_emulator.tasks.patterns import Starter, refused
from sfn_emulator.tasks.ports import ActivityQueues, Tokens
from sfn_emulator.tasks.workers import Running
from sfn_emulator.values import Unset, Value, dumps


class _Attempt:
    """One attempt, from the queue to the worker's answer."""

    def __init__(self, effect: StartTask, tell: Tell, running: Running) -> None:
        self._effect = effect
        self._tell = tell
        self._running = running

    def taken(self, worker: str | None) -> None:
        if not self._running.cancelled:
            self._tell(TaskBegun(self._effect.id, worker))

    def succeeded(self, output: Value) -> None:
        self._end(TaskSucceeded(self._effect.id, output))

    def failed(self, error: str | None, cause: str | None) -> None:
        self._end(TaskFailed(self._effect.id, error or "", cause))

    def heartbeat(self) -> None:
        if not self._running.cancelled:
            self._tell(TaskHeartbeat(self._effect.id))

    def _end(self, signal: TaskSucceeded | TaskFailed) -> None:
        if not self._running.cancelled:
            self._running.cancel()
            self._tell(signal)


def activity(queues: ActivityQueues, tokens: Tokens) -> Starter:
    """Offers the Task to the workers that poll its activity."""

    def start(effect: StartTask, tell: Tell) -> Work:
        arn, token = effect.request.resource.arn, effect.request.token
        if not queues.exists(arn):
            return refused(effect, tell, f"The activity {arn} does not exist.")
        running = Running()
        attempt = _Attempt(effect, tell, running)

        def leave() -> None:
            queues.withdraw(arn, token)
            tokens.forget(token)

        running.on_cancel = leave
        tokens.wait(token, attempt)
        if isinstance(effect.submitted, Unset):  # otherwise a worker had it before the process died
            queues.offer(arn, token, dumps(effect.request.input), attempt.taken)
        return running

    return start
