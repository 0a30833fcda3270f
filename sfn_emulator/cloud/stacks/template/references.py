"""The dependencies between resources, and the order in which they are made."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfn_emulator.cloud.stacks.errors import StackError
from sfn_emulator.cloud.stacks.template.intrinsics import holds
from sfn_emulator.cloud.stacks.template.model import Declared, Template
from sfn_emulator.cloud.stacks.template.scope import Scope

_NAMED: Final = re.compile(r"\$\{([^!}][^}]*)\}")


def mentioned(value: Any, scope: Scope) -> Iterator[str]:
    """Names that Ref, GetAtt and Sub refer to, in the branch of each ``Fn::If`` that is taken."""
    if isinstance(value, list):
        for item in value:
            yield from mentioned(item, scope)
    elif isinstance(value, dict):
        if len(value) == 1:
            (name,) = value
            found = _DIRECT.get(name)
            if found is not None:
                yield from found(value[name], scope)
                return
        for item in value.values():
            yield from mentioned(item, scope)


def _of_ref(told: Any, scope: Scope) -> Iterator[str]:
    yield str(told)


def _of_attribute(told: Any, scope: Scope) -> Iterator[str]:
    if isinstance(told, str):
        yield told.partition(".")[0]
    elif isinstance(told, list) and told:
        yield str(told[0])
    if isinstance(told, list):
        yield from mentioned(told[1:], scope)


def _of_text(told: Any, scope: Scope) -> Iterator[str]:
    text, own = told if isinstance(told, list) and len(told) == 2 else (told, {})
    if isinstance(text, str):
        for name in _NAMED.findall(text):
            if name.strip() not in own:
                yield name.strip().partition(".")[0]
    yield from mentioned(own, scope)


def _of_choice(told: Any, scope: Scope) -> Iterator[str]:
    if isinstance(told, list) and len(told) == 3:
        yield from mentioned(told[1] if holds(str(told[0]), scope) else told[2], scope)


_DIRECT: Final = {"Ref": _of_ref, "Fn::GetAtt": _of_attribute, "Fn::Sub": _of_text, "Fn::If": _of_choice}


def wanted(template: Template, scope: Scope) -> dict[str, Declared]:
    """The resources whose conditions hold, each after those it needs; in the template's order where dependencies leave
    a choice.

    Raises ``StackError`` for unknown names and for circles.
    """
    taken = {
        name: row for name, row in template.resources.items() if row.condition is None or holds(row.condition, scope)
    }
    needs = {name: _needs(row, template, scope) & set(taken) for name, row in taken.items()}
    return {name: taken[name] for name in in_order(needs)}


def _needs(row: Declared, template: Template, scope: Scope) -> set[str]:
    names = set(mentioned([row.properties, row.metadata, row.update_policy], scope))
    known = set(template.resources) | set(scope.parameters)
    if missing := sorted(names - known):
        raise StackError(
            f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] in the Resources "
            "block of the template"
        )
    if absent := sorted(set(row.depends_on) - set(template.resources)):
        raise StackError(
            f"Template format error: Unresolved resource dependencies [{', '.join(absent)}] in the Resources "
            "block of the template"
        )
    return names | set(row.depends_on)


def in_order(needs: Mapping[str, set[str]]) -> list[str]:
    """Raises ``StackError`` for a circle."""
    done: dict[str, None] = {}
    under_way: set[str] = set()

    def visit(name: str) -> None:
        if name in done:
            return
        if name in under_way:
            raise StackError(f"Circular dependency between resources: [{', '.join(sorted(_circle(needs)))}]")
        under_way.add(name)
        for needed in sorted(needs[name], key=list(needs).index):
            visit(needed)
        done[name] = None

    for name in needs:
        visit(name)
    return list(done)


def _circle(needs: Mapping[str, set[str]]) -> set[str]:
    """The resources of a circle: those left after resources that wait for nothing have been removed, again and
    again.
    """
    left = {name: set(needed) for name, needed in needs.items()}
    while free := [name for name, needed in left.items() if not needed & set(left)]:
        for name in free:
            del left[name]
    return set(left)
