"""The checks that need all states of a definition: names, targets, ends, reachability, variables.

``CHECKS`` runs in the order in which AWS reports: missing targets before the missing end, and a missing end hides the
search for unreachable states (measured on AWS).
"""

from collections.abc import Callable
from typing import Final

from sfn_emulator.asl.parsing.draft import Draft, Scope, StateNotes
from sfn_emulator.asl.parsing.graph import reachable
from sfn_emulator.asl.parsing.variables import check_variables
from sfn_emulator.asl.text.report import DUPLICATE_NAME, INVALID_NAME, MISSING_END, MISSING_TARGET

LONGEST_STATE_NAME: Final = 80

Check = Callable[[Draft], None]


def check_names(draft: Draft) -> None:
    """State names are unique over all scopes and have 1 to 80 characters. Outer scopes come first."""
    seen: set[str] = set()
    for scope in draft.scopes:
        for state in scope.states.values():
            if state.name in seen:
                draft.report.error(
                    state.place, f"Duplicate State name: {state.name}", "DUPLICATE_STATE_NAME", code=DUPLICATE_NAME
                )
            seen.add(state.name)
            if not 1 <= len(state.name) <= LONGEST_STATE_NAME:
                draft.report.error(state.place, _misnamed(state.name), code=INVALID_NAME)


def _misnamed(name: str) -> str:
    """The message for a name that is too long is AWS's (reported by users: asl-validator 69); for an empty one it is
    ours.
    """
    if not name:
        return f"State name must have 1 to {LONGEST_STATE_NAME} characters"
    limit = f"exceeds the {LONGEST_STATE_NAME}-character limit allowed by the service"
    return f"Invalid State name: State '{name}' {limit}"


def check_targets(draft: Draft) -> None:
    """Every target is a state of the same scope."""
    everywhere = {name for scope in draft.scopes for name in scope.states}
    for scope in draft.scopes:
        if not scope.stated:
            continue
        if scope.start_at is not None:
            _check_target(draft, scope, scope.start_at, (*scope.place, "StartAt"), everywhere)
        for state in scope.states.values():
            for target, place in state.targets:
                _check_target(draft, scope, target, place, everywhere)


def _check_target(draft: Draft, scope: Scope, target: str, place: tuple[str | int, ...], everywhere: set[str]) -> None:
    if target not in scope.states:
        kind = "BRANCH_TARGET" if target in everywhere else "MISSING_TRANSITION_TARGET"
        draft.report.error(place, f"Missing 'Next' target: {target}", kind, code=MISSING_TARGET)


def check_ends(draft: Draft) -> None:
    """Every scope has a state that ends it. Only in a scope that has one are unreachable states looked for."""
    for scope in draft.scopes:
        if not scope.stated:
            continue
        if any(state.terminal for state in scope.states.values()):
            if scope.start_at is not None and not scope.open:
                _check_reachable(draft, scope)
        else:
            place = (*scope.place, "States")
            draft.report.unplaced(place, "Workflow has no terminal state", "MISSING_TERMINAL", code=MISSING_END)


def _check_reachable(draft: Draft, scope: Scope) -> None:
    reached = reachable(scope, [scope.start_at or ""])
    lost = [state for state in scope.states.values() if state.name not in reached]
    for state in _first_of(scope, lost):
        message = f'State "{state.name}" is not reachable.'
        draft.report.error(state.place, message, "UNREACHABLE", code=MISSING_TARGET)


def _first_of(scope: Scope, lost: list[StateNotes]) -> list[StateNotes]:
    """The unreachable state to name. For a chain it is the one that begins it, as on AWS; for a ring the first in the
    text.
    """
    led_to = {target for state in lost for target, _ in state.targets if target != state.name}
    first = [state for state in lost if state.name not in led_to]
    covered = reachable(scope, [state.name for state in first])
    for state in lost:
        if state.name not in covered:
            first.append(state)
            covered |= reachable(scope, [state.name])
    return first


CHECKS: Final[tuple[Check, ...]] = (check_names, check_targets, check_ends, check_variables)
