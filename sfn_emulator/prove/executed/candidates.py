"""The faults that can happen to a call: by what the definition names and what the claims say of its Task."""

from collections.abc import Mapping, Sequence
from typing import Final

from sfn_emulator.asl.model import Catcher, Machine, Retrier, Task, states_of
from sfn_emulator.prove.claims import Claims
from sfn_emulator.prove.faults import BY_NAME, Fault, Kind, is_function
from sfn_emulator.prove.walk.unknown.literals import error_names
from sfn_emulator.prove.world.calls import Call
from sfn_emulator.prove.world.exploration import Faults

_READING: Final = (Kind.BEFORE, Kind.THROTTLE, Kind.NAMED, Kind.ANSWER, Kind.OTHER_ANSWER, Kind.DIES_BEFORE)
"""The faults of a Task that changes nothing: for it, done and not done are the same."""


def faults_of(claims: Claims, named: Mapping[str, tuple[str, ...]], only: Sequence[Sequence[Kind]]) -> Faults:
    """The faults of a call. Named errors are placed alone: errors that are handled alike need not be paired."""

    def faults(call: Call, placed: int) -> list[Fault]:
        wanted = _READING if call.task in claims.reads else tuple(Kind)
        asked = only[min(placed, len(only) - 1)] if only else ()
        kinds = [kind for kind in wanted if (not asked or kind in asked) and _can(kind, call, claims)]
        names = () if placed else named.get(call.task, ())
        refusals = claims.refusals.get(call.task, ())
        plain = [Fault(call.number, call.task, kind) for kind in kinds if kind not in BY_NAME]
        return plain + [
            Fault(call.number, call.task, kind, name)
            for kind in kinds
            for name in names
            if kind is Kind.NAMED or (kind is Kind.NAMED_AFTER and name not in refusals)
        ]

    return faults


def named_errors(machine: Machine) -> dict[str, tuple[str, ...]]:
    """By Task, the errors that its Retriers and Catchers name, and those that Choices ask about. Those that begin with
    ``States.`` stand for many.
    """
    asked = error_names(machine) or ()
    found = {}
    for state in states_of(machine.body):
        if isinstance(state, Task):
            handlers: tuple[Retrier | Catcher, ...] = (*state.retry, *state.catch)
            names = [name for handler in handlers for name in handler.error_equals] + [*asked]
            found[state.name] = tuple(dict.fromkeys(name for name in names if not name.startswith("States.")))
    return found


def _can(kind: Kind, call: Call, claims: Claims) -> bool:
    """Whether that fault can happen to the call: some have no time-out, most have no second answer in the claims."""
    request = call.effect.request
    if kind is Kind.OVERDUE:
        limits = [limit for limit in (request.timeout, request.heartbeat) if limit is not None]
        return bool(limits) and claims.longest(call.task) > min(limits)
    if kind is Kind.DELAY:
        return is_function(call.resource) or request.timeout is not None or request.heartbeat is not None
    return kind is not Kind.OTHER_ANSWER or call.task in claims.answers
