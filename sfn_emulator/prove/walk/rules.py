"""The rules that a saga can break in a walk, in words for people."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sfn_emulator.prove.claims import Claims
from sfn_emulator.prove.walk.ledger import Ledger


class Rule(StrEnum):
    NOT_UNDONE = "not-undone"
    NOT_DONE = "not-done"
    TOO_EARLY = "too-early"
    OUT_OF_ORDER = "out-of-order"
    UNGUARDED = "unguarded-compensation"
    NEVER_WRITTEN = "never-written"
    NOT_REPEATABLE = "not-repeatable"
    UNREACHED = "unreached"
    ENDLESS = "endless"


WARNINGS: Final = frozenset({Rule.UNREACHED, Rule.ENDLESS})
"""Rules whose breach is only a warning: it leaves nothing behind."""

CLAIMED: Final = frozenset({Rule.NOT_UNDONE, Rule.NOT_REPEATABLE})
"""Rules that can only be broken if the claims name a compensation."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that was broken. ``about`` makes it the same hit when another path breaks it the same way."""

    rule: Rule
    about: tuple[str, ...]
    text: str


def begins(claims: Claims, task: str, ledger: Ledger, elapsed: float, *, inside: bool) -> list[Hit]:
    """The rules that beginning this Task now breaks. Only compensations can come at a wrong time."""
    hits: list[Hit] = []
    for step in claims.undoes(task):
        rest = ledger.under_way(step, elapsed)
        if rest > 0:
            hits.append(Hit(Rule.TOO_EARLY, (task, step), _early(task, step, rest)))
        if not inside:
            hits += _out_of_order(claims, task, step, ledger)
    return hits


def _early(task: str, step: str, rest: float) -> str:
    if rest == float("inf"):
        tail = "nothing says how long its work may go on (ends_within in the claims)"
    else:
        tail = f"its work may go on for {rest:g} s"
    return f"'{task}' runs although '{step}', which it undoes, may not have ended: {tail}"


def _out_of_order(claims: Claims, task: str, step: str, ledger: Ledger) -> list[Hit]:
    names = [effect.task for effect in ledger.standing]
    if step not in names:
        return []
    own = ledger.standing[names.index(step)]
    after = [
        effect.task
        for effect in ledger.standing[names.index(step) + 1 :]
        if effect.task in claims.undo
        and effect.task not in ledger.tried
        and not (own.region and own.region == effect.region)
    ]
    text = "'{}' undoes '{}' while '{}', which came after it, still stands"
    return [Hit(Rule.OUT_OF_ORDER, (task, later), text.format(task, step, later)) for later in after]


def again(claims: Claims, task: str) -> list[Hit]:
    """A Task is attempted again although its effect may have happened already."""
    if task in claims.reads or task in claims.repeatable:
        return []
    text = f"'{task}' is retried after its effect may have happened, and nothing says that it is repeatable"
    return [Hit(Rule.NOT_REPEATABLE, (task,), text)]


def unguarded(claims: Claims, task: str, error: str) -> list[Hit]:
    """A compensation fails and nobody takes the error."""
    steps = claims.undoes(task)
    if not steps:
        return []
    text = f"the compensation '{task}' can fail ({error}), and is neither retried nor caught"
    return [Hit(Rule.UNGUARDED, (task,), text)]


def never_written(claims: Claims, task: str, message: str) -> list[Hit]:
    """A compensation could not be called for want of data."""
    if not claims.undoes(task):
        return []
    return [Hit(Rule.NEVER_WRITTEN, (task,), f"'{task}' reads data that nothing wrote on this path: {message}")]


def ends(claims: Claims, end: str, ledger: Ledger, *, means: str) -> list[Hit]:
    """``means`` is ``done``, ``undone`` or nothing; ``end`` tells the end in words."""
    if means == "undone":
        return [_standing(claims, effect.task, end) for effect in ledger.standing]
    if means == "done":
        undone = [(step, "was undone") for step in sorted(ledger.undone)]
        failed = [(step, "failed and was not done") for step in sorted(ledger.failed) if step in claims.undo]
        return [Hit(Rule.NOT_DONE, (s,), f"{end} means done, but '{s}' {what}") for s, what in undone + failed]
    text = "the compensation '{}' failed, was neither retried nor recorded, and the saga ended in {}"
    return [Hit(Rule.UNGUARDED, (name,), text.format(name, end)) for name in sorted(ledger.unrecorded)]


def _standing(claims: Claims, task: str, end: str) -> Hit:
    compensation = claims.undo.get(task)
    undone = f"'{compensation}' did not undo it" if compensation else "nothing undoes it"
    return Hit(Rule.NOT_UNDONE, (task, end), f"{end} means undone, but the effect of '{task}' may stand: {undone}")
