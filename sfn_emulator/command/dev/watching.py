"""Watches files, by looking at them ten times a second."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

_LOOK_EVERY: Final = 0.1
_PASSED_OVER: Final = frozenset({"__pycache__", ".git", ".venv", ".aws-sam", "cdk.out"})

Places = Iterable[Path] | Callable[[], Iterable[Path]]


def changes(places: Places, stop: threading.Event | None = None) -> Iterator[set[Path]]:
    """Yields at once, and whenever a file of the places (files, or all files below folders) is changed, new or gone.
    If ``places`` is a function, it is called at each look.
    """
    watched = places if callable(places) else list(places)
    ended = stop or threading.Event()
    before = _seen(watched)
    changed = set(before)
    while not ended.is_set():
        if changed:
            since = time.time_ns()
            yield changed
            before = {path: told for path, told in _seen(watched).items() if told[0] < since} | before
        ended.wait(_LOOK_EVERY)
        now = _seen(watched)
        changed = {path for path in {*before, *now} if before.get(path) != now.get(path)}
        before = now


def files(place: Path) -> Iterator[Path]:
    """All files below a folder, in order; a file itself."""
    if not place.is_dir():
        yield place
        return
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        yield from (path for name in sorted(names) if _is_plain(path := Path(folder, name)))


def _is_plain(path: Path) -> bool:
    """A file that can be read whole: no pipe, no socket, no link to nowhere, and with a name that is text."""
    try:
        str(path).encode()
        return path.is_file()
    except (OSError, UnicodeEncodeError):
        return False


def _seen(places: Places) -> dict[Path, tuple[int, int]]:
    found: dict[Path, tuple[int, int]] = {}
    for place in places() if callable(places) else places:
        for path in files(place):
            try:
                told = path.stat()
            except FileNotFoundError:
                continue
            found[path] = told.st_mtime_ns, told.st_size
    return found
