"""The possible outcomes of a Task's attempt, as far as its definition can tell them apart.

Errors that the same Retrier and the same Catchers take are one outcome, named by the first of them. An error may come
before the effect (it *fails*) or after it (its answer is *lost*), once or at every attempt.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sfn_emulator.asl.model import Catcher, Map, Parallel, Retrier, State, Task
from sfn_emulator.engine.states.recovery import HEARTBEAT_TIMEOUT as HEARTBEAT
from sfn_emulator.engine.states.recovery import HeartbeatOverdueError, matches
from sfn_emulator.errors import ALL, TASK_FAILED, TIMEOUT, StateError
from sfn_emulator.prove.claims import Claims

OTHER_ERROR: Final = "SomeOtherError"
"""An error that no Retrier and no Catcher names."""
OUTLASTED: Final = "the execution's own time-out"
"""No error that a Task can see: the execution is over, whatever was under way."""
TIMED_OUT: Final = frozenset({TIMEOUT, HEARTBEAT})
_PATTERNS: Final = frozenset({ALL, TASK_FAILED, TIMEOUT, HEARTBEAT})


Recovering = Task | Parallel | Map


@dataclass(frozen=True, slots=True)
class Outcome:
    """``error`` is ``None`` for an answer. ``happened``: the effect took place. ``lasting``: every attempt has this
    outcome. ``guarded``: some Retrier or Catcher takes the error.
    """

    error: str | None = None
    happened: bool = True
    lasting: bool = False
    refused: bool = False
    """The Task answered that there was nothing to do, which is no fault."""
    retried: bool = False
    guarded: bool = True

    @property
    def cost(self) -> int:
        """How many faults it takes."""
        return 0 if self.error is None or self.refused else 1

    def __str__(self) -> str:
        if self.error is None:
            return "answered"
        if self.error == OUTLASTED:
            return "was under way when the execution itself timed out"
        if self.refused:
            return f"refused with {self.error}"
        name = (
            "timed out"
            if self.error == TIMEOUT
            else "timed out without a heartbeat"
            if self.error == HEARTBEAT
            else f"failed with {self.error}"
        )
        when = "its effect happened, its answer was lost" if self.happened else "nothing happened"
        how = "at every attempt" if self.lasting else "once" if self.retried else ""
        return f"{name}{f' {how}' if how else ''} ({when})"


ANSWERED: Final = Outcome()


def outcomes_of(
    task: Task, around: Sequence[State], claims: Claims, *, errors: tuple[str, ...] | None
) -> tuple[Outcome, ...]:
    """``around`` are the states the Task is in, innermost first. ``errors`` are those whose names the machine's own
    Choices know; ``None`` where they look at no names at all."""
    owners = [owner for owner in (task, *around) if isinstance(owner, Recovering)]
    effects = (False,) if task.name in claims.reads else (True, False)
    made = [ANSWERED]
    refusals = claims.refusals.get(task.name, ())
    for error in refusals:
        done = bool(claims.undoes(task.name))
        made.append(Outcome(error, done, lasting=True, refused=True))
    named = dict.fromkeys((*_names(task, owners), *(errors or ())))
    for name in _one_of_each(owners, (n for n in named if n not in refusals), by_name=errors is not None):
        retried, guarded = _is_retried(task, name), _is_guarded(owners, name)
        for happened in effects:
            for lasting in (False, True) if retried else (False,):
                made.append(Outcome(name, happened, lasting, False, retried, guarded))
    return tuple(made)


def may_outlast(task: Task, limit: int | None) -> bool:
    """Whether all attempts of the Task may take longer than the whole execution."""
    if limit is None:
        return False
    attempts = 1 + sum(retrier.max_attempts for retrier in task.retry)
    return not isinstance(task.timeout, int | float) or task.timeout * attempts >= limit


def outlasting(task: Task, claims: Claims) -> Outcome:
    """The outcome of a Task during which the execution itself times out."""
    return Outcome(OUTLASTED, happened=task.name not in claims.reads)


def execution_failed(task: Task, around: Sequence[State]) -> Outcome:
    """The outcome of a Task when the execution that it started fails; it does not say whether there were effects."""
    owners = [owner for owner in (task, *around) if isinstance(owner, Recovering)]
    retried, guarded = _is_retried(task, TASK_FAILED), _is_guarded(owners, TASK_FAILED)
    return Outcome(TASK_FAILED, False, retried=retried, guarded=guarded)


def _names(task: Task, owners: Sequence[Recovering]) -> Iterator[str]:
    yield OTHER_ERROR
    if task.timeout is not None:
        yield TIMEOUT
    if task.heartbeat is not None:
        yield HEARTBEAT
    named = [name for owner in owners for retrier in owner.retry for name in retrier.error_equals]
    named += [name for owner in owners for catcher in owner.catch for name in catcher.error_equals]
    yield from (name for name in dict.fromkeys(named) if name not in _PATTERNS)


def _one_of_each(owners: Sequence[Recovering], names: Iterator[str], *, by_name: bool) -> Iterable[str]:
    """Of error names that are handled alike, the first. A time-out stands for itself, because its work may still be
    under way.
    """
    found: dict[object, str] = {}
    for name in names:
        alone = by_name or name in TIMED_OUT
        handled = tuple((id(_taking(owner.retry, name)), id(_taking(owner.catch, name))) for owner in owners)
        found.setdefault(name if alone else handled, name)
    return found.values()


def _is_retried(task: Task, name: str) -> bool:
    retrier = _taking(task.retry, name)
    return isinstance(retrier, Retrier) and retrier.max_attempts > 0


def _is_guarded(owners: Sequence[Recovering], name: str) -> bool:
    return any(_taking(owner.retry, name) or _taking(owner.catch, name) for owner in owners)


def _taking(handlers: Iterable[Retrier | Catcher], name: str) -> Retrier | Catcher | None:
    error = HeartbeatOverdueError() if name == HEARTBEAT else StateError(name)
    return next((handler for handler in handlers if matches(error, handler.error_equals)), None)
