"""How the embedded server stands: what it says of itself in words, and what can't be asked of one that runs."""

from typing import Any
from urllib.parse import urlsplit

from terminal.background import Running
from terminal.errors import TerminalError


def check(found: Running, port: int | None, time_mode: str | None, in_memory: bool, foreground: bool) -> None:
    """Refuses what a server that runs already is not. Raises ``TerminalError``."""
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
    where = found.directory or "nowhere: it is in memory"
    lines = [f"{found.url} has been answering for {told.get('uptime')} s, version {told.get('version')}"]
    lines += [f"state is kept in {where}; waits: {found.time}"]
    return "\n".join([*lines, *(f"  {_words(name)}: {_counted(held)}" for name, held in told.get("held", {}).items())])


def _words(name: str) -> str:
    """``stateMachines`` → ``state machines``"""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def _counted(held: Any) -> str:
    if isinstance(held, dict):
        return ", ".join(f"{count} {name}" for name, count in held.items())
    return (", ".join(map(str, held)) or "none yet") if isinstance(held, list) else str(held)
