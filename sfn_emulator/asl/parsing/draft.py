"""The notes made while a definition is read: its scopes and states, and a view of one object with its place.

The readers (``states``, ``map``, ``recovery``, ``choice``) fill these notes; the checks work on them and need not
look at the raw definition again.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sfn_emulator.asl.model import MachineType, QueryLanguage
from sfn_emulator.asl.resource import Resource
from sfn_emulator.asl.text.report import Report
from sfn_emulator.query.java.hashing import hash_set
from sfn_emulator.values import Place, Value

Supports: TypeAlias = Callable[[Resource], str | None]
"""``None``, or why a definition with this resource is refused."""
Misfits: TypeAlias = Callable[[Resource, Mapping[str, Value]], Sequence[str]]
"""The faults of a Task's Parameters or Arguments that every input would meet."""

LONGEST: Final = 99_999_999
"""Seconds, attempts: the most AWS takes (recorded: ``Maximum value is 99999999``)."""

_SUBSTITUTION: Final = re.compile(r"\$\{[A-Za-z0-9_.:\-]+\}")


def _listed(names: Sequence[str]) -> str:
    """In the order of a Java hash set, as AWS lists fields (recorded: Wait's times, 39 operators)."""
    return ", ".join(hash_set(list(names)))


@dataclass(slots=True, eq=False)
class Draft:
    """A definition being read. With ``substitutions``, ``${Name}`` stands for a value that is put in later."""

    report: Report
    machine_type: MachineType = MachineType.STANDARD
    language: QueryLanguage = QueryLanguage.JSONPATH
    supports: Supports | None = None
    misfits: Misfits | None = None
    doubts: Supports | None = None
    """Gives the warnings about a Resource that is not refused."""
    substitutions: bool = False
    alone: bool = False
    """Whether it is a single state, as TestState takes it: its Next need not exist."""
    unknown_language: bool = False
    """The machine's QueryLanguage is invalid, so fields can't be checked against a language."""
    scopes: list["Scope"] = field(default_factory=list)
    labels: dict[str, Place] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Scope:
    """States that can reach each other: the machine, a Parallel's branch, a Map's processor."""

    place: Place
    owner: "StateNotes | None" = None
    start_at: str | None = None
    states: dict[str, "StateNotes"] = field(default_factory=dict)
    isolated: bool = False
    """Whether it is a Distributed Map's processor, whose children see no variables of the parent."""
    stated: bool = False
    """Whether there is an object ``States`` at all, be it empty."""
    open: bool = False
    """Whether a substitution hides transitions or variables, so that reachability is unknown."""


@dataclass(slots=True, eq=False)
class StateNotes:
    name: str
    place: Place
    language: QueryLanguage
    scope: Scope
    targets: list[tuple[str, Place]] = field(default_factory=list)
    terminal: bool = False
    fails: bool = False
    reads: dict[str, Place] = field(default_factory=dict)
    assigns: dict[str, Place] = field(default_factory=dict)

    @property
    def jsonata(self) -> bool:
        return self.language is QueryLanguage.JSONATA


@dataclass(slots=True, eq=False)
class Fields:
    """One object of the definition, the place it stands at, and the state it belongs to."""

    raw: dict[str, Any]
    place: Place
    state: StateNotes
    draft: Draft

    def __contains__(self, key: str) -> bool:
        return key in self.raw

    def at(self, key: str | int) -> Place:
        return (*self.place, key)

    def inside(self, raw: dict[str, Any], *keys: str | int) -> "Fields":
        """The object at ``keys`` within this one, with the same state."""
        return Fields(raw, self.place + keys, self.state, self.draft)

    def error(self, key: str, message: str, kind: str = "SCHEMA") -> None:
        """A problem of the field's value."""
        self.draft.report.error(self.at(key), message, kind)

    def refuse(self, message: str, kind: str = "SCHEMA", *, field: str | None = None) -> None:
        """A problem of the object; ``field`` is the member that may not be there."""
        self.draft.report.error(self.place, message, kind, exact=None if field is None else self.at(field))

    def stands_in(self, value: Value) -> bool:
        """Whether the value holds a substitution, so that nothing can be said about it yet."""
        return self.draft.substitutions and isinstance(value, str) and _SUBSTITUTION.search(value) is not None

    def refuse_empty(self, key: str) -> None:
        self.error(key, "Value cannot be empty")

    def require(self, *keys: str) -> bool:
        """Whether all are there. One problem names all that are missing."""
        for key in keys:  # usually all are there, and no list is needed
            if key not in self.raw:
                missing = [key for key in keys if key not in self.raw]
                self.refuse(f"These fields are required: [{_listed(missing)}]", field=key)
                return False
        return True

    def need(self, key: str) -> None:
        """A field that is required because of another one's value."""
        if key not in self.raw:
            self.refuse(f"The field '{key}' is required", field=key)

    def at_most_one(self, *keys: str) -> list[str]:
        """The fields that are present. Reports more than one, in a message that names all that are possible, as AWS
        does.
        """
        given = [key for key in keys if key in self.raw]
        if len(given) > 1:
            message = f"There should only be one of the following fields: [{_listed(keys)}]"
            self.refuse(message, field=given[-1])
        return given

    def exactly_one(self, *keys: str) -> list[str]:
        """The fields that are present. Reports none, and more than one."""
        given = self.at_most_one(*keys)
        if not given:
            self.refuse(f"This object should have only one of the following fields: [{_listed(keys)}]")
        return given

    def text(self, key: str) -> str | None:
        """The string; ``None`` if it is absent, stands in for another value, or is reported as none. So do the readers
        below.
        """
        value: str | None = self.raw.get(key)
        return value if type(value) is str else self._typed(key, str, "String")

    def flag(self, key: str) -> bool | None:
        value: bool | None = self.raw.get(key)
        return value if type(value) is bool else self._typed(key, bool, "Boolean")

    def array(self, key: str) -> list[Any] | None:
        value: list[Any] | None = self.raw.get(key)
        return value if type(value) is list else self._typed(key, list, "Array")

    def object(self, key: str) -> "Fields | None":
        raw = self._typed(key, dict, "Object")
        return None if raw is None else self.inside(raw, key)

    def _typed(self, key: str, wanted: type, name: str) -> Any:
        if key not in self.raw:
            return None
        value = self.raw[key]
        if type(value) is wanted:
            return value
        if self.stands_in(value):
            self.state.scope.open = True
        else:
            self.error(key, f"Expected value of type {name}")
        return None

    def integer(self, key: str, low: float = 0, high: float = LONGEST) -> int | None:
        """The whole number in [low, high], or ``None`` where there is none (the report knows why)."""
        value = self.raw.get(key)
        if value is None and key not in self.raw:
            return None
        if type(value) is int:
            return value if low <= value <= high or self._within(key, value, low, high) else None
        if not self.stands_in(value):
            self.error(key, "Expected value of type Integer")
        return None

    def number(self, key: str, low: float, high: float) -> int | float | None:
        """The number in [low, high], whole or not."""
        value = self.raw.get(key)
        if value is None and key not in self.raw:
            return None
        if type(value) is int or type(value) is float:
            return value if self._within(key, value, low, high) else None
        if not self.stands_in(value):
            self.error(key, "Expected value of type Number")
        return None

    def one_of(self, key: str, allowed: tuple[str, ...], kind: str = "SCHEMA") -> str | None:
        """The string, if it is one of ``allowed``."""
        value = self.raw.get(key)
        if value is None and key not in self.raw:
            return None
        if isinstance(value, str) and value in allowed:
            return value
        if not self.stands_in(value):
            self.error(key, f"The field '{key}' should have one of these values: [{', '.join(allowed)}]", kind)
        return None

    def _within(self, key: str, value: float, low: float, high: float) -> bool:
        if value < low:
            self.error(key, f"Minimum value is {low}")
        elif value > high:
            self.error(key, f"Maximum value is {high}")
        return low <= value <= high
