"""The signals of an execution as stored bytes, which it gets again after a restart or by a redrive.

Besides the engine's signals these are StopExecution, DeleteStateMachine, RedriveExecution, the end of an execution's
longest time, and one that only concerns this process (``Handed``).

Each signal names the effect it answers. So a rebuilt run that does not wait for that effect is recognised as different.
"""

from collections.abc import Mapping
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


Told: TypeAlias = Signal | Stop | Condemn | Expire | Redrive | Handed


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
        case Handed():
            pass
        case _:
            run.deliver(told, at)


_KINDS: Final[Mapping[str, Any]] = {
    kind.__name__: kind
    for kind in (
        *(Fired, TaskBegun, TaskSubmitted, TaskHeartbeat, TaskSucceeded, TaskFailed, MapRunStarted, MapRunEnded),
        *(TaskAnswered, Stop, Condemn, Expire, Redrive, Handed),
    )
}


def encode(told: Told) -> bytes:
    fields = {name: value for name, value in told._asdict().items() if value is not UNSET}
    return to_bytes([type(told).__name__, fields])


def decode(body: bytes) -> Told:
    name, fields = from_bytes(body)
    told: Told = _KINDS[name](**fields)
    return told
