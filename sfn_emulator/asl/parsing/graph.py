"""Walks along the transitions of a scope."""

from collections import deque
from collections.abc import Iterable

from sfn_emulator.asl.parsing.draft import Scope


def reachable(scope: Scope, start: Iterable[str]) -> set[str]:
    """The states that can be reached from ``start``, these included."""
    waiting = deque(name for name in start if name in scope.states)
    reached = set(waiting)
    while waiting:
        for target, _ in scope.states[waiting.popleft()].targets:
            if target in scope.states and target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached


def follow(scope: Scope) -> list[str]:
    """The reachable states so that, loops apart, every state comes behind those that lead to it (reverse postorder)."""
    if scope.start_at not in scope.states:
        return []
    done: list[str] = []
    seen = {scope.start_at}
    path = [(scope.start_at, iter(scope.states[scope.start_at].targets))]
    while path:
        name, targets = path[-1]
        for target, _ in targets:
            if target in scope.states and target not in seen:
                seen.add(target)
                path.append((target, iter(scope.states[target].targets)))
                break
        else:
            path.pop()
            done.append(name)
    return done[::-1]
