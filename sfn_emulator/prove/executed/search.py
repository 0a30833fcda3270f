"""The search: all placements are run, and the result says what broke, what was never true, and how far it went."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sfn_emulator.prove.executed.counterexamples import Counterexample, smallest
from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.faults import Kind, Placement
from sfn_emulator.prove.world.copies import CopyError
from sfn_emulator.prove.world.exploration import CRASHED, Seen
from sfn_emulator.values import Value, dumps

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Executed:
    """``never`` are the ``sometimes`` claims that no run made true. ``by_faults`` has the runs by number of faults."""

    runs: int
    by_faults: Mapping[int, int]
    counterexamples: tuple[Counterexample, ...]
    never: tuple[str, ...]
    bounds: tuple[str, ...]
    seen: tuple[Seen, ...] = field(default=(), repr=False)


def prove_executed(
    saga: Saga,
    inputs: Sequence[Value],
    most: int,
    *,
    first: Sequence[Placement] = (),
    only: Sequence[Kind] = (),
    progress: Progress = lambda runs: None,
) -> Executed:
    """All placements of up to ``most`` faults with the simplest input, of one fault with the others.

    ``first`` are placements that broke something before: they are tried before all others.
    """
    saga.warm_up(inputs[0])
    known: list[tuple[Value, Seen]] = [(inputs[0], _remembered(saga, inputs[0], one)) for one in first]
    seen: list[tuple[Value, Seen]] = []
    for number, given in enumerate(inputs):
        for run in saga.explored(given, most if number == 0 else min(most, 1), only):
            seen.append((given, run))
            progress(len(seen))
    never, beyond = vacuous(saga, inputs[0], [run for _, run in seen])
    tried = {run.placement for _, run in seen}
    seen[:0] = [(given, run) for given, run in known if run.placement not in tried]
    counts: dict[int, int] = {}
    for _, run in seen:
        counts[len(run.placement)] = counts.get(len(run.placement), 0) + 1
    return Executed(
        len(seen),
        counts,
        tuple(smallest(saga, inputs, seen)),
        never,
        (*beyond, *_bounds(inputs, most, only)),
        tuple(run for _, run in seen),
    )


def vacuous(saga: Saga, given: Value, seen: Sequence[Seen]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The claims that no run made true, so that nothing is proved about them; and sentences about those that other
    faults make true.
    """
    never = []
    done = saga.claims.done or frozenset()
    if not any(run.status == "SUCCEEDED" or done.intersection(run.states) for run in seen if not run.placement):
        never.append(_through(saga, given))
    missing = dict.fromkeys(saga.invariants.sometimes)
    for run in seen:
        for name in run.sometimes:
            missing.pop(name, None)
    raised = {name: why for run in seen for name, why in run.raised.items()}
    beyond = []
    for run in saga.in_depth(given) if missing else ():
        for name in missing.keys() & set(run.sometimes):
            del missing[name]
            beyond.append(f"'{name}' was not true in these runs; it is with: {'; '.join(map(str, run.placement))}")
    never += [f"{name} (it raised {raised[name]})" if name in raised else name for name in missing]
    return tuple(never), tuple(beyond)


def _through(saga: Saga, given: Value) -> str:
    """The claim that the execution succeeds, with how it ended instead: mostly the saga does not take the input."""
    told = saga.tried(given, ()).execution
    ended = f"{told.status}: {told.error}" if told.error else told.status
    return f"the execution succeeds (without a fault it ended {ended}, given {dumps(given)[:200]})"


def _remembered(saga: Saga, given: Value, placement: Placement) -> Seen:
    """A placement that broke something before, tried again."""
    try:
        tried = saga.tried(given, placement, keep=False)
    except CopyError as error:
        return Seen(placement, "", {CRASHED: str(error)}, (), ())
    told = tried.execution
    return Seen(tried.placement, told.status, tried.broken, tried.sometimes, told.states)


def counted(count: int, noun: str) -> str:
    """``1 fault``, ``2 faults``."""
    return f"{count} {noun}{'s' * (count != 1)}"


def _bounds(inputs: Sequence[Value], most: int, only: Sequence[Kind]) -> Iterator[str]:
    others = ", one with the others" if len(inputs) > 1 else ""
    yield f"executed: up to {counted(most, 'fault')} at once with the first input{others}"
    yield "errors that the definition names go wrong one at a time, not in pairs"
    yield "a fault is put around a whole call; a handler's own calls of services do not fail one by one"
    yield "claims see the rows of DynamoDB's tables, not what is kept in queues, buckets or elsewhere"
    yield "nobody polls activities, and queues and streams feed no function, in a proof's world"
    if only:
        yield f"only these faults: {', '.join(only)}"
