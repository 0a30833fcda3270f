"""What keeps a worker within bounds: whatever it leaves running is adopted and ended, and its data are limited.

Standard library only, as ``worker`` beside it, which loads it by path. Linux alone offers these; elsewhere nothing is
done.
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path


def adopt_orphans() -> None:
    """What a descendant leaves running becomes a child of this process, however it went about it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def keep_to(megabytes: int) -> None:
    """Data beyond what the runtime itself has is refused: MemorySize, as far as one process is concerned."""
    if sys.platform == "linux" and megabytes:
        told = Path("/proc/self/status").read_text().split("VmData:")[1].split()[0]
        resource.setrlimit(resource.RLIMIT_DATA, ((int(told) << 10) + (megabytes << 20),) * 2)


def _children(pid: int) -> list[int]:
    """Running and ended ones, of all its threads; none where the system does not tell."""
    found: list[int] = []
    for told in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, told.read_text().split())
        except OSError:
            continue
    return found


def end_orphans(workers: set[int]) -> None:
    """Ends what dead workers left running: all children that are none. What those leave comes here in its turn."""
    for _ in range(1_000):
        orphans = [pid for pid in _children(os.getpid()) if pid not in workers]
        if not orphans:
            return
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def end_all(workers: set[int]) -> None:
    """The server is gone: nothing of it stays."""
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    end_orphans(set())


def die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() == 1:
            os._exit(0)


def ended(pid: int) -> int:
    """How the process ended: its exit status, or minus the signal that killed it."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return 0


def peak_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 or 1
