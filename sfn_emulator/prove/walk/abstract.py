"""Adapts a machine for a walk: every expression takes unknown values, and every field gets a value it can work with.

The result is still a model: the engine's own compiler compiles it, and it runs in the engine's own runs. Bounds that
the adaptation sets are gathered in ``Bounds.notes``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, TypeVar

from sfn_emulator.asl.model import (
    Branch,
    Catcher,
    Choice,
    Distribution,
    Fail,
    Flow,
    Machine,
    Map,
    Parallel,
    Pass,
    State,
    Succeed,
    Task,
    Wait,
)
from sfn_emulator.prove.walk.map_runs import ITEMS
from sfn_emulator.prove.walk.unknown import conditions
from sfn_emulator.prove.walk.unknown.expressions import Mind, over_unknowns
from sfn_emulator.prove.walk.unknown.literals import Literals
from sfn_emulator.prove.walk.unknown.values import MARK, is_unknown, unknown
from sfn_emulator.query.compiled import Compiled
from sfn_emulator.values import Value

MOST_ITEMS: Final = 12
"""The greatest number of iterations with which a Map over known items is walked."""
T = TypeVar("T")
V = TypeVar("V")


@dataclass
class Bounds:
    """The walk's assumptions, as sentences for its report."""

    notes: dict[str, None] = field(default_factory=dict)

    def note(self, text: str) -> None:
        self.notes[text] = None


@dataclass(frozen=True)
class _Abstract:
    mind: Mind
    bounds: Bounds
    literals: Literals

    def branch(self, branch: Branch) -> Branch:
        return Branch(branch.start_at, {name: self.state(state) for name, state in branch.states.items()})

    def state(self, state: State) -> State:
        made: Any = replace(state, flow=self.flow(state.flow))
        for name, meant in _FIELDS.items():
            value = getattr(made, name, None)
            if isinstance(value, Compiled):
                made = replace(made, **{name: over_unknowns(value, self.mind, meant)})
        if isinstance(made, Task | Parallel | Map):
            made = replace(made, catch=tuple(self.catcher(catcher) for catcher in made.catch))
        match made:
            case Choice():
                return replace(made, rules=conditions.over_unknowns(_assigning(made, self), self.mind, self.literals))
            case Parallel():
                return replace(made, branches=tuple(self.branch(branch) for branch in made.branches))
            case Map():
                return self.map(made)
            case Pass() | Task() | Wait() | Succeed() | Fail():
                return made
        raise AssertionError(made)

    def flow(self, flow: Flow) -> Flow:
        """Adapts every expression of the data flow. ResultPath writes into plain objects, unknown or not."""
        made: Any = flow
        for name in (f.name for f in fields(flow)):
            value = getattr(flow, name)
            if isinstance(value, Compiled):
                made = replace(made, **{name: over_unknowns(value, self.mind)})
        changed: Flow = made
        return changed

    def catcher(self, catcher: Catcher) -> Catcher:
        output = None if catcher.output is None else over_unknowns(catcher.output, self.mind)
        assign = None if catcher.assign is None else over_unknowns(catcher.assign, self.mind)
        return replace(catcher, output=output, assign=assign)

    def map(self, state: Map) -> Map:
        """Adapts a Map: over known items as far as they go; over unknown ones with ``ITEMS`` iterations or none."""
        items = state.items or Compiled("$", lambda subject, scope: getattr(subject, "input", subject))

        def listed(value: Value) -> Value:
            if isinstance(value, list) and len(value) > MOST_ITEMS:
                self.bounds.note(f"Map '{state.name}': {MOST_ITEMS} of its {len(value)} items are walked")
                return value[:MOST_ITEMS]
            if not (isinstance(value, dict) and MARK in value):
                return value
            self.bounds.note(f"Map '{state.name}': unknown items are none or {ITEMS}")
            return self._assumed(value[MARK])

        items = replace(over_unknowns(items, self.mind, listed), source=items.source)
        selector = None if state.selector is None else over_unknowns(state.selector, self.mind)
        distribution = None if state.distribution is None else self.distribution(state.name, state.distribution)
        processor = self.branch(state.processor)
        return replace(state, processor=processor, items=items, selector=selector, distribution=distribution)

    def _assumed(self, name: str) -> list[Value]:
        """Unknown items: none or ``ITEMS`` of them, and the same number wherever they are asked for again."""
        known = self.mind.facts.known.get(name)
        if isinstance(known, list):
            return known
        items: list[Value] = [unknown(f"{name}[{index}]") for index in range(self.mind.choices.pick((ITEMS, 0)))]
        self.mind.learn(name, items)
        return items

    def distribution(self, name: str, told: Distribution) -> Distribution:
        self.bounds.note(f"Map '{name}': its children are walked one after the other")
        if told.reader is not None:
            self.bounds.note(f"Map '{name}': its ItemReader finds no items or {ITEMS}")
        return replace(
            told,
            reader=None if told.reader is None else self.holder(told.reader),
            batcher=None if told.batcher is None else self.holder(told.batcher),
            writer=None if told.writer is None else self.holder(told.writer),
            tolerated_count=self.number(told.tolerated_count),
            tolerated_percentage=self.number(told.tolerated_percentage),
        )

    def holder(self, told: T) -> T:
        """Adapts a reader, batcher or writer: its expressions, and those of its configuration."""
        made: Any = told
        for name in (f.name for f in fields(made)):
            value = getattr(made, name)
            if isinstance(value, Compiled):
                made = replace(made, **{name: over_unknowns(value, self.mind, _HELD.get(name, _as_it_is))})
            elif name == "config":
                made = replace(made, config={key: self.number(inner) for key, inner in value.items()})
        held: T = made
        return held

    def number(self, value: V) -> V:
        """Adapts a field that is a number; an unknown one is 1."""
        if not isinstance(value, Compiled):
            return value
        made: Any = over_unknowns(value, self.mind, _number(1))
        return made  # type: ignore[no-any-return]


def _assigning(state: Choice, abstract: _Abstract) -> Choice:
    def wrapped(compiled: Compiled | None) -> Compiled | None:
        return None if compiled is None else over_unknowns(compiled, abstract.mind)

    rules = tuple(replace(rule, output=wrapped(rule.output), assign=wrapped(rule.assign)) for rule in state.rules)
    return replace(state, rules=rules)


def _as_it_is(value: Value) -> Value:
    return value


def _number(default: float) -> Callable[[Value], Value]:
    return lambda value: default if is_unknown(value) else value


_FIELDS: Final[dict[str, Callable[[Value], Value]]] = {
    "seconds": _number(1),
    "timestamp": lambda value: "2026-01-01T00:00:01Z" if is_unknown(value) else value,
    "timeout": _number(60),
    "heartbeat": _number(30),
    "credentials": lambda value: value,
    "max_concurrency": _number(0),
    "error": lambda value: value if isinstance(value, str) else "unknown",
    "cause": lambda value: value if isinstance(value, str) else "unknown",
}
"""Fields of states that take an expression, and the value that replaces an unknown one."""
_HELD: Final[dict[str, Callable[[Value], Value]]] = {"max_items": _number(1), "max_bytes": _number(262_144)}


def over_unknown_values(machine: Machine, mind: Mind, bounds: Bounds) -> Machine:
    return replace(machine, body=_Abstract(mind, bounds, Literals(machine)).branch(machine.body), timeout=None)
