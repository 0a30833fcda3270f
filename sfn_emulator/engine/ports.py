"""The interface between a run and the world: effects go out, signals come in, both as plain data.

A run never calls anything. It hands out effects, each with an id that is unique and deterministic within the run. It
gets their results as signals that name that id. The same program, input, identity and sequence of signals always give
the same effects and the same events. Durability, redrive and virtual time are built on that.

    Run ──effects──▶ host (driver, clock, tasks) ──signals, with the time they were seen──▶ Run
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from sfn_emulator.asl.resource import Resource
from sfn_emulator.values import UNSET, Unset, Value

# -- who runs


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of an execution: the context object and the task tokens are made from it. Times are epoch
    seconds.
    """

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
    """The seed of randomness, uuids and tokens; the same seed draws the same."""
    express: bool = False
    """An EXPRESS execution: no limit of events, five minutes at most, no redrive."""


class Beginning(NamedTuple):
    """The beginning of a run that does not begin at StartAt: a state of the top level, its input, the variables."""

    state: str
    given: Value
    variables: Mapping[str, Value]


# -- effects: engine → host


class TaskRequest(NamedTuple):
    """One attempt of a Task. ``token`` is ``$$.Task.Token``, ``input`` the evaluated Parameters or Arguments."""

    resource: Resource
    input: Value
    token: str
    identity: Identity
    state: str
    attempt: int
    """0 for the first attempt, counted over all retriers. Mock configurations call it the invocation index."""
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
    """The output of TaskSubmitted before a crash, ``None`` after TaskBegun: the task is under way, and only its end is
    awaited.
    """
    answered: "TaskSucceeded | TaskFailed | None" = None
    """The end that TaskAnswered reported before a crash. It takes effect once the call is submitted."""


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
    """One Distributed Map, with everything that is evaluated in the parent.

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
    """The token was answered before the call was submitted: the task ends with this answer, but only after
    TaskSubmitted.
    """

    id: int
    output: Value | Unset = UNSET
    error: str = ""
    cause: str | None = None

    @property
    def end(self) -> "TaskSucceeded | TaskFailed":
        """The end of the task, as it counts once its call was submitted."""
        if isinstance(self.output, Unset):
            return TaskFailed(self.id, self.error, self.cause)
        return TaskSucceeded(self.id, self.output)


class TaskSucceeded(NamedTuple):
    id: int
    output: Value


class TaskFailed(NamedTuple):
    """``stage`` picks the event: Failed, TimedOut, ScheduleFailed, StartFailed, SubmitFailed.

    Stage ``Runtime``, which comes only from within ``Tasks.start``: the task could not even be scheduled (unusable
    parameters, no such activity). AWS then records no Scheduled event, and the state fails, finally, with
    States.Runtime; ``cause`` comes without the "An error occurred while executing the state" prefix.
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

ANSWERS: Final[Mapping[type, type]] = {
    Fired: SetTimer,
    TaskBegun: StartTask,
    TaskSubmitted: StartTask,
    TaskHeartbeat: StartTask,
    TaskAnswered: StartTask,
    TaskSucceeded: StartTask,
    TaskFailed: StartTask,
    MapRunStarted: StartMapRun,
    MapRunEnded: StartMapRun,
}
"""The kind of effect that each kind of signal answers."""
LAST_WORDS: Final = (Fired, TaskSucceeded, TaskFailed, MapRunEnded)
"""The signals after which their effect is no longer awaited."""

Tell: TypeAlias = Callable[[Signal], None]
"""How work reports signals. Safe to call on the host's own thread only; hosts wrap it for work on other threads."""


class Work(Protocol):
    """Work under way. ``cancel`` is idempotent, and no signal comes after it."""

    def cancel(self) -> None: ...


class Tasks(Protocol):
    """Runs Tasks. ``supports`` is asked when a definition is created, ``start`` is called for each attempt."""

    def supports(self, resource: Resource) -> str | None:
        """``None``, or why a definition with this resource must be refused (AWS's words where it has them)."""

    def start(self, effect: StartTask, tell: Tell) -> Work: ...


class MapRuns(Protocol):
    """Runs Distributed Maps."""

    def start(self, effect: StartMapRun, tell: Tell) -> Work: ...


# -- time


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """The one source of time: real, scaled, or virtual. Epoch seconds, UTC, to the millisecond."""

    def now(self) -> float: ...
    def call_at(self, due: float, callback: Callable[[], None]) -> Timer: ...
