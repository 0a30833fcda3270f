"""Two sagas at once: a seed decides which one moves next at every step. The tables must be those of one order or the
other.

A step is everything up to the next request of a service: a Task's call runs in a thread of its own, and each request of
a handler waits for its turn. Only one thread runs at any time, so the same seed gives the same run again.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from sfn_emulator.engine.draws import digest
from sfn_emulator.engine.ports import Work
from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.world.calls import Nothing
from sfn_emulator.prove.world.copies import cores, in_copy, started
from sfn_emulator.prove.world.tables import Tables, changes
from sfn_emulator.prove.world.trial import Trial
from sfn_emulator.prove.world.world import MOST_STEPS
from sfn_emulator.tasks.workers import Running, Workers
from sfn_emulator.values import Value

T = TypeVar("T")

SEEDS: Final = 50
NAMES: Final = ("prove-a", "prove-b")


class Turns:
    """Decides which call moves next. Each call waits in its thread until it gets the turn, and gives it back at its
    next step.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._drawn = 0
        self._moving: threading.Semaphore | None = None
        self._still = threading.Semaphore(0)
        self._waiting: list[threading.Semaphore] = []

    def begin(self, work: Callable[[], None]) -> None:
        """Runs ``work`` in a thread, as soon as it gets the turn."""
        turn = threading.Semaphore(0)

        def run() -> None:
            turn.acquire()
            try:
                work()
            finally:
                self._still.release()

        self._waiting.append(turn)
        threading.Thread(target=run, daemon=True).start()

    def step(self) -> None:
        """Called before each request, by any thread of the call that moves. Others may move first."""
        turn = self._moving
        if turn is not None:
            self._waiting.append(turn)
            self._still.release()
            turn.acquire()

    def move(self) -> bool:
        """Lets one waiting call make a step, for the main thread. Returns false if none waits."""
        if not self._waiting:
            return False
        self._drawn += 1
        drawn = int.from_bytes(digest(self._seed, f"turn:{self._drawn}", 8), "big")
        self._moving = self._waiting.pop(drawn % len(self._waiting))
        self._moving.release()
        self._still.acquire()
        self._moving = None
        return True


class TurnWorkers(Workers):
    """Workers whose work goes step by step as turns are given. The end is reported on the main thread."""

    def __init__(self, turns: Turns) -> None:
        super().__init__(lambda thunk: thunk(), 0)
        self._turns = turns
        self.done: list[Callable[[], None]] = []

    def run(self, job: Callable[[], T], done: Callable[[T | Exception], None]) -> Work:
        """Begins the job when a turn is given to it. ``done`` waits in the list ``done``."""
        running = Running()

        def work() -> None:
            try:
                outcome: T | Exception = job()
            except Exception as error:
                outcome = error
            self.done.append(lambda: None if running.cancelled else done(outcome))

        self._turns.begin(work)
        return running


@dataclass(frozen=True)
class Mixed:
    """``seed`` led to tables that neither order leads to; ``changes`` are the differences from the nearer one."""

    seed: int
    changes: tuple[str, ...]
    order: tuple[str, ...]


@dataclass(frozen=True)
class Interleaved:
    seeds: int
    failing: tuple[Mixed, ...]
    bounds: tuple[str, ...] = ("two sagas at once: no faults; a step ends where somebody asks a service for something",)


def interleave(
    saga: Saga, given: Sequence[Value], seeds: int = SEEDS, progress: Callable[[int], None] = lambda seed: None
) -> Interleaved:
    """Runs both inputs under every seed. A single input runs twice."""
    pair = (given[0], given[1] if len(given) > 1 else given[0])
    allowed = [in_copy(partial(_serial, saga, pair, order)) for order in ((0, 1), (1, 0))]
    failing: list[Mixed] = []
    for seed, (tables, order) in _runs(saga, pair, seeds):
        progress(seed)
        if tables not in allowed:
            nearer = min((changes(one, tables) for one in allowed), key=len)
            failing.append(Mixed(seed, tuple(nearer), order))
    return Interleaved(seeds, tuple(failing))


def _runs(saga: Saga, pair: tuple[Value, Value], seeds: int) -> Iterator[tuple[int, tuple[Tables, tuple[str, ...]]]]:
    """The results in the order of the seeds; as many runs at a time as there are cores."""
    width = cores()
    for first in range(0, seeds, width):
        batch = range(first, min(first + width, seeds))
        for seed, result in [(seed, started(partial(_mixed, saga, pair, seed))) for seed in batch]:
            yield seed, result()


def _serial(saga: Saga, pair: tuple[Value, Value], order: tuple[int, int]) -> Tables:
    saga.world.hush()
    saga.world.enter()
    for index in order:
        saga.world.restart_clock()
        saga.trial(pair[index], Nothing(), name=NAMES[index]).run()
    return saga.world.tables()


def _mixed(saga: Saga, pair: tuple[Value, Value], seed: int) -> tuple[Tables, tuple[str, ...]]:
    saga.world.hush()
    turns = Turns(str(seed))
    workers = TurnWorkers(turns)
    world = saga.world
    world.enter()
    world.take_turns(workers, turns.step)
    trials = [saga.trial(value, Nothing(), name=name) for name, value in zip(NAMES, pair, strict=True)]
    for trial in trials:
        trial.hosted.start()
    for _ in range(MOST_STEPS):
        while workers.done:
            workers.done.pop(0)()
        if all(trial.hosted.is_over for trial in trials) or not (turns.move() or world.advance()):
            break
    return world.tables(), _order(trials)


def _order(trials: Sequence[Trial]) -> tuple[str, ...]:
    """Each saga's Tasks as they began."""
    return tuple(f"{trial.told.name}: {', '.join(call.task for call in trial.calls.calls)}" for trial in trials)
