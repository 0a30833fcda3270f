"""All placements of a number of faults, as a tree of forks: the common beginning of runs is run once.

The first run has no faults. At each call of a Task the process forks once for every fault that the call can have; the
fork goes on with the fault, the original without. So a pair of faults costs only what follows the second one. Each run
is announced in a line before it begins, and reports its result in another; the lines are read as they come. A run that
was announced and reported nothing (its code ended the process, or hung) counts as one that broke off.
"""

import gc
import json
import os
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sfn_emulator.prove.faults import Fault, Placement, fault_of
from sfn_emulator.prove.world.calls import Call
from sfn_emulator.prove.world.copies import PATIENCE, Jobs, cores, fork, leave
from sfn_emulator.prove.world.trial import Tried

_LINE: Final = 4_000
"""Bytes that a pipe takes from many writers without mixing them (POSIX: PIPE_BUF)."""
CRASHED: Final = "the run broke off"
SILENT: Final = f"its process ended without a report: a handler ended it, or did nothing for {PATIENCE} s"


@dataclass(frozen=True)
class Seen:
    """A run's report: enough to know whether it has to be looked at again."""

    placement: Placement
    status: str
    broken: dict[str, str]
    sometimes: tuple[str, ...]
    states: tuple[str, ...]
    seconds: float = field(default=0.0, compare=False)
    """Seconds of a processor, from the fork on."""
    raised: Mapping[str, str] = field(default_factory=dict, compare=False)
    """``sometimes`` claims that could not be asked, with why."""


Faults = Callable[[Call, int], Sequence[Fault]]
"""The possible faults of a call, given the number of faults placed already."""


class Forking:
    """The director of an exploration."""

    def __init__(self, faults: Faults, most: int, jobs: Jobs, lines: int) -> None:
        self._faults = faults
        self._most = most
        self._jobs = jobs
        self._lines = lines
        self.placed: Placement = ()
        self.holds_job = False

    def announce(self, *more: Fault) -> None:
        told = [fault.told for fault in (*self.placed, *more)]
        os.write(self._lines, _line({"begins": told}))

    def fault(self, call: Call) -> Fault | None:
        """Forks once for every fault that this call can have. The parent goes on without one."""
        signal.alarm(PATIENCE)
        if len(self.placed) >= self._most:
            return None
        for fault in self._faults(call, len(self.placed)):
            if self._in_fork(fault):
                self.placed = (*self.placed, fault)
                return fault
        return None

    def _in_fork(self, fault: Fault) -> bool:
        """Forks; true in the fork. The original goes on at once if there is a core for both. Waiting does not count as
        hanging.
        """
        self.announce(fault)
        free = self._jobs.take()
        pid = fork()
        if pid == 0:
            signal.alarm(PATIENCE)
            self.holds_job = free
            return True
        if not free:
            signal.alarm(0)
            os.waitpid(pid, 0)
            signal.alarm(PATIENCE)
        return False


def explore(run: Callable[[Forking], Tried], faults: Faults, most: int) -> Iterator[Seen]:
    """``run`` runs the saga with the director it is given, in this process; it is called in a copy."""
    read, write = os.pipe()
    jobs = Jobs(cores())
    gc.collect()
    gc.freeze()
    pid = fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.close(read)
        gc.disable()
        _explore(run, Forking(faults, most, jobs, write), write, jobs)
    os.close(write)
    jobs.close()
    try:
        with os.fdopen(read, encoding="utf-8") as lines:
            yield from _told_by(lines)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _told_by(lines: Iterable[str]) -> Iterator[Seen]:
    """Each run once, until none is under way: a run announces its forks before it reports its own end."""
    under_way: dict[str, Placement] = {}
    for line in lines:
        told = _told_in(line)
        if "begins" in told:
            under_way[repr(told["begins"])] = tuple(fault_of(*one) for one in told["begins"])
        elif under_way.pop(repr(told["run"]), None) is not None:
            yield _seen(told)
        if not under_way:
            return
    for placement in under_way.values():
        yield Seen(placement, "", {CRASHED: SILENT}, (), ())


def _explore(run: Callable[[Forking], Tried], director: Forking, write: int, jobs: Jobs) -> None:
    """Never returns, whatever the run's code has done to this process."""
    try:
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        director.announce()
        try:
            told = _told(run(director))
        except BaseException:
            told = {"p": [], "st": "", "b": {CRASHED: traceback.format_exc()[-1500:]}, "s": [], "v": []}
            told["p"] = [fault.told for fault in director.placed]
        os.write(write, _line({**told, "run": [fault.told for fault in director.placed]}))
    finally:
        if director.holds_job:
            with suppress(OSError):
                jobs.give()
        leave()


def _told(tried: Tried) -> dict[str, Any]:
    return {
        "p": [fault.told for fault in tried.placement],
        "st": tried.execution.status,
        "b": {name: why[:300] for name, why in tried.broken.items()},
        "s": list(tried.sometimes),
        "r": tried.raised,
        "v": list(dict.fromkeys(tried.execution.states)),
        "c": time.process_time(),
    }


def _line(told: dict[str, Any]) -> bytes:
    """One line; what is too long for one stands in a file that the line names."""
    body = json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace")
    if len(body) >= _LINE:
        handle, name = tempfile.mkstemp(prefix="sfn-prove-")
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        body = json.dumps({"file": name}).encode()
    return body + b"\n"


def _told_in(line: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(line)
    if "file" not in told:
        return told
    file = Path(told["file"])
    text = file.read_text(encoding="utf-8")
    file.unlink()
    return json.loads(text)  # type: ignore[no-any-return]


def _seen(told: dict[str, Any]) -> Seen:
    placement = tuple(fault_of(*one) for one in told["p"])
    seconds, raised = told.get("c", 0.0), told.get("r", {})
    return Seen(placement, told["st"], told["b"], tuple(told["s"]), tuple(told["v"]), seconds, raised)
