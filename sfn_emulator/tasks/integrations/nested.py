"""``states:startExecution``: an execution that starts another, and may wait for its end.

Everything here happens on the host's thread, through the ``NestedExecutions`` port: no call leaves the process.
A child without a name gets one drawn from the task's token, so that a start repeated after a crash finds the child that
was started before.
"""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from sfn_emulator.asl.resource import Pattern
from sfn_emulator.engine.ports import (
    Clock,
    StartTask,
    TaskFailed,
    TaskRequest,
    TaskSubmitted,
    TaskSucceeded,
    Tell,
    Work,
)
from sfn_emulator.errors import TASK_FAILED, StateError
from sfn_emulator.tasks.clients import operation_model
from sfn_emulator.tasks.patterns import Finished, Starter, failure
from sfn_emulator.tasks.ports import Child, NestedExecutions
from sfn_emulator.tasks.sdk import wire
from sfn_emulator.tasks.sdk.failures import ServiceV1, nulls
from sfn_emulator.tasks.sdk.naming import capitalized, member_v1
from sfn_emulator.tasks.sdk.shapes import Parameters, Rules
from sfn_emulator.tasks.workers import Running
from sfn_emulator.values import Unset, Value, dumps, loads

STEP_FUNCTIONS: Final = ServiceV1("StepFunctions", "AWSStepFunctions", "AWSStepFunctionsException")

_NAMES: Final = uuid.UUID("8f1f6f5e-36b5-4c52-9d0a-54fba1a3c1d7")

_TOLD: Final = (
    "cause",
    "error",
    "executionArn",
    "input",
    "inputDetails",
    "name",
    "output",
    "outputDetails",
    "startDate",
    "stateMachineArn",
    "status",
    "stopDate",
)
"""The members of DescribeExecution in a parent's result; there are no others (recorded)."""

_PARSED: Final = frozenset({"input", "output"})
_DATES: Final = frozenset({"startDate", "stopDate"})


class StartExecutionAction:
    """The parameters, the start and the shape of its answer. The patterns are below."""

    def __init__(self, executions: NestedExecutions, clock: Clock) -> None:
        self.executions = executions
        self._clock = clock
        self._operation = operation_model("stepfunctions", "startExecution")
        self._parameters = Parameters(self._operation.input_shape, Rules(member_v1, documents=frozenset({"Input"})))

    def problems(self, value: Value) -> list[str]:
        return self._parameters.problems(value)

    def start(self, request: TaskRequest) -> Child:
        """Starts the child. Raises ``StateError`` with the SDK's report of StartExecution's refusal."""
        given = self._parameters(request.input)
        missing = nulls(self._operation, given)
        if missing is not None:
            request_id = wire.request_id(f"{request.token}{request.attempt}")
            raise STEP_FUNCTIONS.error(missing.code, missing.message, missing.status, request_id, missing.shape)
        name = given.get("name") or str(uuid.uuid5(_NAMES, f"{request.identity.execution_arn} {request.token}"))
        try:
            return self.executions.start(
                given["stateMachineArn"], name, given.get("input") or "{}", given.get("traceHeader")
            )
        except Exception as error:
            raise _refused(error, request) from None

    def __call__(self, request: TaskRequest) -> Value:
        """The output of TaskSubmitted, or of a request-response success."""
        return self._told(self.start(request), request)

    def _told(self, child: Child, request: TaskRequest) -> Value:
        request_id = wire.request_id(f"{request.token}{request.attempt}")
        answer = {"executionArn": child.arn, "startDate": _plain(child.start_date)}
        headers = wire.common(self._operation.service_model, answer, self._operation, request_id, self._clock.now())
        told = {"ExecutionArn": child.arn, "StartDate": _millis(child.start_date)}
        return dict(sorted({**told, **wire.metadata(headers, request_id)}.items()))


def _plain(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def _millis(seconds: float) -> int:
    return round(seconds * 1000)


def _refused(error: Exception, request: TaskRequest) -> Exception:
    code, message = getattr(error, "code", None), getattr(error, "message", None)
    if code is None or message is None:
        return error
    request_id = wire.request_id(f"{request.token}{request.attempt}")
    modelled = operation_model("stepfunctions", "startExecution").service_model.shape_for_error_code(code)
    return STEP_FUNCTIONS.error(code, message, 400, request_id, modelled and modelled.name)


def start_and_wait(action: StartExecutionAction) -> Starter:
    """``.sync`` and ``.sync:2``. They differ only in whether input and output come as text or as JSON."""

    def start(effect: StartTask, tell: Tell) -> Work:
        submitted = effect.submitted
        if isinstance(submitted, Unset):
            try:
                submitted = action(effect.request)
            except Exception as error:
                tell(failure(effect, error, "SubmitFailed"))
                return Finished()
            tell(TaskSubmitted(effect.id, submitted))
        return _watch(action.executions, effect, submitted["ExecutionArn"], tell)

    return start


def _watch(executions: NestedExecutions, effect: StartTask, arn: str, tell: Tell) -> Work:
    running = Running()

    def ended(description: Mapping[str, Value]) -> None:
        if running.cancelled:
            return
        running.on_cancel = None
        running.cancel()
        tell(_outcome(effect, description))

    watching = executions.watch(arn, ended)

    def stop() -> None:
        watching.cancel()
        executions.stop(arn, None, None)

    if not running.cancelled:
        running.on_cancel = stop
    return running


def _outcome(effect: StartTask, description: Mapping[str, Value]) -> TaskSucceeded | TaskFailed:
    told = _told(description, effect.request.resource.pattern is Pattern.SYNC_2)
    if description["status"] == "SUCCEEDED":
        return TaskSucceeded(effect.id, told)
    return failure(effect, StateError(TASK_FAILED, dumps(told)))


def _told(description: Mapping[str, Value], parsed: bool) -> dict[str, Any]:
    return {
        capitalized(name): _member(name, description[name], parsed)
        for name in _TOLD
        if description.get(name) is not None
    }


def _member(name: str, value: Value, parsed: bool) -> Value:
    if name in _DATES:
        return _millis(value)
    if name in _PARSED:
        return loads(value) if parsed else value
    if isinstance(value, dict):
        return {capitalized(key): item for key, item in value.items()}
    return value
