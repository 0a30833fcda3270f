"""The part of its data that can still make a difference to a saga. Two places that differ only in other data are one.

A value matters if a Choice asks about it or if it goes into other data. Of a Task's parameters only their presence
matters, because the walk does not run the Task.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sfn_emulator.asl.model import (
    Branch,
    Choice,
    Fail,
    JsonataFlow,
    Machine,
    Map,
    State,
    Task,
    Wait,
    branches,
    states_of,
)
from sfn_emulator.prove.walk.unknown.reads import CONTEXT, SUBJECT, Read, reads_of
from sfn_emulator.prove.walk.unknown.rings import rings
from sfn_emulator.prove.walk.unknown.values import INPUT, Facts, Key, MissingError, at, opened
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.query.jsonpath.conditions import COMBINATORS, IS_PRESENT
from sfn_emulator.values import Value

_ROOTS: Final = frozenset({SUBJECT, "input"})
_THERE: Final = "there"
_NOT_THERE: Final = "not there"


class Need(NamedTuple):
    """``keys`` of the document are looked at; ``value``: for what stands there, not only whether something does."""

    keys: tuple[Key, ...]
    value: bool


def needs_by_state(body: Branch, nested: frozenset[str] = frozenset()) -> Mapping[str, tuple[Need, ...]]:
    """For every top-level state, the data that it and all later states look at. ``nested`` Tasks pass on the data they
    read.
    """
    own = {name: frozenset(_needs(state, nested)) for name, state in body.states.items()}
    targets = {name: frozenset(targets_of(state)) for name, state in body.states.items()}
    made = dict(own)
    changed = True
    while changed:
        changed = False
        for name, after in targets.items():
            union = made[name].union(*(made[target] for target in after if target in made))
            if union != made[name]:
                made[name], changed = union, True
    return {name: _simplified(needs) for name, needs in made.items()}


def _simplified(needs: frozenset[Need]) -> tuple[Need, ...]:
    """The needs without those that a wider one includes."""
    wide = [need.keys for need in needs if need.value]

    def covered(need: Need) -> bool:
        return any(need.keys[: len(keys)] == keys and (need.keys != keys or not need.value) for keys in wide)

    return tuple(sorted((need for need in needs if not covered(need)), key=repr))


def what_matters(document: Value, needs: tuple[Need, ...], facts: Facts) -> list[Value]:
    """The part of the document that can still make a difference: what stands at the places of the ``needs``."""
    made: list[Value] = []
    for need in needs:
        try:
            value = at(opened(document, need.keys, facts), need.keys)
        except MissingError:
            made.append(_NOT_THERE)
            continue
        made.append([value] if need.value else _THERE)
    return made


def targets_of(state: State) -> Iterator[str]:
    """The names of the states that may come next."""
    for target in (getattr(state, "next", None), getattr(state, "default", None)):
        if target is not None:
            yield target
    for way in (*getattr(state, "rules", ()), *getattr(state, "catch", ())):
        yield way.next


def circling(body: Branch) -> frozenset[str]:
    """States that the machine may come to again."""
    found = rings({name: set(targets_of(state)) for name, state in body.states.items()})
    return frozenset(name for ring in found for name in ring)


def caught_from(body: Branch, entered: set[str]) -> set[str]:
    """States that more faults would reach: those behind a Catcher of a state that was entered, and all that follow."""
    caught = [c.next for name, state in body.states.items() if name in entered for c in getattr(state, "catch", ())]
    found: set[str] = set()
    while caught:
        name = caught.pop()
        if name not in found and name not in entered:
            found.add(name)
            state = body.states[name]
            caught += targets_of(state)
            found |= {inner.name for branch in branches(state) for inner in states_of(branch)}
    return found


def _needs(state: State, nested: frozenset[str]) -> Iterator[Need]:
    calls = isinstance(state, Task | Fail | Wait) and state.name not in nested
    for name, compiled in expressions(state):
        value = not (calls and name in _CALLING)
        if name in _OF_THE_RESULT and not isinstance(state.flow, JsonataFlow):
            continue
        for read in reads_of(compiled.source):
            if read.root in _ROOTS and (read.keys or value):
                yield Need(read.keys, value or not read.whole)
            elif read.root == CONTEXT and read.keys[:2] == ("Execution", "Input"):
                continue  # an execution's input never changes
    if isinstance(state, Choice):
        for rule in state.rules:
            yield from _asked(rule.condition.source)
    for inner in branches(state):
        for inside in inner.states.values():
            yield from _needs(inside, nested)


_CALLING: Final = frozenset(
    {"parameters", "arguments", "error", "cause", "seconds", "timestamp", "timeout", "heartbeat", "credentials"}
)
_OF_THE_RESULT: Final = frozenset({"result_selector", "output_path"})


def expressions(state: State) -> Iterator[tuple[str, Compiled]]:
    """Each with the name of its field; conditions apart."""
    holders: list[Any] = [state.flow, state, *getattr(state, "catch", ()), *getattr(state, "rules", ())]
    distribution = getattr(state, "distribution", None)
    if distribution is not None:
        holders += [distribution, *filter(None, (distribution.reader, distribution.batcher, distribution.writer))]
    for holder in holders:
        for name in holder.__slots__:
            value = getattr(holder, name)
            if isinstance(value, Compiled) and name != "condition":
                yield name, value
    if isinstance(state, Map) and state.items is None:
        yield "items", Compiled(SUBJECT, lambda subject, scope: subject)
    output_path = getattr(state.flow, "output_path", None)
    if output_path is not None:
        yield "outputs", output_path


def _asked(condition: Value) -> Iterator[Need]:
    if not isinstance(condition, dict):
        yield from (Need(read.keys, True) for read in reads_of(condition) if read.root in _ROOTS)
        return
    for operator in COMBINATORS:
        inner = condition.get(operator)
        for part in inner if isinstance(inner, list) else [inner] if inner is not None else []:
            yield from _asked(part)
    reads: list[Read] = list(reads_of(condition.get("Variable", "")))
    reads += [r for name, text in condition.items() if name.endswith("Path") for r in reads_of(text)]
    yield from (Need(read.keys, IS_PRESENT not in condition) for read in reads if read.root in _ROOTS)


def written_by(machine: Machine) -> frozenset[str]:
    """Members of the input that the machine itself writes: what is given does not have them."""
    names: set[str] = set()
    for state in states_of(machine.body):
        paths = [getattr(state.flow, "result_path", None)]
        paths += [catcher.result_path for catcher in getattr(state, "catch", ())]
        names |= {path.source[2:].split(".")[0].split("[")[0] for path in paths if path and path.source[:2] == "$."}
    return frozenset(f"{INPUT}.{name}" for name in names)
