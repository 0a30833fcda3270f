"""A place of a walk: a top-level state with everything that decides what can follow; and its hash."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from sfn_emulator.prove.walk.ledger import Ledger
from sfn_emulator.prove.walk.unknown.relevance import Need, what_matters
from sfn_emulator.prove.walk.unknown.values import INPUT, Facts
from sfn_emulator.values import UNSET, Value


class Place(NamedTuple):
    """``known`` are the facts about unknown values; ``faults`` is the number of faults spent on the way."""

    state: str
    document: Value
    variables: Mapping[str, Value]
    known: Mapping[str, Value]
    ledger: Ledger
    faults: int

    def digest(self, needs: tuple[Need, ...], facts: Facts) -> bytes:
        """A hash of the place without its faults: a place seen with fewer faults is not walked again with more.

        ``needs`` is the data that the state and all later ones look at. ``facts`` is given this place's facts.
        """
        facts.known = dict(self.known)
        held = (self.state, what_matters(self.document, needs, facts), self.variables)
        told = (*held, _relevant(self.known, *held), self.ledger)
        text = orjson.dumps(told, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        return hashlib.blake2b(text, digest_size=16).digest()


def _relevant(known: Mapping[str, Value], *holding: object) -> Mapping[str, Value]:
    """Facts about values that can still be read."""
    if not known:
        return known
    text = orjson.dumps(holding, option=orjson.OPT_NON_STR_KEYS).decode()
    return {n: v for n, v in known.items() if n.split(".")[0] == INPUT or n.split(".")[0] in text or n in text}


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else "unset" if value is UNSET else list(value)  # type: ignore[call-overload]
