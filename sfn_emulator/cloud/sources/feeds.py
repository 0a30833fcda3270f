"""Runs a thread for each mapping and pipe: it starts when one appears, and ends when it is gone, disabled or changed.

Nothing is polled while nothing happens: a change to any service wakes the feeds, and each looks for itself, inside
this process, whether its source has something to give. Once a second it looks anyway, because messages become visible
again as time passes.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple, Protocol

from sfn_emulator.cloud.delivery.checkpoints import Checkpoints
from sfn_emulator.cloud.delivery.sending import Client
from sfn_emulator.cloud.sources.mappings import PARTIAL, Invoke, batching_of, to_function
from sfn_emulator.cloud.sources.pipes import Pipe, through
from sfn_emulator.cloud.sources.pipes import batching_of as pipe_batching
from sfn_emulator.cloud.sources.queues import QueueFeed
from sfn_emulator.cloud.sources.records import Batching, Deliver, Feed
from sfn_emulator.cloud.sources.streams import DataStream, Lane, Stream, StreamFeed, TableStream, regroup

_log: Final = logging.getLogger(__name__)

_LOOK_EVERY: Final = 1.0
_MAKERS: Final = frozenset({"lambda", "pipes", "cloudformation"})
"""Services whose changes may make or end a feed."""
_RUNNING: Final = frozenset({"CREATING", "RUNNING", "STARTING"})


class Moto(Protocol):
    """The neighbours' state, as far as feeds read it."""

    def held(self, *modules: str) -> AbstractContextManager[None]: ...
    def backend(self, module: str, region: str) -> Any: ...
    def backends(self, module: str) -> list[tuple[str, Any]]: ...
    def held_services(self) -> list[str]: ...


class Wanted(NamedTuple):
    """A feed that should run. Equal ones need no new thread; ``make`` does not count for equality."""

    arn: str
    batching: Batching
    target: tuple[Any, ...]


class Feeds:
    """``changed`` may be called from anywhere, also inside moto's lock; it returns at once."""

    def __init__(self, moto: Moto, client: Client, invoke: Invoke, checkpoints: Callable[[], Checkpoints]) -> None:
        self._moto, self._client, self._invoke, self._make_checkpoints = moto, client, invoke, checkpoints
        self._checkpoints: Checkpoints | None = None
        self._woken = threading.Condition()
        self._count = self._made = 0
        self._closing = threading.Event()
        self._running: dict[str, tuple[Wanted, threading.Event]] = {}
        self._keeper: threading.Thread | None = None

    def open(self) -> None:
        """Goes on with the feeds of the last process: the neighbours are restored."""
        if {"awslambda", "pipes"} & set(self._moto.held_services()):
            self.changed("lambda")

    def changed(self, service: str) -> None:
        """A request may have changed that service."""
        with self._woken:
            self._count += 1
            if service in _MAKERS:
                self._made += 1
                self._keep()
            self._woken.notify_all()

    def close(self) -> None:
        self._closing.set()
        with self._woken:
            for _, stop in list(self._running.values()):
                stop.set()
            self._woken.notify_all()

    def _keep(self) -> None:
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._look_after, name="feeds", daemon=True)
            self._keeper.start()

    def _look_after(self) -> None:
        seen = 0
        while not self._closing.is_set():
            with self._woken:
                self._woken.wait_for(lambda: self._made != seen or self._closing.is_set())  # noqa: B023
                seen = self._made
            try:
                self._reconcile(self._wanted())
            except Exception:
                _log.exception("Event source mappings and pipes could not be looked at")

    def _wanted(self) -> Mapping[str, Wanted]:
        if self._closing.is_set():
            return {}
        with self._moto.held("awslambda", "pipes"):
            known = set(self._moto.held_services())
            found: dict[str, Wanted] = {}
            if "awslambda" in known:
                for _, backend in self._moto.backends("awslambda"):
                    found |= _each({f"mapping/{m.uuid}": m for m in _enabled(backend)}, _mapped)
            if "pipes" in known:
                found |= _each({f"pipe/{p.arn}": p for p in self._pipes() if p.status in _RUNNING}, _piped)
            return found

    def _reconcile(self, wanted: Mapping[str, Wanted]) -> None:
        for key in [key for key, (now, _) in self._running.items() if wanted.get(key) != now]:
            _, stop = self._running.pop(key)
            stop.set()
            if key not in wanted and self._checkpoints is not None and not self._closing.is_set():
                self._checkpoints.forget(f"{key}/")
        for key in wanted.keys() - self._running.keys():
            stop = threading.Event()
            self._running[key] = wanted[key], stop
            if self._closing.is_set():
                stop.set()
            for feed in self._feeds(key, wanted[key]):
                threading.Thread(target=self._serve, args=(feed, stop), name=key, daemon=True).start()

    def _serve(self, feed: Feed, stop: threading.Event) -> None:
        while not stop.is_set():
            seen = self._count
            try:
                if feed.turn(stop):
                    continue
            except Exception:
                _log.exception("A feed could not go on for a moment")
                stop.wait(_LOOK_EVERY)
            with self._woken:
                self._woken.wait_for(lambda: self._count != seen or stop.is_set(), _LOOK_EVERY)  # noqa: B023

    def _feeds(self, key: str, wanted: Wanted) -> list[Feed]:
        """One feed; for a stream, one for each lane."""

        def waiting(arn: str) -> bool:
            with self._moto.held(
                "awslambda", "pipes", "sqs"
            ):  # together: what is sent to a mapping that was stopped is not taken for it
                return self._has_messages(arn) and self._is_wanted(key)

        deliver = self._delivering(wanted)
        service = wanted.arn.split(":")[2]
        if service == "sqs":
            return [QueueFeed(wanted.arn, wanted.batching, deliver, self._client, waiting)]
        if self._checkpoints is None:
            self._checkpoints = self._make_checkpoints()
        kind = TableStream if service == "dynamodb" else DataStream
        stream: Stream = kind(wanted.arn, self._moto.held, self._moto.backend)
        count = wanted.batching.lanes
        regroup(self._checkpoints, key, stream.shards(), count)
        told = (key, stream, wanted.batching, deliver, self._checkpoints, self._client)
        return [StreamFeed(*told, Lane(index, count)) for index in range(count)]

    def _delivering(self, wanted: Wanted) -> Deliver:
        match wanted.target:
            case (Pipe() as pipe,):
                return through(pipe, self._invoke, self._client)
            case (arn, partial):
                return to_function(arn, self._invoke, partial=partial)
        raise AssertionError(wanted.target)

    def _has_messages(self, arn: str) -> bool:
        _, _, _, region, _, name = arn.split(":", 5)
        queue = self._moto.backend("sqs", region).queues.get(name)
        return queue is not None and any(m.visible and not m.delayed for m in queue._messages)

    def _is_wanted(self, key: str) -> bool:
        kind, _, name = key.partition("/")
        if kind == "pipe":
            return any(p.status in _RUNNING for p in self._pipes() if p.arn == name)
        return any(m.uuid == name for _, backend in self._moto.backends("awslambda") for m in _enabled(backend))

    def _pipes(self) -> list[Any]:
        return [pipe for _, backend in self._moto.backends("pipes") for pipe in backend.pipes.values()]


def _enabled(backend: Any) -> list[Any]:
    return [mapping for mapping in backend._event_source_mappings.values() if mapping.enabled]


def _each(kept: Mapping[str, Any], read: Callable[[Any], Wanted]) -> dict[str, Wanted]:
    """What ``read`` makes of each. One that can't be served, because an older version took what is refused today, holds
    up no other.
    """
    found = {}
    for key, told in kept.items():
        try:
            found[key] = read(told)
        except (ValueError, LookupError, TypeError) as error:
            _log.warning("%s is not served: %s", key, error)
    return found


def _mapped(mapping: Any) -> Wanted:
    partial = PARTIAL in (mapping.function_response_types or ())
    return Wanted(mapping.event_source_arn, batching_of(mapping), (mapping.function_arn, partial))


def _piped(told: Any) -> Wanted:
    pipe = Pipe(
        told.arn,
        told.name,
        told.source,
        told.source_parameters or {},
        told.enrichment,
        told.enrichment_parameters or {},
        told.target,
        told.target_parameters or {},
    )
    return Wanted(told.source, pipe_batching(pipe, getattr(told, "began", None) or {}), (pipe,))
