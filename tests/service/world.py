"""A service in this process, on its own loop and virtual clock, with tasks that the test controls."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from sfn_emulator.api.dispatch import StepFunctionsApi
from sfn_emulator.asl.resource import Family, Pattern, Resource
from sfn_emulator.engine.clock import VirtualClock
from sfn_emulator.engine.driver import Turns, Whole
from sfn_emulator.engine.ports import (
    StartTask,
    TaskBegun,
    TaskFailed,
    TaskHeartbeat,
    TaskSubmitted,
    TaskSucceeded,
    Tell,
)
from sfn_emulator.service.arns import Place
from sfn_emulator.service.map_runs.ports import MapData
from sfn_emulator.service.running.delivery import Outlet
from sfn_emulator.service.stepfunctions import StepFunctions
from sfn_emulator.service.store.database import Database
from sfn_emulator.values import UNSET, Value, dumps

ROLE = "arn:aws:iam::000000000000:role/machine"
ARN = "arn:aws:states:us-east-1:000000000000"
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}


def task(resource: str = "arn:aws:lambda:us-east-1:000000000000:function:f", **fields: Any) -> dict[str, Any]:
    """A machine of one Task."""
    return {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": resource, "End": True, **fields}}}


CALLBACK = task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", Parameters={"Token.$": "$$.Task.Token"})


class Refused(Exception):  # noqa: N818 -- it is what a client gets, not what went wrong here
    """An error answer."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.code = body["__type"].rpartition("#")[2]
        self.message = body.get("message", "")
        super().__init__(f"{self.code}: {self.message}")


class Attempt:
    """A Task under way; the test ends it."""

    def __init__(self, effect: StartTask, tell: Tell) -> None:
        self.id = effect.id
        self.request = effect.request
        self.submitted = effect.submitted
        self.tell = tell
        self.cancelled = False
        self.done = False
        """For tests to note whom they have answered."""

    def cancel(self) -> None:
        self.cancelled = True

    def succeeded(self, output: Value) -> None:
        self.tell(TaskSucceeded(self.id, output))

    def failed(self, error: str | None, cause: str | None = None) -> None:
        self.tell(TaskFailed(self.id, error or "States.TaskFailed", cause))

    def heartbeat(self) -> None:
        self.tell(TaskHeartbeat(self.id))


class Hands:
    """The engine's ``Tasks``: callbacks wait for their token, activities are queued, the rest waits for the test."""

    def __init__(self, service: StepFunctions) -> None:
        self.service = service
        self.attempts: list[Attempt] = []

    def supports(self, resource: Resource) -> str | None:
        return f"no {resource.arn} here" if "unknown" in resource.arn else None

    def start(self, effect: StartTask, tell: Tell) -> Attempt:
        attempt = Attempt(effect, tell)
        self.attempts.append(attempt)
        resource, token = effect.request.resource, effect.request.token
        if resource.family is Family.ACTIVITY or resource.pattern is Pattern.WAIT_FOR_TASK_TOKEN:
            self.service.tokens.wait(token, attempt)
        if resource.family is Family.ACTIVITY and effect.submitted is UNSET:
            text = dumps(effect.request.input)
            self.service.activities.offer(resource.arn, token, text, lambda worker: tell(TaskBegun(effect.id, worker)))
        elif (
            resource.pattern is not Pattern.REQUEST_RESPONSE
            and resource.family is not Family.ACTIVITY
            and effect.submitted is UNSET
        ):
            tell(TaskSubmitted(effect.id, {}))
        return attempt


class World:
    """``call`` is a request and its answer. ``restart`` is the process killed and started again."""

    data: MapData | None = None
    """What Distributed Maps read and write."""
    turns: Turns = Whole()
    """Who lets executions go on."""

    def __init__(self, directory: Path | None = None, *, skip_time: bool = False, outlet: Outlet | None = None) -> None:
        self.outlet = outlet
        self.loop = asyncio.new_event_loop()
        self.clock = VirtualClock()
        self.directory = directory
        self.skip_time = skip_time
        self.ids = itertools.count(1)
        self._open()

    def _open(self) -> None:
        self.service = StepFunctions(
            Database.open(self.directory),
            self.clock,
            self.loop,
            new_id=self._new_id,
            place=Place(),
            skip_time=self.skip_time,
            outlet=self.outlet,
        )
        self.service.host.turns = self.turns
        self.hands = Hands(self.service)
        self.service.open(self.hands, self.data)
        self.api = StepFunctionsApi(self.service)
        self.settle()

    def _new_id(self) -> str:
        return f"{next(self.ids) * 2654435761 % 2**32:08x}-0000-4000-8000-{next(self.ids):012x}"

    def restart(self) -> None:
        self.service.journal.close()
        self.service.store.database.close()
        self._open()

    def close(self) -> None:
        self.service.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    # -- requests

    def send(self, operation: str, body: bytes, headers: Mapping[str, str] | None = None) -> Any:
        """As a connection does: what can be answered at once is."""
        target = f"AWSStepFunctions.{operation}"
        answered = self.api.handle_at_once(target, body, headers or {})
        return answered or self.loop.run_until_complete(self.api.handle(target, body, headers or {}))

    def call(self, operation: str, **told: Any) -> Any:
        answer = self.send(operation, orjson.dumps(told))
        body = orjson.loads(answer.body)
        if answer.status != 200:
            raise Refused(answer.status, body)
        return body

    def later(self, operation: str, **told: Any) -> "asyncio.Task[Any]":
        """A request whose answer is awaited another time."""

        async def ask() -> Any:
            answer = await self.api.handle(f"AWSStepFunctions.{operation}", orjson.dumps(told), {})
            return orjson.loads(answer.body)

        pending = self.loop.create_task(ask())
        self.settle()
        return pending

    def machine(self, definition: Mapping[str, Any] = PASS, name: str = "m", **told: Any) -> str:
        text = dumps(definition)
        return str(self.call("CreateStateMachine", name=name, definition=text, roleArn=ROLE, **told)["stateMachineArn"])

    def start(self, machine: str, **told: Any) -> str:
        return str(self.call("StartExecution", stateMachineArn=machine, **told)["executionArn"])

    def describe(self, execution: str) -> Any:
        return self.call("DescribeExecution", executionArn=execution)

    def status(self, execution: str) -> str:
        return str(self.describe(execution)["status"])

    def types(self, execution: str) -> list[str]:
        return [event["type"] for event in self.call("GetExecutionHistory", executionArn=execution)["events"]]

    # -- time

    def settle(self) -> None:
        """Lets the loop go round until nothing is left to commit."""
        for _ in range(50):
            self.loop.run_until_complete(asyncio.sleep(0))
            if not self.service.journal.pending:
                break
        self.loop.run_until_complete(asyncio.sleep(0))

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.settle()

    def until(self, happened: Callable[[], bool]) -> None:
        for _ in range(1000):
            if happened():
                return
            self.loop.run_until_complete(asyncio.sleep(0))
        raise AssertionError("it never happened")


def refusal(world: World, operation: str, **told: Any) -> str:
    """What a client is told that asks for something wrong."""
    with pytest.raises(Refused) as refused:
        world.call(operation, **told)
    assert refused.value.status == 400
    return str(refused.value)
