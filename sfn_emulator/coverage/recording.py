"""The instrument that notes points as they are taken, and the files it notes them in.

Each process writes a file of its own below one directory: a line for each definition, and one for each point when it
is taken first. So nothing has to be merged while tests run, and a process that is killed has lost nothing.
"""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from sfn_emulator.asl.model import Catcher, Machine, Retrier, states_of
from sfn_emulator.coverage.points import Point
from sfn_emulator.engine.instrument import Instrument
from sfn_emulator.engine.states.recovery import matches
from sfn_emulator.engine.strand import Strand
from sfn_emulator.errors import ALL, EvaluationError, StateError
from sfn_emulator.service.store.records import Revision

SUFFIX: Final = ".sfncov"


class Noted(NamedTuple):
    """A definition that ran, and its points that were taken. ``path`` is its file, if that is known."""

    name: str
    path: str
    definition: str
    points: frozenset[Point]


class Recording:
    """One process's notes. ``watch`` gives the instrument of a definition. Safe to call from any thread."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / f"{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}"
        self._lock = threading.Lock()
        self._file: IO[str] | None = None
        self._known: set[str] = set()

    def watch(self, machine: Machine, definition: str, *, name: str = "", path: str = "") -> Instrument:
        """``definition`` is the text the machine was made of."""
        key = hashlib.sha256(f"{path}\0{definition}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        with self._lock:
            if key not in self._known:
                self._known.add(key)
                self._write({"machine": key, "name": name, "path": path, "definition": definition})
        return _Watch(self, key, machine)

    def note(self, key: str, point: Point) -> None:
        """Writes down a point, for good."""
        with self._lock:
            self._write({"machine": key, "point": list(point)})

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def __del__(self) -> None:
        """Closes the file. A proof's world keeps the recording for its whole life, whose end nobody announces."""
        self.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is None:
            self._file = self._path.open("a", encoding="utf-8", buffering=1)
        self._file.write(json.dumps(line) + "\n")


def watching(recording: Recording) -> Callable[[Machine, Revision], Instrument]:
    """How a service's definitions are watched (``Definitions.watch``)."""
    return lambda machine, revision: recording.watch(
        machine, revision.definition, name=revision.machine_arn.rpartition(":")[2]
    )


class _Watch(Instrument):
    """Notes each point of one definition once."""

    def __init__(self, recording: Recording, key: str, machine: Machine) -> None:
        self._recording, self._key = recording, key
        self._taken: set[Point] = set()
        self._states = {state.name: state for state in states_of(machine.body)}
        self._error: StateError | EvaluationError | None = None
        self._choices: set[int] = set()
        """Strands that have just made a Choice: they leave by a rule, not by their Next."""

    def entered(self, strand: Strand) -> None:
        self._take(Point("state", strand.state))

    def chosen(self, strand: Strand, rule: int | None) -> None:
        self._choices.add(id(strand))
        self._take(Point("default", strand.state) if rule is None else Point("rule", strand.state, rule))

    def failed(self, strand: Strand, error: StateError | EvaluationError) -> None:
        self._error = error

    def retried(self, strand: Strand, retrier: int, attempt: int, delay: float) -> None:
        handler = self._states[strand.state].retry[retrier]  # type: ignore[union-attr]
        self._handled("retry", strand.state, retrier, handler, self._error)

    def caught(self, strand: Strand, catcher: int, error: StateError) -> None:
        self._choices.add(id(strand))
        handler = self._states[strand.state].catch[catcher]  # type: ignore[union-attr]
        self._handled("catch", strand.state, catcher, handler, error)

    def left(self, strand: Strand, target: str | None) -> None:
        if id(strand) in self._choices:
            self._choices.discard(id(strand))
        elif target is not None:
            self._take(Point("next", strand.state))

    def _handled(
        self,
        kind: str,
        state: str,
        index: int,
        handler: Retrier | Catcher,
        error: StateError | EvaluationError | None,
    ) -> None:
        for name in handler.error_equals:
            if _names(error, name):
                self._take(Point(kind, state, index, name))

    def _take(self, point: Point) -> None:
        if point not in self._taken:
            self._taken.add(point)
            self._recording.note(self._key, point)


def _names(error: StateError | EvaluationError | None, name: str) -> bool:
    """Whether an error was handled because of that name in an ErrorEquals."""
    if isinstance(error, EvaluationError):
        return name in (error.error, ALL)
    return error is not None and matches(error, (name,))


def read(places: Sequence[Path]) -> list[Noted]:
    """The notes in the directories and files. A line that a kill cut short is skipped, and so is what is no note."""
    found: dict[str, dict[str, Any]] = {}
    for file in _files(places):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            told = _note(line)
            if told is None:
                continue
            machine = found.setdefault(told["machine"], {"points": set()})
            if "point" in told:
                machine["points"].add(Point(*told["point"]))
            else:
                machine |= {name: told[name] for name in ("name", "path", "definition")}
    whole = [machine for machine in found.values() if "definition" in machine]
    return [Noted(m["name"], m["path"], m["definition"], frozenset(m["points"])) for m in whole]


_DEFINING: Final = frozenset({"name", "path", "definition"})


def _note(line: str) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(told, dict) and "machine" in told and ("point" in told or told.keys() >= _DEFINING)
    return told if whole else None


def _files(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        yield from sorted(place.glob(f"*{SUFFIX}")) if place.is_dir() else [place]
