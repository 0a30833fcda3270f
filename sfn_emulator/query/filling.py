"""Literals with holes: the compiled form of both languages' templates, with the constant parts known."""

from collections.abc import Callable
from typing import Any, TypeAlias

from sfn_emulator.query.compiled import Scope
from sfn_emulator.values import Value

Apply: TypeAlias = Callable[[Any, Scope], Value]


def filled_object(base: dict[str, Value], moving: tuple[tuple[str, Apply], ...]) -> Apply:
    """A copy of the constant members, in the template's order, with the others put in."""
    if len(moving) == 1 and len(base) == 1:
        ((only, only_part),) = moving
        return lambda subject, scope: {only: only_part(subject, scope)}

    def apply(subject: Any, scope: Scope) -> Value:
        made = base.copy()
        for name, part in moving:
            made[name] = part(subject, scope)
        return made

    return apply


def filled_array(items: list[Value], moving: tuple[tuple[int, Apply], ...]) -> Apply:
    """A copy of the constant items with the others put in."""

    def apply(subject: Any, scope: Scope) -> Value:
        made = items.copy()
        for index, part in moving:
            made[index] = part(subject, scope)
        return made

    return apply
