"""The signals of an execution as stored bytes, which it gets again after a restart or by a redrive.

Besides the engine's signals these are StopExecution, DeleteStateMachine, RedriveExecution, the end of an execution's
longest time or of its memory, the interruptions of its turns, and one that only concerns this process (``Handed``).

Each signal names the effect it answers. So a rebuilt run that does not wait for that effect is recognised as different.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from sfn_emulator.engine.ports import (
    Fired,
    MapRunEnded,
    MapRunStarted,
    Signal,
    TaskAnswered,
    TaskBegun,
    TaskFailed,
    TaskHeartbeat,
    TaskSubmitted,
    TaskSucceeded,
)
from sfn_emulator.engine.run import Run
from sfn_emulator.service.store.text import from_bytes, to_bytes
from sfn_emulator.values import UNSET


class Stop(NamedTuple):
    """StopExecution."""

    error: str | None = None
    cause: str | None = None


class Condemn(NamedTuple):
    """DeleteStateMachine of its machine: its next transition ends the execution."""


class Expire(NamedTuple):
    """It has been open for longer than an execution may."""


class Redrive(NamedTuple):
    """RedriveExecution."""


class Handed(NamedTuple):
    """The worker's answer to the poll that began effect ``id`` has left the process: the task is not offered again."""

    id: int


class Exhaust(NamedTuple):
    """It holds too much memory."""

    cause: str


class Passed(NamedTuple):
    """Time passed during a turn: the event after this place and those that follow carry the time of this."""

    place: int


class GivenUp(NamedTuple):
    """A turn was given up at this place, because the execution was to end."""

    place: int


Told: TypeAlias = Signal | Stop | Condemn | Expire | Redrive | Handed | Exhaust | Passed | GivenUp

_NOT_QUEUED: Final = (Handed, Passed, GivenUp)


def tell(run: Run, told: Told, at: float) -> None:
    """Gives the signal to the run, which goes on when it is advanced."""
    match told:
        case Stop(error, cause):
            run.stop(error, cause, at)
        case Condemn():
            run.condemn(at)
        case Expire():
            run.expire(at)
        case Redrive():
            run.redrive(at)
        case Exhaust(cause):
            run.exhaust(cause, at)
        case Handed() | Passed() | GivenUp():
            pass
        case _:
            run.deliver(told, at)


def tell_again(run: Run, signals: Sequence[tuple[float, Told]]) -> None:
    """Gives all its stored signals to a run that was just made, which goes on when it is advanced."""
    run.tell_again(
        [(told.place, at) for at, told in signals if isinstance(told, Passed)],
        [told.place for _, told in signals if isinstance(told, GivenUp)],
    )
    run.start(run.identity.started_at)
    for at, told in signals:
        tell(run, told, at)
    run.retold = 1 + sum(not isinstance(told, _NOT_QUEUED) for _, told in signals)


def interruptions(run: Run) -> list[tuple[float, Told]]:
    """The interruptions since this was last asked, as signals to store."""
    new = run.interruptions
    if new is None:
        return []
    told: list[tuple[float, Told]] = [(at, Passed(place)) for place, at in new.passed]
    if new.given_up is not None:
        told.append((run.at, GivenUp(new.given_up)))
    if run.exhausted is not None:
        told.append((run.at, Exhaust(run.exhausted)))
    new.passed, new.given_up, run.exhausted = [], None, None
    return told


_KINDS: Final[Mapping[str, Any]] = {
    kind.__name__: kind
    for kind in (
        *(Fired, TaskBegun, TaskSubmitted, TaskHeartbeat, TaskSucceeded, TaskFailed, MapRunStarted, MapRunEnded),
        *(TaskAnswered, Stop, Condemn, Expire, Redrive, Handed, Exhaust, Passed, GivenUp),
    )
}


def encode(told: Told) -> bytes:
    fields = {name: value for name, value in told._asdict().items() if value is not UNSET}
    return to_bytes([type(told).__name__, fields])


def decode(body: bytes) -> Told:
    """The signal of a stored body."""
    name, fields = from_bytes(body)
    told: Told = _KINDS[name](**fields)
    return told
