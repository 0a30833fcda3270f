"""A saga in a prepared world: it is run in copies of the world, with faults placed around its calls."""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from itertools import chain
from typing import Any, Final

from sfn_emulator.asl.model import Machine, Task, states_of
from sfn_emulator.asl.parse import load
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.program import compile
from sfn_emulator.engine.strand import Program
from sfn_emulator.prove.claims import Claims
from sfn_emulator.prove.executed.candidates import faults_of, named_errors
from sfn_emulator.prove.faults import Fault, Kind, Placement
from sfn_emulator.prove.invariants import Invariants
from sfn_emulator.prove.machine import UnprovableError
from sfn_emulator.prove.world.calls import Call, Director
from sfn_emulator.prove.world.copies import CopyError, in_copy
from sfn_emulator.prove.world.exploration import Seen, explore
from sfn_emulator.prove.world.trial import Trial, Tried
from sfn_emulator.prove.world.world import World
from sfn_emulator.values import Value

_FAILING: Final = (Kind.BEFORE,)
DEPTHS: Final[tuple[tuple[Any, ...], ...]] = (
    (1,),
    (2, _FAILING, tuple(Kind)),
    (3, _FAILING, _FAILING, (Kind.BEFORE, Kind.THROTTLE)),
)
"""The greatest number of faults, and the kinds of the first, the second, …"""
REHEARSALS: Final = 24
"""The greatest number of runs that look for a Task which was not called before."""

Watch = Callable[[Machine, str], Instrument]


class Forced:
    """A director that places just these faults."""

    def __init__(self, placement: Placement) -> None:
        self._by_call = {fault.call: fault for fault in placement}

    def fault(self, call: Call) -> Fault | None:
        found = self._by_call.get(call.number)
        return found if found is not None and found.task == call.task else None


class Saga:
    """A saga in a prepared world. ``definition`` may be another than the one that was deployed (a mutant).

    ``watch`` gives the instrument that notes the parts of the definition that runs take.
    """

    def __init__(
        self,
        world: World,
        claims: Claims,
        invariants: Invariants,
        definition: str | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.world = world
        self.claims = claims
        self.invariants = invariants
        self.definition = definition or world.prepared.definition
        machine = load(self.definition)
        self.program: Program = compile(machine, None if watch is None else watch(machine, self.definition))
        self.named = named_errors(machine)

    def trial(self, given: Value, director: Director, *, name: str = "prove", keep: bool = False) -> Trial:
        claims = self.claims
        told: dict[str, Any] = {"undo": claims.undo, "answers": claims.answers, "longest": claims.longest}
        return Trial(self.world, self.program, given, director, self.invariants, **told, name=name, keep=keep)

    def tried(self, given: Value, placement: Placement, *, keep: bool = True) -> Tried:
        """The run with these faults, in a copy of the world."""
        return in_copy(lambda: self._entered(given, Forced(placement), keep=keep))

    def _entered(self, given: Value, director: Director, *, keep: bool = False) -> Tried:
        if keep:
            sys.stdout = sys.stderr  # what is told stands on standard output, and nothing else
        else:
            self.world.hush()
        self.world.enter()
        return self.trial(given, director, keep=keep).run()

    def warm_up(self, given: Value) -> None:
        """Loads everything that runs need into this process, and so into every copy: functions' code, clients, caches.

        Raises ``UnprovableError`` if the saga can't be run at all.
        """
        try:
            self.tried(given, (), keep=False)
        except CopyError as error:
            raise UnprovableError(f"the saga can't be run: {str(error).splitlines()[-1]}") from None
        self.world.load(self.definition)
        with suppress(Exception):  # a world that can't be copied in memory is slower to try, no more
            in_copy(lambda: self._rehearsed(given))  # first in a copy, because a handler may end its process
            with redirect_stderr(StringIO()), redirect_stdout(StringIO()):
                self._rehearse(given)
        self.world.load(self.definition)

    def _rehearsed(self, given: Value) -> None:
        self.world.hush()
        self._rehearse(given)

    def _rehearse(self, given: Value) -> None:
        """Runs in this process, failing one Task after the other, until every Task was called."""
        missing = {state.name for state in states_of(load(self.definition).body) if isinstance(state, Task)}
        ways: deque[Placement] = deque([()])
        for _ in range(REHEARSALS):
            if not ways or not missing:
                return
            placement = ways.popleft()
            with self.world.rehearsal():
                calls = self.trial(given, Forced(placement)).run().execution.calls
            missing -= set(calls)
            first = placement[-1].call + 1 if placement else 0
            ways += [(*placement, Fault(n, task, Kind.BEFORE)) for n, task in enumerate(calls) if n >= first]

    def in_depth(self, given: Value) -> Iterator[Seen]:
        """A few runs that reach every part of a saga that three faults can reach."""
        return chain.from_iterable(self.explored(given, most, *kinds) for most, *kinds in DEPTHS)

    def explored(self, given: Value, most: int, *only: Sequence[Kind]) -> Iterator[Seen]:
        """``only`` are the kinds of the first fault, of the second, …; the last are those of all that follow."""
        return explore(lambda director: self._entered(given, director), faults_of(self.claims, self.named, only), most)
