"""The nouns of a feed: records taken from a source, their outcome, and the feed itself."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias


class Record(NamedTuple):
    """A record. ``id`` is a message's id or a sequence number, as a partial failure names it; ``body`` is the part
    that is delivered.
    """

    id: str
    body: Mapping[str, Any]


class Failed(NamedTuple):
    """A failed delivery. ``ids`` are the records that failed; ``None`` means all of them."""

    ids: frozenset[str] | None
    why: str = ""


Deliver: TypeAlias = Callable[[Sequence[Record]], Failed | None]
"""Delivers a batch and waits for its end. ``None`` when all is well. Never raises."""


class Feed(Protocol):
    """A source that is read for one target. ``turn`` delivers what is ready, and returns whether it did anything."""

    def turn(self, stop: threading.Event) -> bool: ...


@dataclass(frozen=True, slots=True)
class Batching:
    """How records are gathered and tried (API_CreateEventSourceMapping). Seconds; -1 is no limit."""

    size: int
    window: float = 0.0
    filters: Sequence[Mapping[str, Any]] = ()
    most_retries: int = -1
    most_age: float = -1.0
    bisect: bool = False
    start: str = "TRIM_HORIZON"
    start_at: float | None = None
    on_failure: str | None = None
    """The ARN of a queue or topic that gets the place of a stream's records that were given up."""
    lanes: int = 1
    """How many batches of a shard may be under way at once."""
    began: Mapping[str, str] = field(default_factory=dict)
    """Per shard, the last sequence number at the time when a feed from LATEST was made."""
