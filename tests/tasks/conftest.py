"""A host for tasks without a loop: thunks from worker threads are run by whoever waits for a signal."""

from collections.abc import Callable, Iterator, Mapping
from queue import Queue
from typing import NamedTuple

import pytest

from sfn_emulator.asl.resource import Resource, parse_resource
from sfn_emulator.engine.ports import Cancel, Identity, Signal, StartTask, TaskRequest, Tasks, TaskSucceeded, Work
from sfn_emulator.service.tokens import Waiter
from sfn_emulator.tasks.clients import Clients, Destinations
from sfn_emulator.tasks.iam.guard import Guard
from sfn_emulator.tasks.iam.policies import Policies
from sfn_emulator.tasks.integrations.lambda_ import Invoked
from sfn_emulator.tasks.router import Router, World
from sfn_emulator.tasks.workers import Workers
from sfn_emulator.values import UNSET, Value
from tests.processes import running
from tests.waiting import PATIENCE

ACCOUNT = "123456789012"
REGION = "us-east-1"

IDENTITY = Identity(
    execution_arn=f"arn:aws:states:{REGION}:{ACCOUNT}:execution:m:e",
    execution_name="e",
    machine_arn=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m",
    machine_name="m",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/machine",
    started_at=1_700_000_000.0,
    region=REGION,
    seed="seed",
)


def resource(arn: str) -> Resource:
    found = parse_resource(arn)
    assert found is not None, arn
    return found


class Timer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class HurriedClock:
    """Nobody waits: what is due later is run when the host has nothing else to do."""

    def __init__(self, thunks: "Queue[Callable[[], None]]") -> None:
        self._thunks = thunks
        self.time = 1_700_000_000.0

    def now(self) -> float:
        return self.time

    def call_at(self, due: float, callback: Callable[[], None]) -> Timer:
        timer = Timer()

        def fire() -> None:
            if not timer.cancelled:
                self.time = max(self.time, due)
                callback()

        self._thunks.put(fire)
        return timer


class Tokens:
    def __init__(self) -> None:
        self.waiting: dict[str, Waiter] = {}

    def wait(self, token: str, waiter: Waiter) -> None:
        self.waiting[token] = waiter

    def forget(self, token: str) -> None:
        self.waiting.pop(token, None)


class Queues:
    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.offered: dict[str, tuple[str, Callable[[str | None], None]]] = {}

    def exists(self, activity_arn: str) -> bool:
        return activity_arn in self.known

    def offer(self, activity_arn: str, token: str, text: str, taken: Callable[[str | None], None]) -> None:
        self.offered[token] = (text, taken)

    def withdraw(self, activity_arn: str, token: str) -> None:
        self.offered.pop(token, None)


class Functions:
    """Lambda functions that are Python callables of bytes."""

    def __init__(self) -> None:
        self.code: dict[str, Callable[[bytes], Invoked]] = {}
        self.contexts: list[Mapping[str, Value] | None] = []

    def invoke(
        self,
        function: str,
        payload: bytes,
        qualifier: str | None = None,
        *,
        client_context: Mapping[str, Value] | None = None,
    ) -> Invoked:
        self.contexts.append(client_context)
        name = function.rpartition(":")[2]
        if name not in self.code:
            raise LookupError(f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:$LATEST")
        return self.code[name](payload)

    def begin(self, *_: object, **__: object) -> None:
        """Each needs a thread."""


class Child(NamedTuple):
    arn: str
    start_date: float


class Executions:
    """Nested executions that end when told to."""

    def __init__(self) -> None:
        self.started: dict[str, str] = {}
        self.watchers: dict[str, Callable[[dict[str, Value]], None]] = {}
        self.stopped: list[str] = []
        self.refuse: Exception | None = None

    def start(self, machine_arn: str, name: str, text: str, trace_header: str | None = None) -> Child:
        if self.refuse is not None:
            raise self.refuse
        arn = machine_arn.replace(":stateMachine:", ":execution:") + ":" + name
        self.started[arn] = text
        return Child(arn, 1_700_000_000.25)

    def watch(self, execution_arn: str, ended: Callable[[dict[str, Value]], None]) -> Work:
        self.watchers[execution_arn] = ended
        return Timer()

    def stop(self, execution_arn: str, error: str | None, cause: str | None) -> None:
        self.stopped.append(execution_arn)


class Host:
    """Starts tasks and hands out what they tell, in order."""

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        policies: Policies | None = None,
        enforce: bool = True,
        services: Mapping[str, str] | None = None,
        listed_only: bool = False,
    ) -> None:
        self.thunks: Queue[Callable[[], None]] = Queue()
        self.told: list[Signal] = []
        self.clock = HurriedClock(self.thunks)
        self.workers = Workers(self.thunks.put, threads=4)
        self.tokens, self.queues, self.functions, self.executions = Tokens(), Queues(), Functions(), Executions()
        self.clients = Clients(Destinations(endpoint=endpoint or "http://127.0.0.1:9", services=services or {}))
        guard = None if policies is None else Guard(policies, self.clock, enforce=enforce)
        self.tasks: Tasks = Router(
            World(
                self.workers,
                self.clients,
                self.clock,
                self.functions,
                self.tokens,
                self.queues,
                self.executions,
                guard,
                endpoint,
                listed_only=listed_only,
            )
        )
        self._effects = 0

    def start(
        self,
        arn: str,
        given: Value = None,
        *,
        submitted: Value = UNSET,
        answered: TaskSucceeded | None = None,
        **request: Value,
    ) -> Work:
        self._effects += 1
        defaults = {"token": f"token-{self._effects}", "identity": IDENTITY, "state": "S", "attempt": 0}
        asked = TaskRequest(resource(arn), given, **{**defaults, **request})
        return self.tasks.start(StartTask(self._effects, asked, submitted, answered), self.tell)

    def tell(self, signal: Signal) -> None:
        assert not isinstance(signal, Cancel)
        self.told.append(signal)

    def next(self, seconds: float = PATIENCE) -> Signal:
        """The next signal not seen yet."""
        while not self.told:
            self.thunks.get(timeout=seconds)()
        return self.told.pop(0)

    def run(self, arn: str, given: Value = None, **request: Value) -> Signal:
        self.start(arn, given, **request)
        return self.next()

    def idle(self) -> None:
        """Runs whatever is due now."""
        while not self.thunks.empty():
            self.thunks.get_nowait()()


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The neighbours, behind a real socket."""
    with running("--in-memory") as server:
        yield server.url


@pytest.fixture
def aws(endpoint: str) -> Host:
    return Host(endpoint)
