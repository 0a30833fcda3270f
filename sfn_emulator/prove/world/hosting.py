"""An execution in a world: its run, its driver and its stored signals, so that the emulator can die and go on.

Its signals are stored as the service stores them. When the emulator dies, everything else is gone. A new run gets the
signals again, and effects it still awaits are started again, as after any crash (docs/architecture.md).
"""

from sfn_emulator.asl.resource import Resource
from sfn_emulator.engine.driver import Alone, Driver
from sfn_emulator.engine.local.map_runs import LocalMapRuns
from sfn_emulator.engine.ports import Clock, Identity, Signal, StartTask, Tasks, Tell, Work
from sfn_emulator.engine.run import Run, Status
from sfn_emulator.engine.strand import Program
from sfn_emulator.service.running.signals import decode, encode, tell
from sfn_emulator.values import Value, dumps


class _Life(Alone):
    """The execution from one crash to the next, as its driver's host and tasks. Once it is over, it ignores
    everything.
    """

    def __init__(self, hosted: "Hosted", run: Run) -> None:
        self.over = False
        self._hosted = hosted
        maps = LocalMapRuns(self, hosted.clock)
        self.driver = Driver(run, hosted.clock, self, maps, host=self)

    def record(self, signal: Signal, at: float) -> None:
        if not self.over:
            self._hosted.stored.append((at, encode(signal)))

    def supports(self, resource: Resource) -> str | None:
        return self._hosted.tasks.supports(resource)

    def start(self, effect: StartTask, tell: Tell) -> Work:
        if self.over:
            return _NOTHING
        life = self
        return self._hosted.tasks.start(effect, lambda signal: None if life.over else tell(signal))


class _Nothing:
    def cancel(self) -> None: ...


_NOTHING = _Nothing()


class Hosted:
    """``tasks`` is set before ``start``."""

    def __init__(self, program: Program, identity: Identity, given: Value, clock: Clock) -> None:
        self.clock = clock
        self.stored: list[tuple[float, bytes]] = []
        self.deaths = 0
        self.tasks: Tasks
        self._program = program
        self._identity = identity
        self._given = given
        self._dead = False
        self._life: _Life | None = None

    @property
    def run(self) -> Run:
        assert self._life is not None
        return self._life.driver.run

    @property
    def is_over(self) -> bool:
        return self._life is not None and not self._dead and self.run.status is not Status.RUNNING

    def start(self) -> None:
        self._life = _Life(self, self._fresh())
        self._life.driver.start()

    def stop(self, error: str | None, cause: str | None) -> None:
        """Stops the execution (StopExecution)."""
        if self._life is not None:
            self._life.driver.stop(error, cause)

    def die(self) -> None:
        """Lets the emulator die: nothing is heard from now on, until ``revive``."""
        assert self._life is not None
        self._life.over = self._dead = True

    def revive(self) -> bool:
        """Goes on from the stored signals. Returns false if it had not died."""
        if not self._dead or self._life is None:
            return False
        self._life.driver.stop()
        run = self._fresh()
        run.start(self._identity.started_at)
        for at, body in self.stored:
            while run.advance():
                pass
            tell(run, decode(body), at)
        while run.advance():
            pass
        self.deaths += 1
        self._dead = False
        self._life = _Life(self, run)
        self._life.driver.resume()
        return True

    def _fresh(self) -> Run:
        return Run(self._program, self._identity, self._given, dumps(self._given))
