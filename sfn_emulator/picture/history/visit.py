"""The nouns of what happened: visits of states, the attempts within them, and the lines of control they lie on.

Texts of inputs, outputs and variables are JSON as the history has them; ``None`` where it has none. Times are epoch
seconds of the execution's own clock. Numbers of events are AWS's ids, counted from 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Outcome(StrEnum):
    """The outcome of a state. Of many visits of one state, the first outcome in this order that applies is shown.

    ``TURNED`` is a step whose answer made a Choice lead to states that handle failures; for a compensation, to the
    target of its own Catcher.
    """

    FAILED = "failed"
    RUNNING = "running"
    WAITING = "waiting"
    RETRYING = "retrying"
    ABORTED = "aborted"
    CAUGHT = "caught"
    TURNED = "turned"
    COMPENSATED = "compensated"
    DONE = "done"


OPEN: Final = frozenset((Outcome.RUNNING, Outcome.WAITING, Outcome.RETRYING))


@dataclass(slots=True)
class Attempt:
    """One try of a Task. ``wait`` is the seconds until the next try, ``None`` if there was none."""

    number: int
    event: int
    began: float
    ended: float | None = None
    input: str | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    wait: float | None = None
    resource: str = ""


@dataclass(slots=True)
class Line:
    """A line of control: the top level (no owner), a Parallel's branch or a Map's iteration.

    ``round`` counts the attempts of the owner. ``visits`` are numbers.
    """

    owner: int | None
    index: int
    round: int = 0
    visits: list[int] = field(default_factory=list)
    variables: Mapping[str, str] = field(default_factory=dict)
    status: str = ""
    event: int = 0


@dataclass(slots=True)
class Visit:
    """A state that was entered, and all that followed until it was left.

    ``line`` is the number of the line it lies on, ``lines`` the numbers of those inside it. ``entered_by`` and
    ``left_by`` are events. ``next`` is the number of the visit that followed on the line. ``result`` is that of a Task
    or a region. ``caught`` says that a Catcher took ``error``.
    """

    number: int
    state: str
    type: str
    line: int
    entered: float
    entered_by: int
    input: str | None = None
    left: float | None = None
    left_by: int = 0
    output: str | None = None
    outcome: Outcome = Outcome.RUNNING
    error: str | None = None
    cause: str | None = None
    caught: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    result: str | None = None
    lines: list[int] = field(default_factory=list)
    rounds: int = 0
    length: int | None = None
    map_run: str | None = None
    events: list[int] = field(default_factory=list)
    before: Mapping[str, str] = field(default_factory=dict)
    assigned: Mapping[str, str] | None = None
    next: int | None = None
    closed: bool = False
    redriven: int = 0

    @property
    def after(self) -> Mapping[str, str]:
        """The variables when it had ended: name → JSON text."""
        return {**self.before, **self.assigned} if self.assigned else self.before

    @property
    def seconds(self) -> float | None:
        """``None`` while it is on, and where the history tells no times."""
        return None if self.left is None or not self.entered else self.left - self.entered


@dataclass(slots=True)
class Happened:
    """A whole execution. ``visits`` and ``lines`` are found by their numbers; line 0 is the top level."""

    visits: list[Visit] = field(default_factory=list)
    lines: list[Line] = field(default_factory=lambda: [Line(None, 0)])
    status: str = "RUNNING"
    started: float = 0.0
    ended: float | None = None
    input: str | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    role: str = ""
    redrives: int = 0
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def on(self, line: int) -> list[Visit]:
        """The visits on a line, in their order."""
        return [self.visits[number] for number in self.lines[line].visits]
