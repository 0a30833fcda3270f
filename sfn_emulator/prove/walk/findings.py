"""The result of a walk: the rules it saw broken, each with a shortest path, and how far it went."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sfn_emulator.engine.events import Event
from sfn_emulator.prove.walk import rules
from sfn_emulator.prove.walk.outcomes import Outcome
from sfn_emulator.prove.walk.rules import Hit
from sfn_emulator.prove.walk.unknown.values import shown
from sfn_emulator.values import Value


@dataclass(frozen=True)
class Finding:
    """A broken rule with its shortest path: ``deeds`` are the outcomes of Tasks, ``events`` the history.

    ``assumed`` are the values that unknown ones were assumed to have, by name.
    """

    hit: Hit
    faults: int
    deeds: tuple[tuple[str, Outcome], ...] = ()
    assumed: Mapping[str, Value] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    @property
    def is_warning(self) -> bool:
        return self.hit.rule in rules.WARNINGS


@dataclass(frozen=True)
class Walked:
    """``bounds`` are sentences: how far the walk went, and its assumptions. ``whole``: nothing was cut off."""

    findings: tuple[Finding, ...]
    places: int
    ways: int
    faults: int
    whole: bool
    bounds: tuple[str, ...]

    @property
    def counterexamples(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if not finding.is_warning)


def as_assumed(events: list[Event], assumed: Mapping[str, Value]) -> list[Event]:
    """The events, with assumed values in place of unknown ones."""
    made = []
    for event in events:
        detail = event.detail
        if detail is not None:
            told = {n: shown(v, assumed) for n, v in detail._asdict().items() if isinstance(v, dict | list)}
            detail = detail._replace(**told)
        made.append(event._replace(detail=detail))
    return made
