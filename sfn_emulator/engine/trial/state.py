"""A state on trial (TestState): one attempt, its stages, and the Retrier or Catcher that would act.

The state runs as in any execution, as the only step of a ``single`` program, but without its Retry and Catch. Those are
evaluated afterwards, so that a retry is reported and not waited for. Map and Parallel do not run the states inside
them. After the state's own fields have been evaluated, a mock answers instead.

Sources: `Testing state machines with TestState API`; the stages that AWS reports are recorded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from sfn_emulator.asl.model import Branch, Catcher, Map, Parallel, Retrier, State, Task, branches
from sfn_emulator.engine.context import Item
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.program import block
from sfn_emulator.engine.states.dataflow import is_jsonata, leave
from sfn_emulator.engine.states.recovery import catch_output, delay_before, fault, matches
from sfn_emulator.engine.strand import Block, Program, Step, Strand, Waiting
from sfn_emulator.engine.trial.regions import Mock, mocked_map, mocked_parallel
from sfn_emulator.errors import EvaluationError, StateError
from sfn_emulator.values import UNSET, Unset, Value

Recovering: TypeAlias = Task | Parallel | Map
_RECOVERING: Final = (Task, Parallel, Map)


@dataclass(frozen=True, slots=True)
class Handled:
    """An error and who handles it: the Retrier at ``retry`` after ``delay`` seconds, or the Catcher at ``catch``.

    A Retrier whose attempts are used up (``exhausted``) is reported, but handles nothing.
    """

    error: StateError
    retry: int | None = None
    delay: float = 0.0
    catch: int | None = None
    exhausted: bool = False


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a trial.

    ``retries`` is how often the Retrier that matches has retried already. ``around`` are the states the tested one is
    in, innermost first: an error that it does not handle is theirs. ``read`` is the data that the ItemReader of a Map
    read.
    """

    variables: Mapping[str, Value] = field(default_factory=dict)
    item: Item | None = None
    retries: int = 0
    around: tuple[State, ...] = ()
    mock: Mock | None = None
    failures: int = 0
    read: Value | Unset = UNSET


def trial(state: State, under: Conditions, instrument: Instrument, handled: Callable[[Handled], None]) -> Program:
    """The program of one state. ``handled`` is called with an error that a Retrier or Catcher takes.

    Where a Retrier takes it the run fails with the error; where a Catcher does it goes on to ``next_state``.
    """
    step = _step(state, under, instrument)
    owners = [owner for owner in (state, *under.around) if isinstance(owner, _RECOVERING)]

    def tried(strand: Strand) -> Waiting:
        strand.variables = under.variables
        strand.item = under.item
        try:
            if step.apply is not None:
                return step.apply(strand)
            assert step.wait is not None
            return (yield from step.wait(strand))
        except EvaluationError as evaluation:
            error = fault(strand, evaluation)
        except StateError as raised:
            error = raised
        return _recover(strand, error, owners, under, handled)

    return Program(Block(state.name, {state.name: Step(step.kind, wait=tried)}, single=True))


def _step(state: State, under: Conditions, instrument: Instrument) -> Step:
    bare = replace(state, retry=(), catch=()) if isinstance(state, _RECOVERING) else state
    if under.mock is not None and isinstance(bare, Map):
        return mocked_map(bare, under.mock, under.failures, under.read, instrument)
    if under.mock is not None and isinstance(bare, Parallel):
        return mocked_parallel(bare, under.mock, instrument)
    return block(Branch(bare.name, {bare.name: bare}), instrument).steps[bare.name]


def _recover(
    strand: Strand,
    error: StateError,
    owners: list[Recovering],
    under: Conditions,
    handled: Callable[[Handled], None],
) -> str:
    """The first state, from inside out, that retries or catches the error decides. Raises the error if none does."""
    retries = under.retries
    for owner in owners:
        retrier = _first(owner.retry, error)
        exhausted = retrier is not None and retries >= owner.retry[retrier].max_attempts
        if retrier is not None and not exhausted:
            delay = delay_before(owner.retry[retrier], retries, strand.draws.random)
            handled(Handled(error, retry=retrier, delay=delay))
            raise error
        catcher = _first(owner.catch, error)
        if catcher is not None:
            return _catch(strand, error, owner, catcher, handled)
        if exhausted:
            handled(Handled(error, retry=retrier, exhausted=True))
        retries = 0
    raise error


def _first(handlers: Sequence[Retrier | Catcher], error: StateError) -> int | None:
    return next((index for index, handler in enumerate(handlers) if matches(error, handler.error_equals)), None)


def _catch(strand: Strand, error: StateError, owner: Recovering, index: int, handled: Callable[[Handled], None]) -> str:
    catcher = owner.catch[index]
    output, assigned = catch_output(strand, catcher, error, is_jsonata(owner.flow))
    leave(strand, f"{type(owner).__name__}StateExited", output, assigned)
    handled(Handled(error, catch=index))
    return catcher.next


def surroundings(states: Mapping[str, State], name: str) -> tuple[State, tuple[State, ...]] | None:
    """The state of that name, wherever it is, and the states it is in, innermost first; ``None`` if there is none."""
    waiting: list[tuple[Mapping[str, State], tuple[State, ...]]] = [(states, ())]
    while waiting:
        here, around = waiting.pop()
        if name in here:
            return here[name], around
        for state in here.values():
            waiting.extend((inner.states, (state, *around)) for inner in branches(state))
    return None
