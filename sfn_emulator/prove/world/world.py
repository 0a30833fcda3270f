"""A world in which executions run in one thread and in virtual time, over the neighbours that ``prepare`` set up."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson

from sfn_emulator.cloud.lambdas.api import LambdaApi
from sfn_emulator.cloud.lambdas.inprocess import overheard
from sfn_emulator.cloud.lambdas.runtime import Lambdas
from sfn_emulator.cloud.logs import Lines
from sfn_emulator.cloud.requests.message import Reply, Request, json_error, json_reply
from sfn_emulator.cloud.requests.transport import connect
from sfn_emulator.engine.clock import EPOCH, VirtualClock
from sfn_emulator.engine.local.execution import program_of
from sfn_emulator.engine.ports import Identity, Tasks, Work
from sfn_emulator.engine.strand import Program
from sfn_emulator.prove.world import backends
from sfn_emulator.prove.world.hosting import Hosted
from sfn_emulator.prove.world.prepared import ENDPOINT, Prepared
from sfn_emulator.prove.world.sessions import Sessions
from sfn_emulator.prove.world.tables import Tables, look
from sfn_emulator.service.errors import ApiError
from sfn_emulator.service.tokens import Tokens
from sfn_emulator.serving.gateway import STATES_TARGET, Gateway
from sfn_emulator.tasks.clients import Clients, Destinations
from sfn_emulator.tasks.router import Router
from sfn_emulator.tasks.router import World as Reached
from sfn_emulator.tasks.workers import Running, Workers
from sfn_emulator.values import Value

T = TypeVar("T")

_TOKENS: Final = {
    "SendTaskSuccess": Tokens.send_task_success,
    "SendTaskFailure": Tokens.send_task_failure,
    "SendTaskHeartbeat": Tokens.send_task_heartbeat,
}
_FUNCTION: Final = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:\d+:function:[\w-]+")
MOST_STEPS: Final = 5_000
"""Timers of one execution that may ring before it counts as endless."""


class Inline(Workers):
    """Does work at once, on the caller's thread."""

    def __init__(self) -> None:
        super().__init__(lambda thunk: thunk(), 0)

    def run(self, job: Callable[[], T], done: Callable[[T | Exception], None]) -> Work:
        running = Running()
        try:
            outcome: T | Exception = job()
        except Exception as error:
            outcome = error
        if not running.cancelled:
            done(outcome)
        return running


class _NoLogs:
    def write(self, lines: Lines) -> None: ...
    def forget(self) -> None: ...
    def close(self) -> None: ...


class _NoActivities:
    """Activities without workers: a task waits for its time-out."""

    def exists(self, activity_arn: str) -> bool:
        return True

    def offer(self, activity_arn: str, token: str, text: str, taken: Callable[[str | None], None]) -> None: ...
    def withdraw(self, activity_arn: str, token: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Child:
    arn: str
    start_date: float


class World:
    """``tasks`` runs Tasks for real. One at a time in a process."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.clock = VirtualClock()
        self._neighbours = prepared.neighbours
        self._scratch = tempfile.TemporaryDirectory(prefix="sfn-prove-")
        settings = prepared.settings
        lambdas = Lambdas(
            self._neighbours,
            account=settings.account,
            region=settings.region,
            directory=Path(self._scratch.name),
            endpoint=lambda: ENDPOINT,
            post=self._post,
            mode="inprocess",
            logs=_NoLogs(),
        )
        self._gateway = Gateway(self._neighbours, LambdaApi(lambdas, self._neighbours), settings.account)
        self._tokens = Tokens()
        self._deliveries: list[tuple[str, bytes]] = []
        self._neighbours.on_delivery = lambda function, event: self._deliveries.append((function, event))
        self._neighbours.on_change = lambda service: None
        self._lambdas = lambdas
        self._before_each: Callable[[], None] = lambda: None
        self._clients = Clients(Destinations(ENDPOINT, connect=lambda client: connect(client, self.answer)))
        self.sessions = Sessions(self.answer)
        self._children: dict[str, Hosted] = {}
        self.tasks = self._router(Inline())

    def _router(self, workers: Workers) -> Tasks:
        reached = Reached(
            workers, self._clients, self.clock, self._lambdas, self._tokens, _NoActivities(), self, None, ENDPOINT
        )
        return Router(reached)

    def enter(self) -> None:
        """Makes this world the present one. Called in a copy, before anything is run."""
        backends.put(self.prepared.contents)
        self.sessions.install()

    def hush(self) -> None:
        """Silences functions' output in a copy, because it would be that of hundreds of runs."""
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115, the copy's end closes it
        sys.stdout = overheard(sys.stderr)

    def restart_clock(self) -> None:
        """Makes the next execution begin at the same time as the first one."""
        self.clock = VirtualClock()
        self.tasks = self._router(Inline())

    def take_turns(self, workers: Workers, step: Callable[[], None]) -> None:
        """Calls are run by ``workers``; ``step`` is called before every request of a service."""
        self.tasks = self._router(workers)
        self._before_each = step

    def _post(self, kind: str, target: str, payload: bytes, about: Mapping[str, Any]) -> None:
        """Keeps a call of a function by a service or by another function, for delivery when the present call has
        ended.
        """
        self._deliveries.append((target, payload))

    def answer(self, request: Request) -> Reply:
        """Answers every request of a handler or a Task. Of Step Functions it answers only those about tokens."""
        self._before_each()
        target = request.headers.get("x-amz-target", "")
        if not target.startswith(STATES_TARGET):
            return self._gateway.answer_from_thread(request)
        operation = _TOKENS.get(target.removeprefix(STATES_TARGET))
        if operation is None:
            return json_error(501, "NotImplemented", f"{target}: a proof answers only operations on task tokens")
        try:
            return json_reply(200, operation(self._tokens, None, orjson.loads(request.body)))  # type: ignore[arg-type]
        except ApiError as error:
            return json_error(400, error.code, error.message)

    def execution(self, program: Program, given: Value, name: str) -> Hosted:
        """An execution of the prepared machine, not started yet."""
        prepared = self.prepared
        identity = _identity(prepared.machine_arn, prepared.machine_name, prepared.role_arn, name, self.clock.now())
        return Hosted(program, identity, given, self.clock)

    def load(self, definition: str) -> None:
        """Loads the code of every function that the definition names into this process, and so into each copy."""
        self._lambdas.forget()
        with self._there(self.prepared.contents):
            for arn in dict.fromkeys(_FUNCTION.findall(definition)):
                with contextlib.suppress(Exception):  # a function that can't be imported fails when it is called
                    self._lambdas.preload(arn)

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Makes this process a copy of the world within its block. Caches, clients and imported modules remain
        afterwards.
        """
        copied = [(kind, deepcopy(held)) for kind, held in self.prepared.contents]
        with self._there(copied):
            try:
                yield
            finally:
                self._tokens, self._deliveries, self._children = Tokens(), [], {}
                self.restart_clock()

    @contextlib.contextmanager
    def _there(self, contents: backends.Contents) -> Iterator[None]:
        before = backends.taken()
        backends.put(contents)
        try:
            with self.sessions.installed():
                yield
        finally:
            backends.put(before)

    def tables(self) -> Tables:
        return look(self._neighbours)

    def settle(self) -> None:
        """Delivers the calls that services (SNS, EventBridge, …) have for functions."""
        while self._deliveries:
            function, event = self._deliveries.pop(0)
            self._lambdas.invoke(function, event)

    def advance(self) -> bool:
        """Lets the next timer ring. Returns false if there is none."""
        return self.clock.advance_to_next()

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        self.clock.call_at(self.clock.now() + seconds, then)

    # -- executions that executions start

    def start(self, machine_arn: str, name: str, text: str, trace_header: str | None = None) -> _Child:
        """Starts a nested execution, or finds the one of that name: ``text`` is its input."""
        arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        if arn not in self._children:
            definition = self.prepared.definitions[machine_arn]
            machine = machine_arn.rpartition(":")[2]
            identity = _identity(machine_arn, machine, self.prepared.role_arn, name, self.clock.now())
            child = Hosted(program_of(definition), identity, orjson.loads(text), self.clock)
            child.tasks = self.tasks
            self._children[arn] = child
            child.start()
        return _Child(arn, self.clock.now())

    def watch(self, execution_arn: str, ended: Callable[[Mapping[str, Value]], None]) -> Work:
        child = self._children[execution_arn]
        running = Running()
        self._when_over(child, lambda: None if running.cancelled else ended(_described(execution_arn, child)))
        return running

    def _when_over(self, child: Hosted, then: Callable[[], None]) -> None:
        """Checks again whenever time goes on."""
        if child.is_over:
            then()
        else:
            self.clock.call_at(self.clock.now() + 1, lambda: self._when_over(child, then))

    def stop(self, execution_arn: str, error: str | None, cause: str | None) -> None:
        self._children[execution_arn].stop(error, cause)


def _identity(machine_arn: str, machine: str, role: str, name: str, at: float) -> Identity:
    return Identity(
        execution_arn=f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}",
        execution_name=name,
        machine_arn=machine_arn,
        machine_name=machine,
        role_arn=role,
        started_at=at,
        seed=name,
    )


def _described(arn: str, child: Hosted) -> dict[str, Any]:
    run = child.run
    told: dict[str, Any] = {
        "executionArn": arn,
        "stateMachineArn": run.identity.machine_arn,
        "name": run.identity.execution_name,
        "status": run.status.value,
        "startDate": EPOCH,
        "stopDate": run.at,
        "input": orjson.dumps(run.given).decode(),
    }
    if run.error is not None:
        return {**told, "error": run.error, "cause": run.cause}
    return {**told, "output": orjson.dumps(run.output).decode()}
