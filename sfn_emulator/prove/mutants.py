"""Mutants of a definition: in each, one thing is removed or changed. Good claims notice it.

Mutants that are invalid definitions are left out. One that the static walk notices needs no world to be caught.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

from sfn_emulator.asl.parse import load
from sfn_emulator.errors import DefinitionError
from sfn_emulator.prove.claims import Claims

Raw = dict[str, Any]


@dataclass(frozen=True)
class Mutant:
    """``name`` says what was changed: ``Retry of Revert Payment``."""

    name: str
    definition: str


def mutants_of(text: str, claims: Claims) -> list[Mutant]:
    """Every mutant that is a valid definition, each different from all others and from the original."""
    made: dict[str, Mutant] = {}
    original = json.loads(text)
    for name, change in _changes(original, claims):
        raw = deepcopy(original)
        change(raw)
        _prune(raw)
        told = json.dumps(raw, ensure_ascii=False)
        if told != json.dumps(original, ensure_ascii=False) and told not in made and _is_valid(told):
            made[told] = Mutant(name, told)
    return list(made.values())


Change = Callable[[Raw], None]


def _changes(raw: Raw, claims: Claims) -> Iterator[tuple[str, Change]]:
    for path, state in _states(raw, ()):
        name = path[-1]
        for field in ("Catch", "Retry"):
            if state.get(field):
                yield f"{field} of {name}", _at(path, partial(_without, field))
        if name in claims.undo.values() and "Next" in state:
            yield f"compensation {name}", _at(path, _skip)
        for index, rule in enumerate(state.get("Choices", ())):
            yield f"rule {index} of {name}", _at(path, partial(_drop_rule, index))
            for part in range(len(rule.get("And", ()))):
                told = f"condition {part} of rule {index} of {name}"
                yield told, _at(path, partial(_drop_condition, index, part))
        for where in _conditional(state.get("Parameters", state.get("Arguments"))):
            yield f"condition of the write in {name}", _at(path, partial(_unconditional, where))
    yield from _swaps(raw, claims)


def _swaps(raw: Raw, claims: Claims) -> Iterator[tuple[str, Change]]:
    """Mutants in which two compensations do each other's work."""
    names = list(dict.fromkeys(claims.undo.values()))
    for one, other in ((a, b) for index, a in enumerate(names) for b in names[index + 1 :]):
        states = raw["States"]
        if one in states and other in states:
            yield f"{one} and {other} swapped", partial(_swap, one, other)


def _swap(one: str, other: str, raw: Raw) -> None:
    """Exchanges two states: each gets the other's predecessors and successors."""
    states = raw["States"]
    first, second = states[one], states[other]
    after = {one: second.get("Next"), other: first.get("Next")}
    names = {one: other, other: one}
    _rename(raw, lambda target: names.get(target, target))
    for name, state in ((one, first), (other, second)):
        target = after[name]
        state["Next"] = names.get(target, target)


def _rename(value: Any, name: Callable[[str], str]) -> None:
    if isinstance(value, dict):
        for field, inner in value.items():
            if field in ("Next", "Default", "StartAt") and isinstance(inner, str):
                value[field] = name(inner)
            else:
                _rename(inner, name)
    elif isinstance(value, list):
        for inner in value:
            _rename(inner, name)


def _states(raw: Mapping[str, Any], path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Raw]]:
    """Every state with the keys that lead to it, those inside Parallels and Maps, too."""
    for name, state in raw.get("States", {}).items():
        here = (*path, "States", name)
        yield here, state
        for index, branch in enumerate(state.get("Branches", ())):
            yield from _states(branch, (*here, "Branches", index))
        for field in ("ItemProcessor", "Iterator"):
            if field in state:
                yield from _states(state[field], (*here, field))


def _at(path: tuple[Any, ...], change: Callable[[Raw], Any]) -> Change:
    def applied(raw: Raw) -> None:
        found: Any = raw
        for key in path:
            found = found[key]
        change(found)

    return applied


def _skip(state: Raw) -> None:
    """A mutant in which the compensation is skipped."""
    target = state["Next"]
    state.clear()
    state.update({"Type": "Pass", "Next": target})


def _without(field: str, state: Raw) -> None:
    del state[field]


def _drop_rule(index: int, state: Raw) -> None:
    del state["Choices"][index]
    if not state["Choices"]:
        target = state.get("Default")
        state.clear()
        state.update({"Type": "Pass", "Next": target})


def _drop_condition(index: int, part: int, state: Raw) -> None:
    rule = state["Choices"][index]
    del rule["And"][part]
    if len(rule["And"]) == 1:
        (left,) = rule.pop("And")
        rule.update(left)
    elif not rule["And"]:
        state["Choices"][index] = {"Variable": "$$.Execution.Id", "IsPresent": True, "Next": rule["Next"]}


def _conditional(parameters: Any) -> Iterator[tuple[Any, ...]]:
    """The places of ConditionExpressions in a Task's parameters."""
    if isinstance(parameters, dict):
        for name, value in parameters.items():
            if name.removesuffix(".$") == "ConditionExpression":
                yield ()
            else:
                yield from ((name, *rest) for rest in _conditional(value))
    elif isinstance(parameters, list):
        for index, value in enumerate(parameters):
            yield from ((index, *rest) for rest in _conditional(value))


def _unconditional(where: tuple[Any, ...], state: Raw) -> None:
    found: Any = state.get("Parameters", state.get("Arguments"))
    for key in where:
        found = found[key]
    for name in list(found):
        if name.removesuffix(".$") in ("ConditionExpression", "ExpressionAttributeValues", "ExpressionAttributeNames"):
            keep = "UpdateExpression" in {key.removesuffix(".$") for key in found} and "Condition" not in name
            if not keep:
                del found[name]


def _prune(raw: Raw) -> None:
    """Removes states that have become unreachable, because a definition with such states is refused."""
    states = raw["States"]
    wanted, work = set(), [raw["StartAt"]]
    while work:
        name = work.pop()
        if name in states and name not in wanted:
            wanted.add(name)
            work += _targets(states[name])
    raw["States"] = {name: state for name, state in states.items() if name in wanted}


def _targets(state: Raw) -> list[str]:
    ways = [state, *state.get("Choices", ()), *state.get("Catch", ())]
    return [way[field] for way in ways for field in ("Next", "Default") if isinstance(way.get(field), str)]


def _is_valid(text: str) -> bool:
    try:
        load(text)
    except DefinitionError:
        return False
    return True
