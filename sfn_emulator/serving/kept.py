"""What the state directory holds for the neighbours; or why it can't be used, if the server may start without them."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sfn_emulator.cloud.keeping.journal import JournalError
from sfn_emulator.cloud.keeping.keeper import Keeper
from sfn_emulator.cloud.keeping.state_dir import ALONE, StateDir, StateDirError
from sfn_emulator.serving.settings import Settings

S = TypeVar("S")


def state_of(settings: Settings) -> StateDir | None:
    """The state directory; ``None`` if nothing is kept. Raises ``StateDirError``."""
    if settings.state_dir is None:
        return None
    return StateDir(settings.state_dir, adopt=settings.adopt_state_dir, without_neighbours=settings.without_neighbours)


def stacks_of(state: StateDir | None, settings: Settings, make: Callable[[Path | None], S]) -> tuple[S, str | None]:
    """What ``make`` makes of the directory; and the reason why the neighbours are not available. Then it is made
    without a directory. Raises ``StateDirError``.
    """
    if state is None:
        return make(None), None
    if state.lost is not None:
        return make(None), state.lost
    try:
        return make(state.path), None
    except StateDirError as error:
        if not settings.without_neighbours:
            raise StateDirError(f"{error} {ALONE}") from None
        return make(None), str(error)


def keeper_of(state: StateDir | None, settings: Settings, refusal: str | None) -> tuple[Keeper | None, str | None]:
    """The keeper of the neighbours' writes; or the reason why they are not available, which may be known already.
    Raises ``JournalError`` and ``StateDirError``.
    """
    if state is None or refusal is not None:
        return None, refusal
    try:
        return Keeper(state.part("neighbours"), fsync=settings.fsync), None
    except JournalError as error:
        if not settings.without_neighbours:
            raise JournalError(f"{error} {ALONE}") from None
        return None, str(error)
    except OSError as error:
        raise StateDirError(
            f"State directory '{state.path}' cannot be used: {error}. "
            "Mend this, or choose another directory with --state-dir."
        ) from None
