"""A second driver of runs, beside ``engine.driver``. It has no clock and no tasks, but a pick wherever the world could
differ.

It carries a run to its end. Every attempt of a Task is answered with one of its possible outcomes, timers fire when
nothing else can happen, and the effects on the world are noted in the ledger. Executions that a run starts and waits
for, and the children of a Distributed Map, are runs of their own. Each is carried to its end by a driver of its own.
"""

from collections.abc import Sequence
from dataclasses import replace

from sfn_emulator.asl.resource import Family, Pattern
from sfn_emulator.engine.ports import (
    Cancel,
    Fired,
    MapRunStarted,
    SetTimer,
    Signal,
    StartMapRun,
    StartTask,
    TaskBegun,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
)
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.engine.states.recovery import HEARTBEAT_TIMEOUT
from sfn_emulator.engine.strand import Program, Strand
from sfn_emulator.prove.claims import Claims
from sfn_emulator.prove.nested import is_synchronous
from sfn_emulator.prove.walk import rules
from sfn_emulator.prove.walk.frame import Frame, Ways, Where, places_of, region_of, within
from sfn_emulator.prove.walk.map_runs import carried_out
from sfn_emulator.prove.walk.moment import EndlessError, Moment
from sfn_emulator.prove.walk.outcomes import OUTLASTED, TIMED_OUT, Outcome
from sfn_emulator.prove.walk.unknown.expressions import Mind
from sfn_emulator.prove.walk.unknown.values import unknown
from sfn_emulator.values import Unset, Value, dumps


class WalkDriver:
    """Carries ``run``; its place is ``frame``."""

    def __init__(
        self, run: Run, moment: Moment, mind: Mind, claims: Claims, ways: Ways, frame: Frame | None = None
    ) -> None:
        self.run = run
        self.moment = moment
        self._mind = mind
        self._claims = claims
        self._ways = ways
        self._frame = frame or Frame()
        self._zero = run.identity.started_at if self._frame.zero is None else self._frame.zero
        self._queue: list[StartTask] = []
        self._lagging: list[StartTask] = []
        self._where: dict[int, Where] = {}
        self._map_runs: list[StartMapRun] = []
        self._timers: dict[int, float] = {}
        self._lasting: dict[str, Outcome] = {}
        self._doubtful: set[str] = set()

    def carry(self, began: float | None = None) -> None:
        """Carries the run to its end. Raises ``EndlessError``."""
        run = self.run
        run.start(run.identity.started_at if began is None else began)
        while True:
            if run.advance():
                raise EndlessError
            self._take()
            if run.crash is not None:
                raise run.crash
            if run.status is not Status.RUNNING or self.moment.outlasted:
                return
            if self._queue:
                self._take_turn(self._queue.pop(0))
            elif self._map_runs:
                self._carry_out(self._map_runs.pop(0))
            elif self._lagging:
                self._decide(self._lagging.pop())
            elif self._timers:
                self._fire(min(self._timers, key=lambda id_: (self._timers[id_], id_)))
            else:
                return

    def _take(self) -> None:
        for effect in self.run.take_effects():
            match effect:
                case StartTask():
                    self._begin(effect)
                case StartMapRun():
                    self._map_runs.append(effect)
                case SetTimer(id_, due):
                    self._timers[id_] = due
                case Cancel(id_):
                    self._timers.pop(id_, None)
                    self._abort(id_)

    # -- attempts

    def _take_turn(self, effect: StartTask) -> None:
        """Lets branches go on in turn. One of them may lag until the others can't go on, or fail."""
        strand, _ = self.run.awaiting[effect.id]
        if self._may_lag(strand) and self._mind.choices.pick((False, True)):
            self.moment.lagged = True
            self._lagging.append(effect)
        else:
            self._decide(effect)

    def _may_lag(self, strand: Strand | None) -> bool:
        """Whether a branch may lag. Items are alike, so the first one never does."""
        if strand is None or strand.parent is None or self.moment.lagged or not self._queue:
            return False
        return strand.index > 0 or self._frame.prefix + strand.parent.state not in self._ways.maps

    def _begin(self, effect: StartTask) -> None:
        task, moment = self._name(effect), self.moment
        self._queue.append(effect)
        where = self._where[effect.id] = self._located(effect)
        elapsed = self.run.at - self._zero
        if effect.request.attempt == 0:
            self._lasting.pop(self._key(effect), None)
            self._doubtful.discard(self._key(effect))
            moment.hits += rules.begins(self._claims, task, moment.ledger, elapsed, inside=bool(where.region))
            if (where.again and where.key in moment.there) or task in moment.ledger.doubtful:
                moment.hits += rules.again(self._claims, task)
            steps = self._claims.undoes(task)
            if steps:
                moment.ledger = moment.ledger._replace(tried=moment.ledger.tried.union(steps))
        elif self._key(effect) in self._doubtful:
            moment.hits += rules.again(self._claims, task)

    def _abort(self, id_: int) -> None:
        """Aborts a Task because a sibling failed: a step may still be done, and a compensation may never be."""
        self._map_runs = [effect for effect in self._map_runs if effect.id != id_]
        for under_way in (self._queue, self._lagging):
            for effect in [effect for effect in under_way if effect.id == id_]:
                under_way.remove(effect)
                if not self._claims.undoes(self._name(effect)):
                    self._happened(effect, self._works_until(effect))

    def _decide(self, effect: StartTask) -> None:
        key = self._key(effect)
        outcome = self._lasting.get(key) or self._picked(key, self._ways.outcomes[self._name(effect)])
        ended = None
        if outcome.happened and self._name(effect) in self._ways.nested:
            outcome, ended = self._nested_end(effect, outcome)
        if outcome.error is None:
            self._answer(effect, ended)
        elif outcome.error == OUTLASTED:
            self._outlast(effect)
        elif outcome.error in TIMED_OUT:
            self._time_out(effect, outcome)
        else:
            self._settle(effect, outcome)
            cause = dumps({"errorType": outcome.error, "errorMessage": f"{outcome}, as prove has it"})
            self._tell(TaskFailed(effect.id, outcome.error, cause))

    def _picked(self, key: str, options: Sequence[Outcome]) -> Outcome:
        """Picks an outcome that the remaining faults allow, and notes it for the story."""
        moment = self.moment
        outcome = self._mind.choices.pick([option for option in options if option.cost <= moment.faults])
        moment.faults -= outcome.cost
        moment.deeds.append((key.partition("[")[0], outcome))
        if outcome.lasting:
            self._lasting[key] = outcome
        return outcome

    def _answer(self, effect: StartTask, ended: Run | None) -> None:
        resource, name = effect.request.resource, self._key(effect)
        moment = self.moment
        moment.ledger = moment.ledger.over(self._name(effect))
        self._happened(effect, 0.0)
        self._recorded(self._name(effect))
        if resource.family is Family.ACTIVITY:
            self._tell(TaskBegun(effect.id))
        elif resource.family is Family.SERVICE and resource.pattern is not Pattern.REQUEST_RESPONSE:
            self._tell(TaskSubmitted(effect.id, {}))
        self._mind.facts.forget(name)
        told = {} if ended is None else _described(ended, effect)
        self._tell(TaskSucceeded(effect.id, {**unknown(name), **told}))

    def _time_out(self, effect: StartTask, outcome: Outcome) -> None:
        strand, _ = self.run.awaiting[effect.id]
        own = [id_ for id_, (owner, _) in self.run.awaiting.items() if owner is strand and id_ in self._timers]
        rings_first = min if outcome.error == HEARTBEAT_TIMEOUT else max  # a heartbeat's is the shorter one
        timer = rings_first(own, key=lambda id_: (self._timers[id_], id_))
        until, due = self._works_until(effect), self._timers[timer] - self._zero
        self._settle(effect, outcome, until if until > due else 0.0)
        self._fire(timer)

    def _outlast(self, effect: StartTask) -> None:
        """Ends the execution by its time-out: effects of work under way may have happened."""
        self.moment.outlasted = True
        for under_way in (effect, *self._queue, *self._lagging):
            if not self._claims.undoes(self._name(under_way)):
                self._happened(under_way, 0.0)

    def _works_until(self, effect: StartTask) -> float:
        """Seconds from the run's beginning to the end of the work, whatever the attempt's outcome."""
        return self.run.at - self._zero + self._claims.longest(self._name(effect))

    def _settle(self, effect: StartTask, outcome: Outcome, until: float = 0.0) -> None:
        """Notes the effects that a failed attempt had, and those that may still come."""
        task, moment = self._name(effect), self.moment
        if outcome.happened:
            self._happened(effect, until)
            if not outcome.refused:
                self._doubtful.add(self._key(effect))
                if task in self._ways.circling and not self._where[effect.id].region:
                    moment.ledger = moment.ledger._replace(doubtful=moment.ledger.doubtful | {task})
        else:
            moment.ledger = moment.ledger.missed(task)
            if self._claims.undoes(task) and not outcome.retried:
                moment.ledger = moment.ledger._replace(unrecorded=moment.ledger.unrecorded | {task})
        if not outcome.guarded:
            moment.hits += rules.unguarded(self._claims, task, outcome.error or "")

    def _happened(self, effect: StartTask, until: float) -> None:
        """``until``: its work may go on so long after the run's beginning."""
        task, moment = self._name(effect), self.moment
        if task in self._claims.reads or not self._counts(task):
            return
        steps, where = self._claims.undoes(task), self._where[effect.id]
        if steps:
            moment.ledger = moment.ledger.reverted(steps, where.items)
            moment.there = {key: done for key, done in moment.there.items() if done not in steps}
            return
        moment.there[where.key] = task
        moment.ledger = moment.ledger.happened(task, where.region, where.items)
        if until:
            moment.ledger = moment.ledger.lasts(task, until)

    def _recorded(self, task: str) -> None:
        """Notes a Task that is no step and no compensation and not only reads: it may record what failed."""
        ledger, claims = self.moment.ledger, self._claims
        known = task in claims.undo or task in claims.reads or claims.undoes(task)
        if ledger.unrecorded and not known:
            self.moment.ledger = ledger._replace(unrecorded=frozenset())

    # -- runs within the run

    def _inside(self, program: Program, given: Value, frame: Frame) -> Run:
        """Carries a nested run to its end, from the present moment on."""
        moment, outside = self.moment, self.moment.inside
        run = Run(program, self.run.identity, given, dumps(given))
        moment.runs += 1
        moment.inside = moment.runs
        WalkDriver(run, moment, self._mind, self._claims, self._ways, frame).carry(self.run.at)
        moment.inside = outside
        return run

    def _nested_end(self, effect: StartTask, outcome: Outcome) -> tuple[Outcome, Run]:
        """The end of the execution that the Task starts, and the Task's own outcome."""
        name, deeds = self._name(effect), self.moment.deeds
        picked = len(deeds)
        asked = effect.request.input
        given = asked.get("Input", {}) if isinstance(asked, dict) else {}
        where = self._where[effect.id]
        place = where.key.removeprefix(name)
        frame = Frame(f"{name}/", place, where.region, self._zero, where.items, where.again)
        ended = self._inside(self._ways.nested[name], given, frame)
        if deeds[picked - 1 : picked] == [(name, outcome)]:
            del deeds[picked - 1]  # noted after the events inside
        outcome = self._as_it_ended(effect, outcome, ended)
        deeds.append((name, outcome))
        return outcome, ended

    def _as_it_ended(self, effect: StartTask, outcome: Outcome, ended: Run) -> Outcome:
        """Counts effects inside that the claims do not name as the Task's own, if the claims name the Task."""
        name, ledger, known = self._name(effect), self.moment.ledger, self._claims.undo
        inside = [one for one in ledger.standing if one.task.startswith(f"{name}/") and one.task not in known]
        if self._counts(name):
            self.moment.ledger = ledger._replace(standing=tuple(one for one in ledger.standing if one not in inside))
        if ended.status is Status.SUCCEEDED or outcome.error is not None or is_synchronous(effect.request.resource):
            return outcome
        return replace(self._ways.failing[name], happened=bool(inside))

    def _counts(self, task: str) -> bool:
        """Whether the Task has an effect of its own. If its machine is walked, only if the claims name the Task."""
        claims = self._claims
        return task not in self._ways.nested or task in claims.undo or bool(claims.undoes(task))

    def _carry_out(self, effect: StartMapRun) -> None:
        strand, _ = self.run.awaiting[effect.id]
        assert strand is not None
        name = f"{self._frame.prefix}{effect.spec.state}"
        place, items = self._frame.place + places_of(strand), self._items(strand)
        region = self._frame.region or region_of(strand) or name
        again = self._is_retried(strand) or bool(strand.retries)

        def child(index: int, given: Value) -> Run:
            frame = Frame(self._frame.prefix, f"{place}[{index}]", region, self._zero, f"{items}[{index}]", again)
            return self._inside(effect.spec.program, given, frame)

        def failing(part: str, options: Sequence[Outcome]) -> str | None:
            key = f"{name}{part}{place}"
            if not strand.retries:
                self._lasting.pop(key, None)
            return (self._lasting.get(key) or self._picked(key, options)).error

        self._tell(MapRunStarted(effect.id, f"{self.run.identity.machine_arn}/{name}"))
        self._tell(carried_out(effect, self._mind.choices, child, failing))

    # -- signals

    def _fire(self, timer: int) -> None:
        due = self._timers.pop(timer)
        self.run.deliver(Fired(timer), max(due, self.run.at))

    def _tell(self, signal: Signal) -> None:
        self.run.deliver(signal, self.run.at)

    def _name(self, effect: StartTask) -> str:
        return self._frame.prefix + effect.request.state

    def _key(self, effect: StartTask) -> str:
        """The visit's name: the Task's own, with the index of each iteration and branch it is in."""
        return self._where[effect.id].key

    def _located(self, effect: StartTask) -> Where:
        strand, _ = self.run.awaiting[effect.id]
        key = self._name(effect) + self._frame.place + places_of(strand)
        region = self._frame.region or region_of(strand)
        return Where(key, region, self._items(strand), self._is_retried(strand))

    def _items(self, strand: Strand | None) -> str:
        maps, prefix = self._ways.maps, self._frame.prefix
        around = reversed([one for one in within(strand) if one.parent and prefix + one.parent.state in maps])
        return self._frame.items + "".join(f"[{one.index}]" for one in around)

    def _is_retried(self, strand: Strand | None) -> bool:
        """Whether a Parallel or Map around it is retried, and with it everything inside."""
        return self._frame.again or any(one.parent is not None and one.parent.retries for one in within(strand))


def _described(ended: Run, effect: StartTask) -> dict[str, Value]:
    """The known part of the answer: the status, and the output if it comes as JSON."""
    told: dict[str, Value] = {"Status": ended.status.value}
    if effect.request.resource.pattern is Pattern.SYNC_2 and not isinstance(ended.output, Unset):
        told["Output"] = ended.output
    return told
