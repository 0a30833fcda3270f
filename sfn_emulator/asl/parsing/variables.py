"""Variables: their names, and in which scopes they exist (`workflow-variables`)."""

from collections.abc import Iterator
from typing import Final

from sfn_emulator.asl.parsing.draft import Draft, Fields, Scope, StateNotes
from sfn_emulator.asl.parsing.graph import follow
from sfn_emulator.asl.text.report import SCHEMA
from sfn_emulator.values import Place

LONGEST_NAME: Final = 80
RESERVED_NAME: Final = "states"

_PASSES: Final = 50
"""Passes over a scope. One suffices without loops; each level of nested loops needs one more."""


def note_assigned(fields: Fields) -> None:
    """Notes the names that Assign sets. Refuses a name that is not a Unicode identifier of at most 80 characters."""
    for key in fields.raw["Assign"]:
        name = key if fields.state.jsonata else key.removesuffix(".$")
        place = (*fields.at("Assign"), key)
        if name == RESERVED_NAME:
            fields.draft.report.error(place, "The variable name 'states' is reserved", "VARIABLE")
        elif not name.isidentifier() or len(name) > LONGEST_NAME:
            message = f"The variable name '{name}' must be an identifier of at most {LONGEST_NAME} characters"
            fields.draft.report.error(place, message, "VARIABLE")
        else:
            fields.state.assigns.setdefault(name, place)


def check_variables(draft: Draft) -> None:
    """No inner scope reuses an outer variable's name; no JSONPath state reads a variable that no state could have
    assigned.

    In JSONata an unknown variable is undefined and AWS finds out at run time (recorded).
    """
    for scope in draft.scopes:
        _check_shadowing(draft, scope)
    known = not draft.alone and not any(scope.open for scope in draft.scopes)
    if known and any(state.reads for scope in draft.scopes for state in scope.states.values()):
        _check_reads(draft)


def variable_references(draft: Draft) -> dict[str, tuple[str, ...]]:
    """State name → names read, in definition order, as DescribeStateMachine reports them."""
    states = (state for scope in draft.scopes for state in scope.states.values())
    return {state.name: tuple(sorted(state.reads)) for state in states if state.reads}


def _outer(scope: Scope) -> Iterator[Scope]:
    """The surrounding scopes whose variables can be seen."""
    while scope.owner is not None and not scope.isolated:
        scope = scope.owner.scope
        yield scope


def _check_shadowing(draft: Draft, scope: Scope) -> None:
    taken = _taken(scope)
    if not taken:
        return
    for state in scope.states.values():
        for name, place in state.assigns.items():
            if name in taken:
                message = f"The variable name '{name}' was already defined in a parent scope."
                draft.report.error(place, message, "VARIABLE")


def _taken(scope: Scope) -> set[str]:
    """The variables that surrounding states assign, without those that a Catch of these states assigns (recorded
    2024-11).
    """
    owners = set()
    inner = scope
    while inner.owner is not None:
        owners.add(id(inner.owner))
        inner = inner.owner.scope
    return {
        name
        for outer in _outer(scope)
        for state in outer.states.values()
        for name, place in state.assigns.items()
        if not (id(state) in owners and place[len(state.place)] == "Catch")
    }


def _check_reads(draft: Draft) -> None:
    names = {name for scope in draft.scopes for state in scope.states.values() for name in state.reads}
    bits = {name: 1 << index for index, name in enumerate(sorted(names))}
    known: dict[int, dict[str, int]] = {}
    for scope in draft.scopes:
        known[id(scope)] = reaching = _reaching(scope, known, bits)
        for state in scope.states.values():
            for name, place in state.reads.items():
                if not state.jsonata and not reaching[state.name] & bits[name]:
                    _refuse_read(draft, state, name, place)


def _refuse_read(draft: Draft, state: StateNotes, name: str, place: Place) -> None:
    """A Fail state fails either way, so there the problem is a warning only."""
    message = f"The variable '${name}' is not assigned on any path that leads here"
    if state.fails:
        draft.report.warning(place, message, SCHEMA, kind="VARIABLE")
    else:
        draft.report.error(place, message, "VARIABLE")


def _reaching(scope: Scope, known: dict[int, dict[str, int]], bits: dict[str, int]) -> dict[str, int]:
    """For each state, the variables that some path to it may have assigned, as a set of bits.

    Forward flow, state after state in the order of the transitions, until nothing changes. An unreachable state, which
    is a problem of its own, counts as seeing every variable. So do all states if the passes do not suffice.
    """
    owner = scope.owner
    outside = 0 if owner is None or scope.isolated else known[id(owner.scope)][owner.name]
    assigned = {name: _bits_of(state, bits) for name, state in scope.states.items()}
    order = follow(scope)
    reaching = dict.fromkeys(order, outside)
    for _ in range(_PASSES):
        before = list(reaching.values())
        for name in order:
            after = reaching[name] | assigned[name]
            for target, _place in scope.states[name].targets:
                if target in reaching:
                    reaching[target] |= after
        if before == list(reaching.values()):
            return {name: reaching.get(name, -1) for name in scope.states}
    return dict.fromkeys(scope.states, -1)


def _bits_of(state: StateNotes, bits: dict[str, int]) -> int:
    found = 0
    for name in state.assigns:
        found |= bits.get(name, 0)
    return found
