"""One trial of an execution: it is started, faults are injected, and claims are checked at every step and at the
end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sfn_emulator.asl.resource import Resource
from sfn_emulator.engine.events import Event
from sfn_emulator.engine.ports import TaskFailed, TaskSucceeded
from sfn_emulator.engine.strand import Program
from sfn_emulator.prove.faults import Fault, Placement
from sfn_emulator.prove.invariants import Invariants, broken, held
from sfn_emulator.prove.world.calls import Call, Calls, Director
from sfn_emulator.prove.world.hosting import Hosted
from sfn_emulator.prove.world.tables import Tables
from sfn_emulator.prove.world.world import MOST_STEPS, World
from sfn_emulator.values import Unset, Value

ENDLESS = "the execution did not end"


@dataclass
class Told:
    """The ``execution`` that claims get. ``states`` are those it entered, in order."""

    input: Value
    name: str
    faults: Placement = ()
    status: str = "RUNNING"
    output: Value = None
    error: str | None = None
    cause: str | None = None
    states: tuple[str, ...] = ()
    events: Sequence[Event] = field(default=(), repr=False)
    calls: tuple[str, ...] = ()

    def visited(self, state: str) -> bool:
        return state in self.states

    def failed(self, state: str) -> bool:
        """Whether the state was left by a Catcher, so that its output came from an error."""
        return state in self.caught

    @property
    def caught(self) -> frozenset[str]:
        """States whose last attempt failed before they were left."""
        found, failing = set(), False
        for event in self.events:
            if event.type.endswith(("Failed", "TimedOut")) and not event.type.startswith("Execution"):
                failing = True
            elif event.type.endswith(("Succeeded", "StateEntered")):
                failing = False
            elif event.type == "TaskStateExited" and failing:
                found.add(event.detail.name)
        return frozenset(found)


@dataclass(frozen=True)
class Step:
    """One call, for the story: what was injected, how it ended, the tables after it."""

    task: str
    resource: Resource
    fault: Fault | None
    ended: str
    tables: Tables


@dataclass
class Tried:
    """``broken``: claims that did not hold, with why, each the first time; ``sometimes``: those that did.

    ``raised``: ``sometimes`` claims that could not be asked, with why.
    """

    execution: Told
    before: Tables
    after: Tables
    broken: dict[str, str]
    sometimes: tuple[str, ...]
    raised: dict[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    deaths: int = 0

    @property
    def placement(self) -> Placement:
        return self.execution.faults


class Trial:
    """``keep`` keeps the steps, which costs a look at the tables for each."""

    def __init__(
        self,
        world: World,
        program: Program,
        given: Value,
        director: Director,
        invariants: Invariants,
        *,
        undo: Mapping[str, str],
        answers: Mapping[str, Value],
        longest: Callable[[str], float],
        name: str = "prove",
        keep: bool = False,
    ) -> None:
        self.world = world
        self.told = Told(given, name)
        self.hosted: Hosted = world.execution(program, given, name)
        self.calls = Calls(
            world.tasks,
            director,
            dict(undo),
            die=self.hosted.die,
            ended=self._stepped,
            answers=answers,
            longest=longest,
            at=world.after,
        )
        self.hosted.tasks = self.calls
        self._invariants = invariants
        self._keep = keep
        self._broken: dict[str, str] = {}
        self._steps: list[Step] = []
        self._before: Tables = {}
        self._now: Tables = {}

    def run(self) -> Tried:
        """Runs the trial in the present world. Call ``World.enter`` first."""
        self._before = self._now = self.world.tables()
        self.hosted.start()
        for _ in range(MOST_STEPS):
            self.world.settle()
            if self.hosted.is_over:
                break
            if not self.hosted.revive() and not self.world.advance():
                break
        self.calls.finish()
        self.world.settle()
        return self._told()

    def _stepped(self, call: Call) -> None:
        if not self._invariants.always and not self._keep:
            return
        self._now = self.world.tables()
        self._look()
        self._ask_always()
        if self._keep:
            self._steps.append(Step(call.task, call.resource, call.fault, _words(call), self._now))

    def _ask_always(self) -> None:
        self._ask(self._invariants.always, now=self._now)

    def _told(self) -> Tried:
        after = self._now = self.world.tables()
        self._look()
        if not self.hosted.is_over:
            self._broken[ENDLESS] = f"it is {self.told.status}, and nothing that is to come ends it"
        self._ask_always()
        self._ask(self._invariants.at_the_end, now=after, after=after)
        asked = self._given(now=after, after=after)
        answers = {name: held(claim, **asked) for name, claim in self._invariants.sometimes.items()}
        sometimes = tuple(name for name, answer in answers.items() if answer is True)
        raised = {name: answer for name, answer in answers.items() if isinstance(answer, str)}
        steps, deaths = tuple(self._steps), self.hosted.deaths
        return Tried(self.told, self._before, after, self._broken, sometimes, raised, steps, deaths)

    def _look(self) -> None:
        """The execution as far as it has come."""
        run, told = self.hosted.run, self.told
        told.status, told.error, told.cause = run.status.value, run.error, run.cause
        told.output = None if isinstance(run.output, Unset) else run.output
        told.events = run.events
        told.states = tuple(event.detail.name for event in run.events if event.type.endswith("StateEntered"))
        told.calls = tuple(call.task for call in self.calls.calls)
        told.faults = tuple(dict.fromkeys(call.fault for call in self.calls.calls if call.fault is not None))

    def _given(self, **more: Any) -> dict[str, Any]:
        return {"before": self._before, "execution": self.told, "faults": self.told.faults, **more}

    def _ask(self, claims: Mapping[str, Any], **more: Any) -> None:
        for name, claim in claims.items():
            if name not in self._broken:
                why = broken(claim, **self._given(**more))
                if why is not None:
                    self._broken[name] = why


def _words(call: Call) -> str:
    if call.again:
        return "delivered again, late"
    match call.told:
        case TaskSucceeded():
            return "answered"
        case TaskFailed(error=error):
            return f"failed with {error}"
    return "no answer"
