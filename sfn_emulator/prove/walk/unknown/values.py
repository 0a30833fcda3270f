"""Unknown values: Tasks' answers and executions' inputs.

An unknown value is an object ``{MARK: name}``, plain JSON, so that the engine's own data flow carries it. Reading
``$.Status`` of it gives ``{MARK: "Pay.Status"}``. ``Facts`` hold what was found out or assumed about such names. An
object that is partly known has the mark beside its known members.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from sfn_emulator.values import UNSET, Value

MARK: Final = "\0"
INPUT: Final = "input"
"""The name of what the execution is given."""
Key = str | int


class MissingError(LookupError):
    """The path certainly leads nowhere."""


def unknown(name: str) -> dict[str, Value]:
    """The unknown value of that name."""
    return {MARK: name}


def is_unknown(value: Value) -> bool:
    """Whether a value is wholly unknown: no member of it is known."""
    return type(value) is dict and len(value) == 1 and MARK in value


class Facts:
    """The facts about unknown values, by name; ``UNSET`` for a place that does not exist. ``absent`` names never
    exist.
    """

    def __init__(self, absent: frozenset[str] = frozenset()) -> None:
        self.known: dict[str, Value] = {}
        self._absent = absent

    def learn(self, name: str, value: Value) -> None:
        self.known = {**self.known, name: value}

    def forget(self, name: str) -> None:
        """Forgets the facts of a name: it has a new value."""
        kept = {known: value for known, value in self.known.items() if not _within(known, name)}
        if len(kept) != len(self.known):
            self.known = kept

    def at(self, name: str) -> Value:
        """The value of that name, perhaps unknown. Raises ``MissingError``."""
        if name in self._absent:
            raise MissingError(name)
        value = self.known.get(name, MARK)
        if value is UNSET:
            raise MissingError(name)
        return unknown(name) if value == MARK else value

    def settled(self, value: Value) -> Value:
        """The value, known by now if facts say so. Raises ``MissingError``."""
        return self.at(value[MARK]) if is_unknown(value) else value


def _within(name: str, outer: str) -> bool:
    return name.startswith(outer) and name[len(outer) : len(outer) + 1] in ("", ".", "[")


def opened(value: Value, keys: tuple[Key, ...], facts: Facts) -> Value:
    """The value with everything on the way to ``keys`` in it, as far as that may exist. Raises ``MissingError``."""
    value = facts.settled(value)
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(value, dict) and isinstance(key, str):
        return _opened_object(value, key, rest, facts)
    if is_unknown(value) and isinstance(key, int):
        value = [unknown(f"{value[MARK]}[{index}]") for index in range(key + 1)]
    if not isinstance(value, list) or not isinstance(key, int) or key >= len(value):
        raise MissingError(str(key))
    return [*value[:key], opened(value[key], rest, facts), *value[key + 1 :]]


def _opened_object(value: dict[str, Value], key: str, rest: tuple[Key, ...], facts: Facts) -> Value:
    if key in value:
        inner = opened(value[key], rest, facts)
        return value if inner is value[key] else {**value, key: inner}
    if MARK not in value:
        raise MissingError(key)
    return {**value, key: opened(facts.at(f"{value[MARK]}.{key}"), rest, facts)}


def at(value: Value, keys: tuple[Key, ...]) -> Value:
    """The value at ``keys`` in a value that was opened for them."""
    for key in keys:
        value = value[key]
    return value


def shown(value: Value, known: Mapping[str, Value]) -> Value:
    """The value for people: assumed values, and ``?name`` for values that were never looked at."""
    if isinstance(value, list):
        return [shown(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    name = value.get(MARK)
    members = {key: shown(item, known) for key, item in value.items() if key != MARK}
    if name is None:
        return members
    return _assumed(name, known, members)


_UNKNOWN: Final = re.compile(r'\{"\\u0000":("(?:[^"\\]|\\.)*")(\}|,)')


def readable(message: str) -> str:
    """An error's text with unknown values in it, for people."""
    return _UNKNOWN.sub(lambda found: f"?{found[1][1:-1]}" if found[2] == "}" else "{", message)


def _assumed(name: str, known: Mapping[str, Value], members: dict[str, Value]) -> Value:
    if name in known and known[name] is not UNSET:
        return known[name]
    made: dict[str, Any] = {}
    for fact, value in known.items():
        if value is not UNSET and fact.startswith(f"{name}."):
            _place(made, fact[len(name) + 1 :].split("."), value)
    made |= members
    return made or f"?{name}"


def _place(made: dict[str, Any], keys: list[str], value: Value) -> None:
    for key in keys[:-1]:
        inner = made.setdefault(key, {})
        made = inner if isinstance(inner, dict) else {}
    made[keys[-1]] = value
