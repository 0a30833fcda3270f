"""One more driver of runs, beside ``engine.driver``: no clock and no tasks, but a pick wherever the world could differ.

It carries a run to its end: every attempt of a Task is answered with one of the outcomes it can have, timers fire when
nothing else can happen, and the ledger is kept of what that did to the world.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sfn_emulator.asl.resource import Family, Pattern
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.ports import (
    Cancel,
    Fired,
    SetTimer,
    Signal,
    StartTask,
    TaskBegun,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
)
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.engine.strand import Strand
from sfn_emulator.errors import TIMEOUT, EvaluationError, StateError
from sfn_emulator.prove.claims import Claims
from sfn_emulator.prove.walk import rules
from sfn_emulator.prove.walk.expressions import Mind
from sfn_emulator.prove.walk.ledger import Ledger
from sfn_emulator.prove.walk.outcomes import Outcome
from sfn_emulator.prove.walk.rules import Hit
from sfn_emulator.prove.walk.unknown import unknown
from sfn_emulator.values import dumps

MOST_VISITS: Final = 12
"""How often one state inside a Parallel or Map is entered in one go, before the walk gives that way up."""


class EndlessError(Exception):
    """A branch goes round and round."""


@dataclass
class Moment(Instrument):
    """What happens in one run of the driver. ``deeds`` are the outcomes picked, each with its Task, for the story."""

    ledger: Ledger
    faults: int
    began: float = 0.0
    hits: list[Hit] = field(default_factory=list)
    deeds: list[tuple[str, Outcome]] = field(default_factory=list)
    visits: dict[tuple[str, int], int] = field(default_factory=dict)
    broken: tuple[str, str] | None = None
    """The state whose expression could not be evaluated, and the message."""


class Watch(Instrument):
    """The instrument the walked program is compiled with; hands on to the present moment."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self.moment = Moment(Ledger(), 0)
        self.entered_states: set[str] = set()

    def entered(self, strand: Strand) -> None:
        self.entered_states.add(strand.state)
        if strand.parent is None:
            return
        visits = self.moment.visits
        key = (strand.state, strand.index)
        visits[key] = visits.get(key, 0) + 1
        if visits[key] > MOST_VISITS:
            raise EndlessError

    def failed(self, strand: Strand, error: StateError | EvaluationError) -> None:
        if isinstance(error, EvaluationError):
            self.moment.broken = (strand.state, error.message)
            self.moment.hits += rules.never_written(self._claims, strand.state, error.message)


class WalkDriver:
    """Carries ``run``. ``outcomes`` are those of every Task."""

    def __init__(
        self,
        run: Run,
        moment: Moment,
        mind: Mind,
        claims: Claims,
        outcomes: Mapping[str, Sequence[Outcome]],
    ) -> None:
        self.run = run
        self.moment = moment
        self._mind = mind
        self._claims = claims
        self._outcomes = outcomes
        self._queue: list[StartTask] = []
        self._timers: dict[int, float] = {}
        self._lasting: dict[str, Outcome] = {}
        self._doubtful: set[str] = set()

    def carry(self) -> None:
        """To the end. Raises ``EndlessError``."""
        run = self.run
        run.start(run.identity.started_at)
        while True:
            if run.advance():
                raise EndlessError
            self._take()
            if run.crash is not None:
                raise run.crash
            if run.status is not Status.RUNNING:
                return
            if self._queue:
                self._decide(self._queue.pop(0))
            elif self._timers:
                self._fire(min(self._timers, key=lambda id_: (self._timers[id_], id_)))
            else:
                return

    def _take(self) -> None:
        for effect in self.run.take_effects():
            match effect:
                case StartTask():
                    self._begin(effect)
                case SetTimer(id_, due):
                    self._timers[id_] = due
                case Cancel(id_):
                    self._timers.pop(id_, None)
                    self._abort(id_)

    # -- attempts

    def _begin(self, effect: StartTask) -> None:
        task, moment = effect.request.state, self.moment
        self._queue.append(effect)
        elapsed = self.run.at - self.run.identity.started_at
        if effect.request.attempt == 0:
            self._lasting.pop(self._key(effect), None)
            self._doubtful.discard(self._key(effect))
            strand, _ = self.run.awaiting[effect.id]
            inside = strand is not None and strand.parent is not None
            moment.hits += rules.begins(self._claims, task, moment.ledger, elapsed, inside=inside)
            steps = self._claims.undoes(task)
            if steps:
                moment.ledger = moment.ledger._replace(tried=moment.ledger.tried.union(steps))
        elif self._key(effect) in self._doubtful:
            moment.hits += rules.again(self._claims, task)

    def _abort(self, id_: int) -> None:
        """A sibling failed while this was under way: its effect may come yet."""
        for effect in [effect for effect in self._queue if effect.id == id_]:
            self._queue.remove(effect)
            if self.run.status is Status.RUNNING:
                self._happened(effect, self._works_until(effect))

    def _decide(self, effect: StartTask) -> None:
        task, moment, key = effect.request.state, self.moment, self._key(effect)
        outcome = self._lasting.get(key)
        if outcome is None:
            options = [option for option in self._outcomes[task] if option.cost <= moment.faults]
            outcome = self._mind.choices.pick(options)
            moment.faults -= outcome.cost
            moment.deeds.append((task, outcome))
            if outcome.lasting:
                self._lasting[key] = outcome
        if outcome.error is None:
            self._answer(effect)
        elif outcome.error == TIMEOUT:
            self._time_out(effect, outcome)
        else:
            self._settle(effect, outcome)
            cause = dumps({"errorType": outcome.error, "errorMessage": f"{outcome}, as prove has it"})
            self._tell(TaskFailed(effect.id, outcome.error, cause))

    def _answer(self, effect: StartTask) -> None:
        resource, name = effect.request.resource, self._key(effect)
        moment = self.moment
        moment.ledger = moment.ledger.over(effect.request.state)
        self._happened(effect, 0.0)
        self._recorded(effect.request.state)
        if resource.family is Family.ACTIVITY:
            self._tell(TaskBegun(effect.id))
        elif resource.family is Family.SERVICE and resource.pattern is not Pattern.REQUEST_RESPONSE:
            self._tell(TaskSubmitted(effect.id, {}))
        self._mind.facts.forget(name)
        self._tell(TaskSucceeded(effect.id, unknown(name)))

    def _time_out(self, effect: StartTask, outcome: Outcome) -> None:
        strand, _ = self.run.awaiting[effect.id]
        own = [id_ for id_, (owner, _) in self.run.awaiting.items() if owner is strand and id_ in self._timers]
        timer = min(own, key=lambda id_: (self._timers[id_], id_))
        until, due = self._works_until(effect), self._timers[timer] - self.run.identity.started_at
        self._settle(effect, outcome, until if until > due else 0.0)
        self._fire(timer)

    def _works_until(self, effect: StartTask) -> float:
        """Seconds after the run's beginning at which the work is over, whatever becomes of the attempt."""
        return self.run.at - self.run.identity.started_at + self._claims.longest(effect.request.state)

    def _settle(self, effect: StartTask, outcome: Outcome, until: float = 0.0) -> None:
        """What a failed attempt has done, and may yet do."""
        task, moment = effect.request.state, self.moment
        if outcome.happened:
            self._happened(effect, until)
            if not outcome.refused:
                self._doubtful.add(self._key(effect))
        else:
            moment.ledger = moment.ledger.missed(task)
            if self._claims.undoes(task) and not outcome.retried:
                moment.ledger = moment.ledger._replace(unrecorded=moment.ledger.unrecorded | {task})
        if not outcome.guarded:
            moment.hits += rules.unguarded(self._claims, task, outcome.error or "")

    def _happened(self, effect: StartTask, until: float) -> None:
        """``until``: its work may go on so long after the run's beginning."""
        task, moment = effect.request.state, self.moment
        if task in self._claims.reads:
            return
        steps = self._claims.undoes(task)
        if steps:
            moment.ledger = moment.ledger.reverted(steps)
            return
        strand, _ = self.run.awaiting.get(effect.id, (None, effect))
        region = _region(strand)
        moment.ledger = moment.ledger.happened(task, region)
        if until:
            moment.ledger = moment.ledger.lasts(task, until)

    def _recorded(self, task: str) -> None:
        """A Task that is neither a step nor a compensation, nor only reads: it may write down what failed."""
        ledger, claims = self.moment.ledger, self._claims
        known = task in claims.undo or task in claims.reads or claims.undoes(task)
        if ledger.unrecorded and not known:
            self.moment.ledger = ledger._replace(unrecorded=frozenset())

    # -- signals

    def _fire(self, timer: int) -> None:
        due = self._timers.pop(timer)
        self.run.deliver(Fired(timer), max(due, self.run.at))

    def _tell(self, signal: Signal) -> None:
        self.run.deliver(signal, self.run.at)

    def _key(self, effect: StartTask) -> str:
        """The visit's name: the Task's own, with the index of each iteration and branch it is in."""
        strand, _ = self.run.awaiting[effect.id]
        places = ""
        while strand is not None and strand.parent is not None:
            places = f"[{strand.index}]{places}"
            strand = strand.parent
        return effect.request.state + places


def _region(strand: Strand | None) -> str:
    while strand is not None and strand.parent is not None:
        if strand.parent.parent is None:
            return strand.parent.state
        strand = strand.parent
    return ""
