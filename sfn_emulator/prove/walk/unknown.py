"""Values that nobody knows: what a Task answers, and what an execution is given.

An unknown value is an object ``{MARK: name}``, plain JSON, so that the engine's own data flow carries it. Whoever
reads ``$.Status`` of it gets ``{MARK: "Pay.Status"}``. ``Facts`` hold what was found out (or assumed) of such names. An
object that is known in part has the mark beside its known members.
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
    """Nothing stands where the path leads, for certain."""


def unknown(name: str) -> dict[str, Value]:
    return {MARK: name}


def is_unknown(value: Value) -> bool:
    """Wholly unknown: no member of it is known."""
    return type(value) is dict and len(value) == 1 and MARK in value


class Facts:
    """What is known of unknown values by name; ``UNSET`` for what is not there. ``absent`` names are never there."""

    def __init__(self, absent: frozenset[str] = frozenset()) -> None:
        self.known: dict[str, Value] = {}
        self._absent = absent

    def learn(self, name: str, value: Value) -> None:
        self.known = {**self.known, name: value}

    def forget(self, name: str) -> None:
        """A new value of that name has come."""
        kept = {known: value for known, value in self.known.items() if not _within(known, name)}
        if len(kept) != len(self.known):
            self.known = kept

    def at(self, name: str) -> Value:
        """The value of that name, unknown perhaps; raises ``MissingError``."""
        if name in self._absent:
            raise MissingError(name)
        value = self.known.get(name, MARK)
        if value is UNSET:
            raise MissingError(name)
        return unknown(name) if value == MARK else value

    def settled(self, value: Value) -> Value:
        """The value, if it was unknown and is known by now; raises ``MissingError``."""
        return self.at(value[MARK]) if is_unknown(value) else value


def _within(name: str, outer: str) -> bool:
    return name.startswith(outer) and name[len(outer) : len(outer) + 1] in ("", ".", "[")


def opened(value: Value, keys: tuple[Key, ...], facts: Facts) -> Value:
    """The value with everything on the way to ``keys`` in it, as far as it may be there; raises ``MissingError``."""
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
    """What stands at ``keys`` in a value that was opened for them."""
    for key in keys:
        value = value[key]
    return value


def shown(value: Value, known: Mapping[str, Value]) -> Value:
    """The value for people: what was assumed of it, and ``?name`` for what nobody looked at."""
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
