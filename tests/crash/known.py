"""The answers that clients got about one execution while servers were dying."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Known:
    """``histories`` and ``described`` are the last answers, as they came."""

    kind: str
    n: int
    arn: str
    acknowledged: bool = False
    stop: str = "no"
    """``no``, ``asked`` (nobody said it was heard), ``heard``."""
    histories: list[tuple[float, list[Any]]] = field(default_factory=list)
    """With when they had been told (monotonic seconds)."""
    described: list[Any] = field(default_factory=list)
    redriven: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.n}"
