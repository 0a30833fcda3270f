"""The developer's loop: each save is deployed. If one can't be deployed, the reason is shown, and the last version
stays.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from deploy import apply
from deploy.errors import DeployError
from terminal.errors import TerminalError
from terminal.session import Session

HERE = Path(__file__).parent.parent
PLACES = [HERE / "handlers", HERE / "statemachine", HERE / "deploy" / "config.yaml"]
"""Where the deployed files are."""
FEW = 12
"""Changes that are listed one by one."""


def keep(session: Session, rounds: Iterable[object], problem: Callable[[], str | None]) -> None:
    """Deploys once a round. ``problem`` returns the definition's first fault, or ``None``."""
    for _ in rounds:
        began = time.perf_counter()
        done = _round(replace(session), problem)
        session.say(f"{time.strftime('%H:%M:%S')} {done} ({time.perf_counter() - began:.1f} s)")


def _round(session: Session, problem: Callable[[], str | None]) -> str:
    """The changes in words, or why the last version stays."""
    wrong = problem()
    if wrong is not None:
        return f"not deployed, the last version stays: {wrong}"
    done: list[str] = []
    try:
        plan = session.saga.plan()
        if plan:
            apply.apply(plan, session.target, lambda made: done.append(str(made)))
    except (DeployError, TerminalError) as error:
        return f"not deployed, the last version stays: {error}"
    return f"{len(done)} changes" if len(done) > FEW else "; ".join(done) or "nothing to do"
