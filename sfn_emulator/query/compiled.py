"""The compiled form of every query, in both languages, and the scope it may read when applied."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sfn_emulator.values import UNSET, Unset, Value


class Draws(Protocol):
    """Ids, randomness and the present, drawn so that a replayed run draws the same again."""

    def uuid(self) -> str: ...
    def random(self) -> float:
        """In [0, 1)."""

    def now(self) -> float:
        """Seconds since the epoch, UTC, at the start of the present turn."""


class Scope(Protocol):
    """The values that an expression may read besides its input."""

    @property
    def variables(self) -> Mapping[str, Value]: ...
    @property
    def draws(self) -> Draws: ...
    def context(self) -> dict[str, Value]:
        """The context object (``$$``, ``$states.context``), built when asked for."""


class States(NamedTuple):
    """``$states`` of a JSONata expression; ``context`` comes from the scope."""

    input: Value
    result: Value | Unset = UNSET
    error_output: Value | Unset = UNSET


@dataclass(frozen=True, slots=True)
class Compiled:
    """One compiled expression or template.

    ``apply(subject, scope)`` gives the value or raises ``EvaluationError``. The subject is the JSONPath root (``$``)
    in JSONPath states and a ``States`` in JSONata states. ``variables`` are the names it reads, ``reserved`` the
    members of ``$states`` it reads (``result``, ``errorOutput``, ...). ``constant`` says that the value does not depend
    on the subject.
    """

    source: Value
    apply: Callable[[Any, Scope], Value] = field(repr=False, compare=False)
    variables: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset()
    constant: bool = False


@dataclass(frozen=True, slots=True)
class ResultPath:
    """A reference path that places a result into an input: ``place(input, result) -> output`` makes a new value."""

    source: str
    place: Callable[[Value, Value], Value] = field(repr=False, compare=False)
