"""Running a state machine in process and in virtual time: years of waiting in milliseconds.

    execution = run_locally(definition, {"n": 1}, tasks={"Charge": lambda order: {"paid": True}})
    assert execution.status == "SUCCEEDED" and execution.output == {"paid": True}

``tasks`` says who does a Task's work, by the state's name or its Resource. A callable is called with the task's input,
and may raise ``TaskError``. A list scripts one answer per attempt, the last one again and again:

    {"return": VALUE}                              succeeds
    {"throw": "Error", "cause": "why"}             fails; "stage" picks the event (Failed, TimedOut, SubmitFailed, ...)
    {"submit": VALUE, ...}                         reports TaskSubmitted first
    {"worker": "name", ...}                        an activity worker takes it first
    {"heartbeats": [SECONDS, ...], ...}            heartbeats, this long after the start
    {"never": true}                                does not answer
    {..., "after": SECONDS}                        answers this much later
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sfn_emulator.asl.model import Machine, MachineType
from sfn_emulator.asl.parse import load
from sfn_emulator.asl.resource import Family, Pattern, Resource
from sfn_emulator.engine.clock import EPOCH, VirtualClock
from sfn_emulator.engine.driver import Driver
from sfn_emulator.engine.events import Event
from sfn_emulator.engine.local.map_runs import LocalMapRuns
from sfn_emulator.engine.ports import (
    Identity,
    Signal,
    StartTask,
    TaskBegun,
    TaskFailed,
    TaskHeartbeat,
    TaskSubmitted,
    TaskSucceeded,
    Tell,
    Timer,
    Work,
)
from sfn_emulator.engine.program import compile
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.engine.strand import Program
from sfn_emulator.errors import RUNTIME
from sfn_emulator.values import Unset, Value, dumps, loads

Definition: TypeAlias = Program | Machine | Mapping[str, Value] | str
"""A state machine: compiled, parsed, as an object, or as JSON text."""

Answer: TypeAlias = Mapping[str, Value]
Worker: TypeAlias = Callable[[Value], Value] | Sequence[Answer]

TRANSITIONS_LIMIT: Final = 200_000
"""State transitions without any waiting after which an execution counts as timed out: it would never end.

An answer that comes at once counts as two.
"""


class TaskError(Exception):
    """Raised by a task's callable to fail with an error name and a cause."""

    def __init__(self, error: str, cause: str | None = None) -> None:
        self.error = error
        self.cause = cause
        super().__init__(f"{error}: {cause}")


class _Work:
    """Calls that are due; cancelling forgets them."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def cancel(self) -> None:
        for timer in self.timers:
            timer.cancel()


class LocalTasks:
    """The ``Tasks`` port over callables and scripts, by state name or resource."""

    def __init__(self, workers: Mapping[str, Worker], clock: VirtualClock) -> None:
        self._workers = workers
        self._clock = clock
        self._attempts: dict[str, int] = {}
        self.started: list[StartTask] = []

    def supports(self, resource: Resource) -> str | None:
        return None

    def start(self, effect: StartTask, tell: Tell) -> Work:
        self.started.append(effect)
        request = effect.request
        name = next((key for key in (request.state, request.resource.arn) if key in self._workers), None)
        work = _Work()
        if name is None:
            if request.resource.pattern is Pattern.REQUEST_RESPONSE and request.resource.family is not Family.ACTIVITY:
                given = ", ".join(self._workers) or "none"
                text = f"No task was given for '{request.state}' (given: {given})."
                tell(TaskFailed(effect.id, RUNTIME, text, "Runtime"))  # no Catcher takes this for a failure of the task
            return work
        worker = self._workers[name]
        if callable(worker):
            tell(_called(worker, effect))
        else:
            self._scripted(self._next(name, worker), effect, tell, work)
        return work

    def _next(self, name: str, answers: Sequence[Answer]) -> Answer:
        attempt = self._attempts.get(name, 0)
        self._attempts[name] = attempt + 1
        return answers[min(attempt, len(answers) - 1)]

    def _scripted(self, answer: Answer, effect: StartTask, tell: Tell, work: _Work) -> None:
        id_ = effect.id
        if "worker" in answer:
            tell(TaskBegun(id_, answer["worker"]))
        if "submit" in answer:
            tell(TaskSubmitted(id_, answer["submit"]))
        for seconds in answer.get("heartbeats", ()):
            self._after(seconds, TaskHeartbeat(id_), tell, work)
        if not answer.get("never"):
            self._after(answer.get("after", 0), _end(answer, id_), tell, work)

    def _after(self, seconds: float, signal: Signal, tell: Tell, work: _Work) -> None:
        if seconds:
            work.timers.append(self._clock.call_at(self._clock.now() + seconds, lambda: tell(signal)))
        else:
            tell(signal)


def _end(answer: Answer, id_: int) -> Signal:
    if "throw" in answer:
        return TaskFailed(id_, answer["throw"], answer.get("cause"), answer.get("stage", "Failed"))
    return TaskSucceeded(id_, answer.get("return"))


def _called(worker: Callable[[Value], Value], effect: StartTask) -> Signal:
    try:
        return TaskSucceeded(effect.id, worker(effect.request.input))
    except TaskError as error:
        return TaskFailed(effect.id, error.error, error.cause)
    except Exception as error:
        cause = dumps({"errorMessage": str(error), "errorType": type(error).__name__})
        return TaskFailed(effect.id, type(error).__name__, cause)


class Execution:
    """An execution under way, or ended, in virtual time."""

    def __init__(
        self,
        program: Program,
        given: Value,
        text: str,
        *,
        identity: Identity,
        tasks: "Mapping[str, Worker] | LocalTasks",
        clock: VirtualClock,
    ) -> None:
        self.clock = clock
        self.tasks = tasks if isinstance(tasks, LocalTasks) else LocalTasks(tasks, clock)
        self.run = Run(program, identity, given, text)
        self._transitions = 0
        self._present = clock.now()
        maps = LocalMapRuns(self.tasks, clock)
        self.driver = Driver(self.run, clock, self.tasks, maps, host=self)

    # -- the outcome

    @property
    def status(self) -> Status:
        return self.run.status

    @property
    def output(self) -> Value:
        """The output; ``None`` until it has succeeded."""
        return None if isinstance(self.run.output, Unset) else self.run.output

    @property
    def error(self) -> str | None:
        return self.run.error

    @property
    def cause(self) -> str | None:
        return self.run.cause

    @property
    def events(self) -> list[Event]:
        return self.run.events

    # -- driving it

    def start(self) -> "Execution":
        self.driver.start()
        return self

    def advance(self, seconds: float) -> None:
        """Lets virtual time pass."""
        self.clock.advance(seconds)

    def finish(self) -> "Execution":
        """Lets time pass until the execution ends, or until it waits for something other than time."""
        while self.status is Status.RUNNING and self.clock.advance_to_next():
            pass
        if self.run.crash is not None:
            raise self.run.crash
        return self

    def tell(self, state: str, signal: Callable[[int], Signal]) -> None:
        """Answers the last attempt of a state: ``execution.tell("Ask", lambda id: TaskSucceeded(id, "yes"))``."""
        effect = next(effect for effect in reversed(self.tasks.started) if effect.request.state == state)
        self.driver.tell(signal(effect.id))

    # -- as its own host

    def record(self, signal: Signal, at: float) -> None:
        if at > self._present:
            self._present, self._transitions = at, 0
        self._count(2)

    def commit(self, then: Callable[[], None]) -> None:
        then()

    def later(self, then: Callable[[], None]) -> None:
        self._count(self.driver.budget)
        then()

    def _count(self, transitions: int) -> None:
        self._transitions += transitions
        if self._transitions >= TRANSITIONS_LIMIT:
            self.run.expire(self.clock.now())

    def passed(self) -> None: ...
    def caught_up(self, then: Callable[[], None]) -> None:
        then()


def identity(name: str = "local", *, at: float = EPOCH, express: bool = False) -> Identity:
    """An identity for an execution outside of any service."""
    place = "arn:aws:states:us-east-1:123456789012"
    kind = "express" if express else "execution"
    return Identity(
        execution_arn=f"{place}:{kind}:Local:{name}",
        execution_name=name,
        machine_arn=f"{place}:stateMachine:Local",
        machine_name="Local",
        role_arn="arn:aws:iam::123456789012:role/Local",
        started_at=at,
        seed=name,
        express=express,
    )


def program_of(definition: Definition, *, express: bool = False) -> Program:
    """The program of a definition; raises ``DefinitionError`` with all its problems."""
    if isinstance(definition, Program):
        return definition
    if isinstance(definition, Machine):
        return compile(definition)
    text = definition if isinstance(definition, str) else dumps(dict(definition))
    return compile(load(text, MachineType.EXPRESS if express else MachineType.STANDARD))


def start_locally(
    definition: Definition,
    given: Value = None,
    *,
    text: str | None = None,
    tasks: Mapping[str, Worker] | None = None,
    start_at: float = EPOCH,
    name: str = "local",
    express: bool = False,
) -> Execution:
    """Starts an execution; ``advance`` and ``finish`` move its virtual clock. ``text`` is the input as JSON text.

    Raises ``DefinitionError`` with every problem of the definition.
    """
    value: Any = loads(text) if text is not None else ({} if given is None else given)
    return Execution(
        program_of(definition, express=express),
        value,
        dumps(value) if text is None else text,
        identity=identity(name, at=start_at, express=express),
        tasks=tasks or {},
        clock=VirtualClock(start_at),
    ).start()


def run_locally(definition: Definition, given: Value = None, **options: Any) -> Execution:
    """Starts an execution and lets it come to its end; options are those of ``start_locally``."""
    return start_locally(definition, given, **options).finish()
