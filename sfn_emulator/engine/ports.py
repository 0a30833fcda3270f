"""What passes between a run and the world: effects out, signals in, both plain data.

A run never calls anything. It hands out effects, each with an id that is unique and deterministic within the run,
and is told what came of them by signals that name that id. The same program, input, identity and sequence of signals
always give the same effects and the same events: that is what durability, redrive and virtual time are built on.

    Run ──effects──▶ host (driver, clock, tasks) ──signals, with the time they were seen──▶ Run
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from sfn_emulator.asl.resource import Resource
from sfn_emulator.values import UNSET, Unset, Value

# -- who runs


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an execution is: what the context object and its task tokens are made of. Times are epoch seconds."""

    execution_arn: str
    execution_name: str
    machine_arn: str
    machine_name: str
    role_arn: str
    started_at: float
    region: str = "us-east-1"
    test_case: str | None = None
    """The mock test case it was started with (Step Functions Local's ``…#TestCase``)."""
    seed: str = ""
    """What randomness, uuids and tokens are drawn from; the same seed draws the same."""


# -- effects: engine → host


class TaskRequest(NamedTuple):
    """One attempt of a Task. ``token`` is ``$$.Task.Token``, ``input`` what the task is called with."""

    resource: Resource
    input: Value
    token: str
    identity: Identity
    state: str
    attempt: int
    """0 for the first attempt, counted over all retriers; what mock configurations call the invocation index."""
    role: str | None = None
    """Credentials.RoleArn, already evaluated."""
    timeout: int | None = None
    heartbeat: int | None = None


class StartTask(NamedTuple):
    id: int
    request: TaskRequest
    submitted: Value | Unset = UNSET
    """What TaskSubmitted told before a crash: the task is under way and only its end is to be awaited."""


class StartMapRun(NamedTuple):
    """A Distributed Map: the host reads items, runs children and aggregates. ``spec`` is the engine's MapRunSpec."""

    id: int
    spec: Any


class SetTimer(NamedTuple):
    id: int
    due: float


class Cancel(NamedTuple):
    """The effect ``id`` is no longer awaited: a timer to forget, a task or Map Run to abort."""

    id: int


Effect: TypeAlias = StartTask | StartMapRun | SetTimer | Cancel

# -- signals: host → engine


class Fired(NamedTuple):
    """The timer ``id`` is due."""

    id: int


class TaskBegun(NamedTuple):
    """An activity worker took the task. Other families begin when they are started and never send this."""

    id: int
    worker: str | None = None


class TaskSubmitted(NamedTuple):
    """A .sync or .waitForTaskToken call was accepted; the end is still to come."""

    id: int
    output: Value


class TaskHeartbeat(NamedTuple):
    id: int


class TaskSucceeded(NamedTuple):
    id: int
    output: Value


class TaskFailed(NamedTuple):
    """``stage`` picks the event: Failed, TimedOut, ScheduleFailed, StartFailed, SubmitFailed.

    Stage ``Runtime``, only ever told from within ``Tasks.start``: it could not even be scheduled (unusable parameters,
    no such activity). AWS then records no Scheduled event, and the state fails, finally, with States.Runtime; ``cause``
    comes without the "An error occurred while executing the state" prefix.
    """

    id: int
    error: str
    cause: str | None = None
    stage: str = "Failed"


class MapRunStarted(NamedTuple):
    id: int
    arn: str


class MapRunEnded(NamedTuple):
    """``error`` is set when the run failed; otherwise ``output`` is the Map state's raw result."""

    id: int
    output: Value | Unset = UNSET
    error: str | None = None
    cause: str | None = None


Signal: TypeAlias = (
    Fired | TaskBegun | TaskSubmitted | TaskHeartbeat | TaskSucceeded | TaskFailed | MapRunStarted | MapRunEnded
)

Tell: TypeAlias = Callable[[Signal], None]
"""How work reports. Safe to call from the host's own thread only; hosts wrap it where work runs elsewhere."""


class Work(Protocol):
    """Work under way; ``cancel`` is idempotent, and nothing is told after it."""

    def cancel(self) -> None: ...


class Tasks(Protocol):
    """Whoever can run a Task. Told of at create time with ``supports``, of an attempt with ``start``."""

    def supports(self, resource: Resource) -> str | None:
        """``None``, or why a definition with this resource must be refused (AWS's words where it has them)."""

    def start(self, effect: StartTask, tell: Tell) -> Work: ...


# -- time


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """The one source of time: real, scaled, or virtual. Epoch seconds, UTC, to the millisecond."""

    def now(self) -> float: ...
    def call_at(self, due: float, callback: Callable[[], None]) -> Timer: ...
