"""What passes between a run and the world: effects out, signals in, both plain data.

A run never calls anything. It hands out effects, each with an id that is unique and deterministic within the run,
and is told what came of them by signals that name that id. The same program, input, identity and sequence of signals
always give the same effects and the same events: that is what durability, redrive and virtual time are built on.

    Run ──effects──▶ host (driver, clock, tasks) ──signals, with the time they were seen──▶ Run
"""

from collections.abc import Callable, Mapping
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
    express: bool = False
    """An EXPRESS execution: no limit of events, five minutes at most, no redrive."""


class Beginning(NamedTuple):
    """Where a run begins that does not begin at StartAt: a state of the top level, what it is given, the variables."""

    state: str
    given: Value
    variables: Mapping[str, Value]


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
    entered: int = 0
    """The event by which the state was entered."""


class StartTask(NamedTuple):
    id: int
    request: TaskRequest
    submitted: Value | Unset = UNSET
    """What TaskSubmitted told before a crash, ``None`` after TaskBegun: it is under way, only its end is awaited."""
    answered: "TaskSucceeded | TaskFailed | None" = None
    """What TaskAnswered told before a crash: how it ends once its call is submitted."""


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """ItemReader with everything evaluated: ``arguments`` are Parameters or Arguments, ``config`` is ReaderConfig."""

    resource: Resource
    arguments: Value
    config: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class WriterSpec:
    """ResultWriter with everything evaluated; ``resource`` is ``None`` where results are only shaped (WriterConfig)."""

    resource: Resource | None
    arguments: Value
    config: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class BatcherSpec:
    """ItemBatcher with everything evaluated; ``batch_input`` is UNSET where there is none."""

    max_items: int | None
    max_bytes: int | None
    batch_input: Value | Unset = UNSET


@dataclass(frozen=True, slots=True)
class MapRunSpec:
    """One Distributed Map, with all that is evaluated in the parent.

    ``items`` is a list or an object, and UNSET where ``reader`` is set. ``program`` is the children's
    ``Program``; they see no variable of the parent. ``select(index, value, key, source)`` makes a child's input, or one
    batch's item, from an item (``key`` is UNSET for lists; ``source`` is ``STATE_DATA`` or an S3 URI) and raises
    ``StateError``. ``max_concurrency`` 0 means no limit of the definition's own.
    """

    state: str
    label: str | None
    program: Any
    express: bool
    items: Value | Unset
    reader: ReaderSpec | None
    select: Callable[[int, Value, str | Unset, str], Value]
    batcher: BatcherSpec | None
    writer: WriterSpec | None
    max_concurrency: int
    tolerated_count: int | None
    tolerated_percentage: float | None
    identity: Identity


class StartMapRun(NamedTuple):
    """A Distributed Map: the host reads items, runs children and aggregates.

    ``redrive`` is the ARN of the Map Run whose failed children are to be run again.
    """

    id: int
    spec: MapRunSpec
    redrive: str | None = None


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


class TaskAnswered(NamedTuple):
    """Its token was answered before its call was submitted: it ends so, but only after the TaskSubmitted to come."""

    id: int
    output: Value | Unset = UNSET
    error: str = ""
    cause: str | None = None

    @property
    def end(self) -> "TaskSucceeded | TaskFailed":
        if isinstance(self.output, Unset):
            return TaskFailed(self.id, self.error, self.cause)
        return TaskSucceeded(self.id, self.output)


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
    Fired
    | TaskBegun
    | TaskSubmitted
    | TaskHeartbeat
    | TaskAnswered
    | TaskSucceeded
    | TaskFailed
    | MapRunStarted
    | MapRunEnded
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


class MapRuns(Protocol):
    """Whoever can run a Distributed Map."""

    def start(self, effect: StartMapRun, tell: Tell) -> Work: ...


# -- time


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """The one source of time: real, scaled, or virtual. Epoch seconds, UTC, to the millisecond."""

    def now(self) -> float: ...
    def call_at(self, due: float, callback: Callable[[], None]) -> Timer: ...
