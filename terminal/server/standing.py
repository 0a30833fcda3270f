"""The embedded server's state in words, and the options that can't be changed while it runs."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from terminal.errors import TerminalError
from terminal.server import background
from terminal.server.background import Running


def found(directory: Path, url: str, port: int | None) -> Running | None:
    """The directory's own server, if it runs. Raises ``TerminalError`` if another directory's server has the port."""
    known = background.find(directory, url)
    if known is None or not is_foreign(known, directory):
        return known
    if port in (None, urlsplit(known.url).port):
        raise TerminalError(
            f"the server at {known.url} was started elsewhere and {place(known)}; "
            "stop it there, or take another port: 'python cli.py up --port 0'"
        )
    return None


def is_foreign(found: Running, directory: Path) -> bool:
    """Whether it was started by somebody else, for another directory."""
    return not found.pid and found.directory != str(directory)


def place(found: Running) -> str:
    """Where the server keeps its state, in words."""
    return f"keeps its state in {found.directory}" if found.directory else "keeps its state in memory"


def check(found: Running, port: int | None, time_mode: str | None, in_memory: bool, foreground: bool) -> None:
    """Raises ``TerminalError`` for options that differ from those of the running server."""
    differs = {
        f"--port {port}": port not in (None, 0, urlsplit(found.url).port),
        f"--time {time_mode}": time_mode not in (None, found.time),
        "--in-memory": in_memory and found.directory is not None,
        "--foreground": foreground,
    }
    if asked := [option for option, otherwise in differs.items() if otherwise]:
        raise TerminalError(
            f"a server answers already at {found.url} (--time {found.time}), which {asked[0]} would not change; "
            "stop it first: 'python cli.py down'"
        )


def words(found: Running, told: dict[str, Any]) -> str:
    """The server's state in lines; ``told`` is the answer of its ``/health``."""
    lines = [f"{found.url} has been answering for {told.get('uptime')} s, version {told.get('version')}"]
    lines += [f"it {place(found)}; waits: {found.time}"]
    return "\n".join([*lines, *(f"  {_words(name)}: {_counted(held)}" for name, held in told.get("held", {}).items())])


def _words(name: str) -> str:
    """``stateMachines`` → ``state machines``"""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def _counted(held: Any) -> str:
    if held is None:
        return "not read yet"
    if isinstance(held, dict):
        return ", ".join(f"{count} {name}" for name, count in held.items())
    return (", ".join(map(str, held)) or "none yet") if isinstance(held, list) else str(held)
