"""The service's records. They are frozen; a change makes a new record. Times are epoch seconds, UTC, to the
millisecond.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from sfn_emulator.asl.model import MachineType
from sfn_emulator.engine.run import Status

INITIAL_REVISION: Final = "INITIAL"


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable revision of a machine, by which executions run. The key is ``id``."""

    kind: ClassVar[str] = "revision"
    id: str
    machine_arn: str
    created_at: float
    definition: str
    role_arn: str
    logging: Mapping[str, Any]
    tracing: Mapping[str, Any]
    encryption: Mapping[str, Any] | None = None
    public_id: str | None = None
    """The ``revisionId`` in answers; a machine's first revision has none there."""

    @property
    def key(self) -> str:
        return self.id

    @property
    def parent(self) -> str:
        return self.machine_arn


@dataclass(frozen=True, slots=True)
class StateMachine:
    """A machine and its present revision. ``versions`` counts all versions that were ever published."""

    kind: ClassVar[str] = "machine"
    arn: str
    region: str
    name: str
    type: MachineType
    created_at: float
    updated_at: float
    revision: str
    versions: int = 0
    published: bool = False
    """Whether it was created with ``publish``, and with which description: both count for the create's idempotency."""
    version_description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    deleting: bool = False

    @property
    def key(self) -> str:
        return self.arn

    @property
    def parent(self) -> str:
        return self.region


@dataclass(frozen=True, slots=True)
class Version:
    kind: ClassVar[str] = "version"
    arn: str
    machine_arn: str
    number: int
    revision: str
    created_at: float
    description: str | None = None

    @property
    def key(self) -> str:
        return self.arn

    @property
    def parent(self) -> str:
        return self.machine_arn


@dataclass(frozen=True, slots=True)
class Alias:
    """``routes`` are one or two (version ARN, weight); the weights total 100."""

    kind: ClassVar[str] = "alias"
    arn: str
    machine_arn: str
    name: str
    routes: tuple[tuple[str, int], ...]
    created_at: float
    updated_at: float
    description: str | None = None

    @property
    def key(self) -> str:
        return self.arn

    @property
    def parent(self) -> str:
        return self.machine_arn


@dataclass(frozen=True, slots=True)
class Activity:
    kind: ClassVar[str] = "activity"
    arn: str
    region: str
    name: str
    created_at: float
    encryption: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.arn

    @property
    def parent(self) -> str:
        return self.region


@dataclass(frozen=True, slots=True)
class MapRun:
    """A Distributed Map's run. Counts are by item and by execution, as DescribeMapRun names them.

    ``state`` is the Map state's name, ``revision`` the parent's, ``effect`` the number of the parent's effect that
    started or redrove it last. ``taken`` items were given to ``begun`` children; ``all_read`` says that no more items
    will be read. ``bytes`` is the size of all results so far. A tolerance that was not set is ``None``.
    """

    kind: ClassVar[str] = "map_run"
    arn: str
    execution_arn: str
    machine_arn: str
    created_at: float
    status: Status = Status.RUNNING
    stopped_at: float | None = None
    max_concurrency: int = 0
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None
    items: Mapping[str, int] = field(default_factory=dict)
    executions: Mapping[str, int] = field(default_factory=dict)
    redrive_count: int = 0
    redriven_at: float | None = None
    state: str = ""
    label: str = ""
    express: bool = False
    revision: str = ""
    effect: int = 0
    taken: int = 0
    begun: int = 0
    all_read: bool = False
    bytes: int = 0
    error: str | None = None

    @property
    def key(self) -> str:
        return self.arn

    @property
    def parent(self) -> str:
        return self.execution_arn


Document = Revision | StateMachine | Version | Alias | Activity | MapRun


@dataclass(frozen=True, slots=True)
class Origin:
    """The execution from which one was started again, and the state. ``data`` is the state's input and ``variables``
    an object, both JSON text; ``event`` is the event by which the other execution entered the state.
    """

    execution: str
    event: int
    state: str
    data: str
    variables: str


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution, from start to end. ``input`` and ``output`` are JSON texts; the input is as it was given."""

    arn: str
    name: str
    machine_arn: str
    revision: str
    type: MachineType
    started_at: float
    input: str
    seed: str
    status: Status = Status.RUNNING
    stopped_at: float | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    version_arn: str | None = None
    alias_arn: str | None = None
    trace_header: str | None = None
    map_run_arn: str | None = None
    item_count: int | None = None
    redrive_count: int = 0
    redriven_at: float | None = None
    redrive_tokens: tuple[tuple[str, float], ...] = ()
    """The last client tokens it was redriven with, and when."""
    events: int = 0
    """The number of history events it ended with; 0 while it runs."""
    test_case: str | None = None
    """The mock test case it was started with."""
    parent_arn: str | None = None
    """The execution whose Task or Map Run started it."""
    origin: Origin | None = None
    """Set if it did not begin at StartAt."""
