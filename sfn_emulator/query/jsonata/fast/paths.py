"""Paths of the fast way: names through objects and arrays, and predicates, with the reference's rules on sequences.

A *sequence* is the result of a step. It is flattened into its surroundings, and a sequence of one item is that item. An
array of the data is kept as it is where a path ends in it.
"""

from collections.abc import Callable
from typing import TypeAlias

from sfn_emulator.query.compiled import Scope, States
from sfn_emulator.query.jsonata.fast.operators import Doubt, Fast, boolean, is_number
from sfn_emulator.values import UNSET, Value

Selector: TypeAlias = Callable[[States, Scope, list[Value]], tuple[list[Value], bool]]
"""A predicate: the items it selects, and whether they are a sequence (not one array of the data)."""
Step: TypeAlias = tuple[str, tuple[Selector, ...]]


# -- where a path begins


def context_item(states: States, scope: Scope, context: Value) -> Value:
    return context


def holding(name: str, source: Fast) -> Fast:
    """``{name: source}``; an empty object where the source is undefined."""

    def holder(states: States, scope: Scope, context: Value) -> Value:
        value = source(states, scope, context)
        return {} if value is UNSET else {name: value}

    return holder


def context_object(states: States, scope: Scope, context: Value) -> Value:
    return scope.context()


def field_of(position: int) -> Fast:
    return lambda states, scope, context: states[position]


# -- names


def walk(source: Fast, steps: tuple[Step, ...]) -> Fast:
    """Follows the names through objects. A list on the way, or a predicate, is handled by ``_over``."""
    if len(steps) == 1 and not steps[0][1]:
        return _one_step(source, steps[0][0], steps)
    plain = tuple(name for name, stages in steps) if not any(stages for _, stages in steps) else ()

    def walk(states: States, scope: Scope, context: Value) -> Value:
        value = source(states, scope, context)
        for position, name in enumerate(plain):
            if type(value) is dict:
                value = value.get(name, UNSET)
            elif type(value) is list:
                return _over(states, scope, value, steps[position:])
            else:
                return UNSET
        return value if plain else _from(states, scope, value, steps)

    return walk


def _one_step(source: Fast, name: str, steps: tuple[Step, ...]) -> Fast:
    def walk(states: States, scope: Scope, context: Value) -> Value:
        value = source(states, scope, context)
        if type(value) is dict:
            return value.get(name, UNSET)
        return _over(states, scope, value, steps) if type(value) is list else UNSET

    return walk


def _from(states: States, scope: Scope, value: Value, steps: tuple[Step, ...]) -> Value:
    return UNSET if value is UNSET else _over(states, scope, value if type(value) is list else [value], steps)


def _over(states: States, scope: Scope, items: list[Value], steps: tuple[Step, ...]) -> Value:
    """The reference's path over a sequence of items: each step maps, drops undefined and flattens by one level.

    The last step keeps an array as it is when it is the only result and was not itself a selection.
    """
    for position, (name, stages) in enumerate(steps, 1):
        found, intact = _mapped(states, scope, items, name, stages)
        if position == len(steps) and intact:
            return found[0]
        items = _flattened(found)
        if not items:
            return UNSET
    return items[0] if len(items) == 1 else items


def _mapped(
    states: States, scope: Scope, items: list[Value], name: str, stages: tuple[Selector, ...]
) -> tuple[list[Value], bool]:
    """The results of a step in each item, and whether they are one array that is kept as it is."""
    found: list[Value] = []
    intact = False
    for item in items:
        value = item.get(name, UNSET) if type(item) is dict else _looked_up(item, name)
        if value is UNSET:
            continue
        sequence = type(value) is _Sequence
        for stage in stages:
            value, sequence = stage(states, scope, value if isinstance(value, list) else [value])
        found.append(value)
        intact = isinstance(value, list) and not sequence
    return found, intact and len(found) == 1


class _Sequence(list[Value]):
    """A sequence, which is flattened into its surroundings; an array of the data would be kept. It never leaves this
    module.
    """


def _looked_up(item: Value, name: str) -> Value:
    """A name in an array inside an array: the sequence of its objects' values."""
    if type(item) is not list:
        return UNSET
    found = _Sequence()
    _collect(item, name, found)
    return UNSET if not found else found[0] if len(found) == 1 else found


def _collect(items: list[Value], name: str, found: list[Value]) -> None:
    for item in items:
        if type(item) is list:
            _collect(item, name, found)
        elif type(item) is dict and name in item:
            value = item[name]
            found.extend(value) if type(value) is list else found.append(value)


def _flattened(found: list[Value]) -> list[Value]:
    flat: list[Value] = []
    for value in found:
        if isinstance(value, list):
            flat.extend(value)
        else:
            flat.append(value)
    return flat


# -- predicates


def indexed(index: int) -> Selector:
    def select(states: States, scope: Scope, items: list[Value]) -> tuple[list[Value], bool]:
        if not -len(items) <= index < len(items):
            return [], True
        item = items[index]
        return (item, False) if type(item) is list else ([item], True)

    return select


def filtered(condition: Fast) -> Selector:
    def select(states: States, scope: Scope, items: list[Value]) -> tuple[list[Value], bool]:
        kept = []
        for index, item in enumerate(items):
            verdict = condition(states, scope, item)
            if verdict is True or (verdict is not False and _chosen(verdict, index, len(items))):
                kept.append(item)
        return kept, True

    return select


def _chosen(verdict: Value, index: int, length: int) -> bool:
    """A number is an index; arrays (of indexes, perhaps) are left to the library."""
    if type(verdict) is list or type(verdict) is float or (type(verdict) is int and not is_number(verdict)):
        raise Doubt
    if type(verdict) is int:
        return index == (verdict if verdict >= 0 else verdict + length)
    return boolean(verdict)


def predicated(closure: Fast, selectors: tuple[Selector, ...]) -> Fast:
    """Predicates on anything but a name in a path: a remaining sequence of one is its item."""

    def apply(states: States, scope: Scope, context: Value) -> Value:
        value = closure(states, scope, context)
        if value is UNSET:
            return UNSET
        sequence = False
        for select in selectors:
            value, sequence = select(states, scope, value if isinstance(value, list) else [value])
        if not sequence:
            return value
        return UNSET if not value else value[0] if len(value) == 1 else value

    return apply
