"""A run: one execution as a sans-I/O state machine. The theory of the whole engine stands here.

A **run** takes in what happened and gives out what it wants. It calls nothing, waits for nothing and asks no clock. It
gives out **effects** (``StartTask``, ``SetTimer``, ``StartMapRun``, ``Cancel``) and takes in **signals**
(``TaskSucceeded``, ``Fired``, …), each with the time at which it was seen. A *driver* carries effects out and brings
signals in: ``engine.driver`` with a real or a virtual clock, the service after a crash from stored signals, ``prove``
with every outcome that a Task can have.

              signal, at                              effects
    driver ───────────────▶  Run.deliver … advance  ───────────▶ driver
                                    │
                                    ▼
                             events (the history)

Three rules, from which the rest follows:

1. **A run is a function of its signals.** The same program, identity and input, told the same signals at the same
   times, has the same events and the same effects, with the same ids. Chance, uuids and tokens are drawn from the
   identity's seed. So a run is stored as its start and its signals. A crashed one is run again until it has caught up
   (``ReplayMismatchError`` if it was another program). A failure that was found can be shown again.
2. **Everything happens in turns, and within a turn time stands still.** A turn is everything that follows one signal
   until nothing can go on. Its events all carry the time of the signal, unless its host lets time pass (``pass_to``).
   Within a turn the *strands* (the top level, a Parallel branch, a Map iteration) that are ready go on one after the
   other, in the order in which they became ready. So the order of events follows from the order of signals and needs no
   locks. A turn comes to its end, unless the whole run is to end: then it is given up (``engine.interruptions``).
3. **Every effect is awaited by one strand, and ends once.** It is in ``awaiting`` from ``issue`` until its last word
   comes (``TaskSucceeded``, ``TaskFailed``, ``Fired``, ``MapRunEnded``) or until it is settled, which hands out a
   ``Cancel``. A signal for an effect that is no longer awaited is too late, and ignored. So a time-out, a stopped
   sibling and a late answer need no case of their own.

A strand is in one of four conditions: ready (in ``ready``), waiting (some effect in ``awaiting`` is its own, or its
``region`` has open children), ended, or stopped with its place kept, from where a redrive runs it again.

``start``, ``deliver``, ``stop`` and ``redrive`` only queue what happened; ``advance`` lets it happen, one turn after
the other, until nothing can go on or the budget is spent. ``take_effects`` hands out the effects. To watch a run, give
an ``Instrument`` when the program is compiled (docs/decisions/0001, 0023).
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeAlias

from sfn_emulator.engine.events import Failure, Redriven, Started, Succeeded
from sfn_emulator.engine.interruptions import GivenUpError
from sfn_emulator.engine.ports import (
    ANSWERS,
    LAST_WORDS,
    Beginning,
    Cancel,
    Effect,
    Fired,
    Identity,
    Signal,
    StartTask,
    TaskAnswered,
    TaskBegun,
    TaskSubmitted,
)
from sfn_emulator.engine.record import HistoryFullError
from sfn_emulator.engine.states.recovery import state_error
from sfn_emulator.engine.strand import PAUSE, Ledger, Program, Strand, living
from sfn_emulator.errors import OWN_FAULT, RUNTIME, TIMEOUT, EvaluationError, OutOfMemoryError, StateError
from sfn_emulator.values import UNSET, Unset, Value

EXPRESS_TIMEOUT: Final = 300
"""Seconds an EXPRESS execution may take (Service quotas)."""

FULL: Final = "The execution reached the maximum number of history events (25000)."


class Status(StrEnum):
    """AWS's execution statuses. A run itself never waits for a redrive: only stored children of a Map Run do."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"


class ReplayMismatchError(Exception):
    """A signal answers an effect that this run did not issue: it was stored by another engine or another program."""


_Happening: TypeAlias = tuple[float, Callable[[Any], None], Any]


class Run(Ledger):
    """One execution of a program.

    ``events`` are its history so far, ``at`` the time of its present turn. ``output`` is UNSET until it has
    succeeded. ``crash`` is set when a state ended with an unexpected exception: a bug here, which fails the execution
    with States.Runtime. ``exhausted`` says that it held too much. ``midway``: a turn is under way (``aside_at`` is for
    whoever set it aside); ``is_ending``: it is being given up. ``retold`` counts queued signals that it gets again.
    """

    __slots__ = (
        *("_beginning", "_condemned", "_inbox", "_text", "_timeout", "aside_at", "cause", "crash", "error"),
        *("exhausted", "is_ending", "midway", "output", "program", "retold", "status"),
    )

    def __init__(
        self,
        program: Program,
        identity: Identity,
        input_value: Value,
        input_text: str,
        beginning: Beginning | None = None,
    ) -> None:
        """``input_value`` is the execution's input, even if its first state gets another one."""
        super().__init__(identity, input_value)
        self._beginning = beginning
        self.program = program
        self.status = Status.RUNNING
        self.output: Value | Unset = UNSET
        self.error: str | None = None
        self.cause: str | None = None
        self.crash: Exception | None = None
        self.aside_at: Any = None
        self._text = input_text
        self._timeout = 0
        self._condemned = False
        self.midway = self.is_ending = False
        self._inbox: list[_Happening] = []  # an empty deque holds 600 bytes, and thousands of runs wait
        self.retold = 0
        self.exhausted: str | None = None

    def start(self, at: float) -> None:
        self._inbox.append((at, self._start, None))

    def deliver(self, signal: Signal, at: float) -> None:
        """Queues a signal, with the time it was seen. One that comes too late is ignored.

        ``advance`` raises ``ReplayMismatchError`` for one that answers an effect that was never issued.
        """
        self._inbox.append((at, self._signal, signal))
        if isinstance(signal, Fired):
            self.hasten()

    def stop(self, error: str | None, cause: str | None, at: float) -> None:
        """Queues a StopExecution."""
        self._inbox.append((at, self._stop, (error, cause)))
        self.hasten()

    def expire(self, at: float) -> None:
        """Queues the time-out of the whole execution."""
        self._inbox.append((at, self._expire, None))
        self.hasten()

    def exhaust(self, cause: str, at: float) -> None:
        """Queues the failure of an execution that holds too much memory."""
        self._inbox.append((at, self._exhaust, cause))

    def condemn(self, at: float) -> None:
        """Makes the next transition end the run: its machine is being deleted."""
        self._inbox.append((at, self._condemn, None))

    def redrive(self, at: float) -> None:
        """Queues a redrive. Does nothing to a run that is running, has succeeded or is full."""
        self._inbox.append((at, self._redrive, None))

    @property
    def pending(self) -> bool:
        return bool(self._inbox or self.ready)

    # -- making it happen

    def advance(self, budget: int = 10_000) -> bool:
        """Goes on for at most ``budget`` transitions and branches or iterations begun; true if there is more to do."""
        self.budget = 1 if self._condemned else budget
        self.midway = True
        while True:
            try:
                self.midway = self._advance()
                return self.midway
            except GivenUpError:
                self.is_ending = True
                self._give_up()
            except OutOfMemoryError as error:
                self.is_ending = True
                self.exhausted = str(error)
                self._inbox = [(self.at, self._exhaust, self.exhausted)]
                self.interrupted().hasten(self.place)
                self._give_up()
            except ReplayMismatchError:
                self._inbox.clear()
                self.retold = 0
                raise

    def _advance(self) -> bool:
        while True:
            if self.ready and self.gives_way:
                self._give_up()
            while self.ready:
                if self.budget <= 0 or not self._resume(self.ready.popleft()):
                    return True
            if not self._inbox:
                return False
            self._happen(*self._next())

    def _next(self) -> _Happening:
        self.retold = max(0, self.retold - 1)
        return self._inbox.pop(0)

    def _happen(self, at: float, happen: Callable[[Any], None], what: Any) -> None:
        self.at = max(self.at, at)
        if self.at >= self.deadline and self.status is Status.RUNNING:
            self._expire(None)
        happen(what)

    # -- interruptions

    def hasten(self) -> None:
        """Gives up the turn under way as soon as it may be, if the execution is to end before any other turn."""
        ends = self._inbox and (self._is_end(self._inbox[0]) if self.retold else any(map(self._is_end, self._inbox)))
        if self.midway and self.retold <= 1 and ends:
            self.interrupted().hasten(max(len(self.events), self.stored) + self.removed)
            self.rebound()

    def _is_end(self, happening: _Happening) -> bool:
        _, happen, what = happening
        ends = (self._stop, self._expire, self._exhaust)
        return happen in ends or (isinstance(what, Fired) and what.id == self._timeout)

    def _give_up(self) -> None:
        """Forgets what the turn under way was about to do, and what happened before that which ends the run."""
        self.ready.clear()
        self.effects = [effect for effect in self.effects if isinstance(effect, Cancel)]
        while self._inbox and not self._is_end(self._inbox[0]):
            self._next()
        self.interrupted().give_up(self.place)
        self.rebound()
        self.is_ending = False

    def take_effects(self) -> list[Effect]:
        """The effects since the last call, in order."""
        taken = self.effects
        self.effects = []
        return taken

    def take_timeout(self) -> list[Effect]:
        """The timer of the whole run, if it is among the effects: it is to ring in a long turn, too."""
        timeout = -1 if self.retold else self._timeout
        found = [effect for effect in self.effects if effect.id == timeout]
        self.effects = [effect for effect in self.effects if effect.id != timeout]
        return found

    def open_effects(self) -> list[Effect]:
        """The effects that are still awaited, in order: a host starts them again after a crash."""
        return [effect for _, effect in self.awaiting.values()]

    # -- turns

    def _start(self, _: None) -> None:
        self.root = Strand(self, self.program.block, self.given)
        if self._beginning is not None:
            self.root.state, self.root.input, self.root.variables = self._beginning
        self._arm()
        self.ready.append(self.root)
        self.aside(0, "ExecutionStarted", Started(self.given, self._text))

    def _arm(self) -> None:
        seconds = self.program.timeout
        if self.identity.express:
            seconds = min(seconds or EXPRESS_TIMEOUT, EXPRESS_TIMEOUT)
        self._timeout = self.timer(None, seconds) if seconds else 0

    def _signal(self, signal: Signal) -> None:
        known = self.awaiting.get(signal.id)
        if known is None:
            if signal.id > self.last_effect:
                raise ReplayMismatchError(f"no effect {signal.id} was issued, but there is an answer to it: {signal!r}")
            return
        strand, effect = known
        if not isinstance(effect, ANSWERS[type(signal)]):
            raise ReplayMismatchError(f"effect {signal.id} is {type(effect).__name__}, but the answer is {signal!r}")
        if isinstance(signal, LAST_WORDS):
            del self.awaiting[signal.id]
        elif isinstance(signal, TaskSubmitted | TaskBegun) and isinstance(effect, StartTask):
            told = signal.output if isinstance(signal, TaskSubmitted) else None
            self.awaiting[signal.id] = strand, effect._replace(submitted=told)
        if isinstance(signal, TaskAnswered):
            assert isinstance(effect, StartTask), "ANSWERS says so"
            self.awaiting[signal.id] = strand, effect._replace(answered=signal.end)
        elif strand is None:
            self._expire(None)
        else:
            strand.wake(signal)

    def _stop(self, told: tuple[str | None, str | None]) -> None:
        self._end(Status.ABORTED, "ExecutionAborted", told, after=0)

    def _expire(self, _: None) -> None:
        self._end(Status.TIMED_OUT, "ExecutionTimedOut", (TIMEOUT, None), after=0)

    def _exhaust(self, cause: str) -> None:
        self._end(Status.FAILED, "ExecutionFailed", (RUNTIME, cause))

    def _condemn(self, _: None) -> None:
        self._condemned, self.budget = True, 1

    def _redrive(self, _: None) -> None:
        root = self.root
        refused = self.status in (Status.RUNNING, Status.SUCCEEDED) or len(self.events) >= self.limit
        if root is None or refused:
            return
        self.redrives += 1
        self.redriven_at = self.at
        self.forget_execution()
        self.status, self.error, self.cause = Status.RUNNING, None, None
        root.reopen(len(self.events) + 1)
        self._arm()
        self.ready.append(root)
        self.aside(len(self.events), "ExecutionRedriven", Redriven(self.redrives))

    # -- strands

    def _resume(self, strand: Strand) -> bool:
        """Lets the strand go on; false if the budget is spent."""
        if strand.dead:
            return True
        message, strand.inbox = strand.inbox, None
        try:
            if strand.generator is None:
                strand.generator = living(strand)
                self.budget -= strand.parent is not None
            if strand.generator.send(message) is PAUSE:
                return self._paused(strand)
        except StopIteration:
            self._guarded(self._ended, strand)
        except (EvaluationError, StateError, HistoryFullError, RecursionError) as error:
            self._guarded(self._raised, strand, error)
        except Exception as error:
            self.crash = error
            failure = StateError(RUNTIME, strand.place(OWN_FAULT), final=True)
            self._guarded(self._raised, strand, failure)
        return True

    def _paused(self, strand: Strand) -> bool:
        """Called when the budget is spent, and at every transition of a condemned run: it ends, which is returned."""
        if self._condemned:
            self._stop((None, None))
            return True
        self.ready.appendleft(strand)
        return False

    def _guarded(self, happen: Callable[..., None], *what: Any) -> None:
        try:
            happen(*what)
        except HistoryFullError:
            self._end(Status.FAILED, "ExecutionFailed", (RUNTIME, FULL), len(self.events))

    def _ended(self, strand: Strand) -> None:
        strand.generator = None
        parent = strand.parent
        if parent is None:
            self.output = strand.input
            self._end(Status.SUCCEEDED, "ExecutionSucceeded")
        elif parent.region is not None:
            parent.region.ended(strand)

    def _raised(self, strand: Strand, raised: Exception) -> None:
        if isinstance(raised, HistoryFullError):
            raise raised
        error = state_error(strand, raised)
        region = None if strand.parent is None else strand.parent.region
        if region is None or error.final:
            self._end(Status.FAILED, "ExecutionFailed", (error.error or None, error.cause), strand.tip)
            return
        if strand.entered and strand.block.steps[strand.state].kind == "Task":
            self.aside(strand.tip, "TaskStateAborted")
        strand.generator = None
        region.failed(strand, error)

    # -- the end

    def _end(
        self, status: Status, event: str, told: tuple[str | None, str | None] = (None, None), after: int | None = None
    ) -> None:
        """Ends the run. What comes from outside follows no event, and a time-out has its error in the event alone
        (floci 2965, compared with AWS in 2026-09).
        """
        if self.status is not Status.RUNNING:
            return
        self.status = status
        self.error, self.cause = (None, None) if status is Status.TIMED_OUT else told
        detail = Succeeded(self.output) if status is Status.SUCCEEDED else Failure(*told)
        tip = self.root.tip if self.root is not None else 0
        self.limit += 1
        self.rebound()
        self.aside(tip if after is None else after, event, detail)
        self.limit -= 1
        self.rebound()
        self.ready.clear()
        self.release()
        if self.root is not None:
            self.root.rest()
