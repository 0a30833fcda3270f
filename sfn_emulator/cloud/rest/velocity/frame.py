"""The state of one rendering of a template: its variables, its text so far, and its remaining budget."""

import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias

STEPS: Final = 200_000
"""Parts and calls that one rendering may take: a few tenths of a second of work."""
SECONDS: Final = 1.0
"""Seconds one rendering may take with its regular expressions."""
LONGEST: Final = 10_485_760
"""Characters of any text a template makes (API Gateway quotas: a payload's 10 MB)."""
DEEPEST: Final = 20
"""Macros within macros (Velocity's ``velocimacro.call.max.depth``)."""


class VtlError(ValueError):
    """A template does not parse, or asks for something that does not exist."""


class Frame:
    """``variables`` is written by #set; ``output`` holds the pieces of text made so far."""

    __slots__ = ("_ends", "_length", "_steps", "depth", "macros", "output", "variables")

    def __init__(self, variables: dict[str, Any], macros: dict[str, Any]) -> None:
        self.variables, self.macros = variables, macros
        self.output: list[str] = []
        self.depth = 0
        self._steps = self._length = 0
        self._ends = time.monotonic() + SECONDS

    def step(self, cost: int = 1) -> None:
        """Raises ``VtlError`` for a template that does too much."""
        self._steps += cost
        if self._steps > STEPS or time.monotonic() > self._ends:
            raise VtlError(f"The template takes more than {STEPS} steps or {SECONDS} s.")

    def seconds_left(self) -> float:
        return max(self._ends - time.monotonic(), 0.001)

    def write(self, text: str) -> None:
        self.step()
        self._length += len(text)
        if self._length > LONGEST:
            raise too_long()
        self.output.append(text)


Part: TypeAlias = Callable[[Frame], None]
Expression: TypeAlias = Callable[[Frame], Any]


def too_long() -> VtlError:
    return VtlError(f"The template makes a text of more than {LONGEST} characters.")


def bounded(text: str) -> str:
    """The text. Raises ``VtlError`` where it is too long."""
    if len(text) > LONGEST:
        raise too_long()
    return text
