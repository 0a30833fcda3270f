"""Claims about the tables, in the words of model checkers: *always*, *at the end*, *sometimes*.

    from sfn_emulator.prove.invariants import always, at_the_end, sometimes

    @at_the_end
    def an_order_that_failed_leaves_no_trace(before, after, execution):
        assert execution.status == "SUCCEEDED" or after == before

A claim is a plain function. It gets the values that its parameters name: ``before`` (tables at the start), ``now``
(tables at this moment), ``after`` (tables at the end), ``execution`` and ``faults``. Tables are ``{name: [row, …]}``,
rows plain dicts, and the claim's own copies. It is broken when it raises, when it returns ``False``, and when it
returns anything but ``None``, ``True`` and ``False``. A ``sometimes`` holds when it returns true in at least one run.
It shows that the runs reached the situations that the other claims are about.
"""

import copy
import inspect
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final, TypeAlias, TypeVar

Claim: TypeAlias = Callable[..., Any]
F = TypeVar("F", bound=Claim)
_MARK: Final = "__prove_when__"
KNOWN: Final = frozenset({"before", "now", "after", "execution", "faults"})


class InvariantError(Exception):
    """A claim can't be checked; the text says which and why."""


def always(claim: F) -> F:
    """Marks a claim that is checked after every step, and at the end."""
    return _marked(claim, "always")


def at_the_end(claim: F) -> F:
    """Marks a claim that is checked when the execution has ended."""
    return _marked(claim, "at_the_end")


def sometimes(claim: F) -> F:
    """Marks a claim that must be true at the end of at least one run."""
    return _marked(claim, "sometimes")


def _marked(claim: F, when: str) -> F:
    setattr(claim, _MARK, when)
    return claim


@dataclass(frozen=True)
class Invariants:
    """Claims by name."""

    always: Mapping[str, Claim] = field(default_factory=dict)
    at_the_end: Mapping[str, Claim] = field(default_factory=dict)
    sometimes: Mapping[str, Claim] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.always, *self.at_the_end)


def invariants_of(module: ModuleType | Sequence[Claim]) -> Invariants:
    """The marked functions of a module, or of a list. Raises ``InvariantError``."""
    check_asserts()
    found = list(vars(module).values()) if isinstance(module, ModuleType) else list(module)
    by_time: dict[str, dict[str, Claim]] = {"always": {}, "at_the_end": {}, "sometimes": {}}
    for claim in found:
        when = getattr(claim, _MARK, None)
        if when is None:
            continue
        _check_is_run(claim)
        known_then = KNOWN - {"after"} if when == "always" else KNOWN
        wrong = [name for name in inspect.signature(claim).parameters if name not in known_then]
        if wrong:
            known = ", ".join(sorted(known_then))
            raise InvariantError(f"invariant {claim.__name__}: nothing is known of '{wrong[0]}'; there are {known}")
        by_time[when][claim.__name__] = claim
    if not any(by_time.values()):
        name = getattr(module, "__name__", "the list")
        raise InvariantError(f"{name} has no invariants: mark functions with @always, @at_the_end or @sometimes")
    return Invariants(**by_time)


def check_asserts() -> None:
    """Raises ``InvariantError`` where Python leaves ``assert`` out: then no claim could be broken."""
    if not __debug__:
        raise InvariantError(
            "Python leaves assert out here (-O, PYTHONOPTIMIZE), so no claim could be broken; run it without"
        )


def _check_is_run(claim: Claim) -> None:
    for is_kind, kind in _LATER:
        if is_kind(claim):
            raise InvariantError(f"invariant {claim.__name__} is {kind}: calling it runs nothing; make it a function")


_LATER: Final = (
    (inspect.iscoroutinefunction, "a coroutine (async def)"),
    (inspect.isasyncgenfunction, "an asynchronous generator"),
    (inspect.isgeneratorfunction, "a generator (it has a yield)"),
)


def broken(claim: Claim, **told: Any) -> str | None:
    """Why the claim does not hold; ``None`` if it does."""
    try:
        answer = ask(claim, **told)
    except AssertionError as wrong:
        return " ".join(str(wrong).split())[:600] or "assertion failed"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:600]
    if answer is None or answer is True:
        return None
    return "it returned False" if answer is False else f"it returned {answer!r:.80}; a claim returns True or False"


def held(claim: Claim, **told: Any) -> bool | str:
    """Whether a ``sometimes`` is true; why it could not be asked, if it raised what is no ``AssertionError``."""
    try:
        return bool(ask(claim, **told))
    except AssertionError:
        return False
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]


def ask(claim: Claim, **told: Any) -> Any:
    """The claim's answer. It gets copies of those values that its parameters name."""
    names = inspect.signature(claim).parameters
    return claim(**{name: _own(value) for name, value in told.items() if name in names})


def _own(value: Any) -> Any:
    """A copy, so that no claim is asked about what another one made of the tables."""
    return pickle.loads(pickle.dumps(value)) if isinstance(value, dict) else copy.copy(value)
