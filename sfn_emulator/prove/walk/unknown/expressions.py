"""Expressions over unknown values: the places they read are opened first, and a result that can't be evaluated is
unknown, too.

A path that certainly leads nowhere is an error, as always. An error that is due to an unknown value (a sum of an
unknown number) becomes a new unknown value.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sfn_emulator.errors import EvaluationError
from sfn_emulator.prove.walk.choices import Choices
from sfn_emulator.prove.walk.unknown.reads import CONTEXT, SUBJECT, Read, reads_of
from sfn_emulator.prove.walk.unknown.values import MARK, Facts, MissingError, at, opened, unknown
from sfn_emulator.query.compiled import Compiled, Draws, Scope, States
from sfn_emulator.values import Unset, Value, dumps


class Mind:
    """The knowledge and decisions of the walk's present step. The walk sets them for every step."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.choices = Choices()
        self.learnt: list[tuple[str, Value]] = []

    def learn(self, name: str, value: Value) -> None:
        self.facts.learn(name, value)
        self.learnt.append((name, value))


class Seen:
    """A scope whose variables and context are opened at the places that are read."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.variables: Mapping[str, Value] = scope.variables
        self._context: dict[str, Value] | None = None

    @property
    def draws(self) -> Draws:
        return self._scope.draws

    def context(self) -> dict[str, Value]:
        return self._scope.context() if self._context is None else self._context

    def open(self, read: Read, facts: Facts) -> Value:
        """The value that the expression reads there, opened so far. Raises ``MissingError``."""
        if read.root == CONTEXT:
            self._context = opened(self.context(), read.keys, facts)
            return at(self._context, read.keys)
        if read.root not in self.variables:
            raise MissingError(read.root)
        value = opened(self.variables[read.root], read.keys, facts)
        self.variables = {**self.variables, read.root: value}
        return at(value, read.keys)


class Sight(NamedTuple):
    """The subject of an expression. ``doubt``: something it reads is unknown; ``missing``: something does not exist;
    ``vague``: it searches within an unknown value.
    """

    subject: Any
    scope: Scope
    values: list[Value]
    doubt: bool
    missing: bool
    vague: bool


def look(reads: tuple[Read, ...], subject: Any, scope: Scope, facts: Facts, *, strict: bool = False) -> Sight:
    """Opens every place that is read. With ``strict`` a missing place raises ``MissingError``."""
    seen = Seen(scope)
    values: list[Value] = []
    missing = vague = False
    for read in reads:
        try:
            subject, value = _open(read, subject, seen, facts)
        except MissingError:
            if strict:
                raise
            missing = True
            continue
        values.append(value)
        vague = vague or (not read.whole and _in_doubt(value))
    return Sight(subject, seen, values, any(map(_in_doubt, values)), missing, vague)


def _open(read: Read, subject: Any, seen: Seen, facts: Facts) -> tuple[Any, Value]:
    if read.root == SUBJECT:
        subject = opened(subject, read.keys, facts)
        return subject, at(subject, read.keys)
    if isinstance(subject, States) and read.root in _MEMBERS:
        member = _MEMBERS[read.root]
        held = getattr(subject, member)
        if isinstance(held, Unset):
            raise MissingError(read.root)
        value = opened(held, read.keys, facts)
        return subject._replace(**{member: value}), at(value, read.keys)
    return subject, seen.open(read, facts)


_MEMBERS = {"input": "input", "result": "result", "errorOutput": "error_output"}


def _in_doubt(value: Value) -> bool:
    return isinstance(value, dict) and MARK in value


def over_unknowns(compiled: Compiled, mind: Mind, meant: Callable[[Value], Value] = lambda value: value) -> Compiled:
    """The expression, made fit for unknown values. ``meant`` turns an unknown result into a value for the field."""
    if compiled.constant:
        return compiled
    reads = reads_of(compiled.source)
    apply = compiled.apply

    def seen(subject: Any, scope: Scope) -> Value:
        sight = look(reads, subject, scope, mind.facts)
        if sight.vague:
            return meant(_new(compiled, mind))
        try:
            return meant(apply(sight.subject, sight.scope))
        except EvaluationError:
            if sight.missing or not sight.doubt:
                raise
            return meant(_new(compiled, mind))

    return Compiled(compiled.source, seen, compiled.variables, compiled.reserved)


def _new(compiled: Compiled, mind: Mind) -> Value:
    name = dumps(compiled.source)[:80]
    mind.facts.forget(name)
    return unknown(name)
