"""Keeps a worker within bounds: processes it leaves running are adopted and ended, its memory is limited, and it sees
its layers at ``/opt``.

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
    """Every process that a descendant leaves running becomes a child of this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def keep_to(megabytes: int) -> None:
    """Limits this process's memory to MemorySize, on top of the memory that the runtime itself has."""
    if sys.platform == "linux" and megabytes:
        told = Path("/proc/self/status").read_text().split("VmData:")[1].split()[0]
        resource.setrlimit(resource.RLIMIT_DATA, ((int(told) << 10) + (megabytes << 20),) * 2)


_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000
_BIND, _DOWN, _PRIVATE = 1 << 12, 1 << 14, 1 << 18


def show_at_opt(folder: str, program: str) -> None:
    """Shows that folder at ``/opt`` to this process and its children. It works where the system lets an ordinary
    process have mounts of its own, unless the interpreter itself is in ``/opt``. Elsewhere nothing is done.
    """
    needed = (program, sys.prefix, sys.base_prefix, *sys.path)
    hidden = any(Path(place).resolve().is_relative_to("/opt") for place in needed)
    if sys.platform != "linux" or hidden or not Path("/opt").is_dir():
        return
    libc = ctypes.CDLL(None)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_MOUNTS):
        if libc.unshare(_NEW_MOUNTS | _NEW_USER):
            return
        try:
            for name, text in (
                ("setgroups", "deny"),
                ("uid_map", f"{user} {user} 1"),
                ("gid_map", f"{group} {group} 1"),
            ):
                Path("/proc/self", name).write_text(text)
        except OSError:
            return
    libc.mount(None, b"/", None, _DOWN | _PRIVATE, None)
    libc.mount(os.fsencode(folder), b"/opt", None, _BIND, None)


def _children(pid: int) -> list[int]:
    """The children of all this process's threads, running and ended; none if the system does not list them."""
    found: list[int] = []
    for told in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, told.read_text().split())
        except OSError:
            continue
    return found


def end_orphans(workers: set[int]) -> None:
    """Ends processes that dead workers left running: all children that are no workers. Their own children come here in
    turn.
    """
    for _ in range(1_000):
        orphans = [pid for pid in _children(os.getpid()) if pid not in workers]
        if not orphans:
            return
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def end_all(workers: set[int]) -> None:
    """Ends every child: the server is gone."""
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    end_orphans(set())


def die_with_parent() -> None:
    """Ends this process when its parent ends, whatever ends that (Linux)."""
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
