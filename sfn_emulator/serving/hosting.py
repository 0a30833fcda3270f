"""A server on its own socket: it listens, announces itself, and serves until it is told to stop."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import resource
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from sfn_emulator.cloud.keeping.journal import JournalError
from sfn_emulator.cloud.keeping.state_dir import ALONE, StateDirError
from sfn_emulator.errors import RESTORE
from sfn_emulator.service.store.database import StateDirectoryError
from sfn_emulator.serving.connection import Connection, say_goodbye
from sfn_emulator.serving.server import Server
from sfn_emulator.serving.settings import Settings
from sfn_emulator.tasks.clients import REAL_AWS, ProfileError
from sfn_emulator.tasks.mocks import MockFileError

_log: Final = logging.getLogger(__name__)

_MANY_FILES: Final = 65_536
_WAITING: Final = 2048
"""Connections that the system may keep until they are accepted."""
_AT_ONCE: Final = 32
"""Connections that are accepted in one turn of the loop."""
_YOUNG: Final = 5_000
"""New objects after which garbage is looked for among them: half a millisecond, seven times less often than Python's
own 700.
"""
_GIVES_WAY: Final = 0.001
"""Seconds that a thread may compute while the loop waits for the interpreter. Python's own 5 ms are five writes."""
_SILENCE: Final = 60.0
"""Seconds between two reports that no connection can be accepted."""


_ANOTHER_PORT: Final = "Stop the program that uses it, or choose another port with --port (0 picks a free one)."
_ANOTHER_HOST: Final = (
    "Name an address of this machine with --host: 127.0.0.1 for this machine alone, 0.0.0.0 for every interface."
)
_WAYS: Final = {
    errno.EADDRNOTAVAIL: _ANOTHER_HOST,
    errno.EAFNOSUPPORT: _ANOTHER_HOST,
    errno.EACCES: "Choose a port above 1023 with --port (0 picks a free one).",
}


class StartError(Exception):
    """The server can't start; the text, one line, says what is wrong, where, and how to mend it."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.splitlines()))


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serves until a signal stops it; ``announce`` is called with the URL once it answers. Raises ``StartError``."""
    listener = _listen(settings)
    _allow_many_files()
    os.umask(0o077)  # nobody else may read the kept files
    if REAL_AWS not in settings.endpoints.values():
        _forget_the_shells_aws()
    try:
        asyncio.run(_serve(Server(settings), listener, announce))
    except (StateDirError, StateDirectoryError, MockFileError, JournalError, ProfileError) as error:
        raise StartError(str(error)) from None
    except sqlite3.DatabaseError as error:
        raise StartError(
            f"State directory '{settings.state_dir}' cannot be used: {error}. {RESTORE} "
            "Everything in it is left as it is."
        ) from None
    finally:
        listener.close()


async def _serve(server: Server, listener: socket.socket, announce: Callable[[str], None]) -> None:
    host, port = listener.getsockname()[:2]
    endpoint = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    try:
        loop, told_to_stop = asyncio.get_running_loop(), asyncio.Event()

        def stop() -> None:
            told_to_stop.set()
            server.stop()

        if not server.settings.without_neighbours:
            server.neighbours.on_failure = lambda _: loop.call_soon_threadsafe(stop)
        await server.open(endpoint)
        for number in _stopping():
            loop.add_signal_handler(number, stop)
        signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)  # a long call of C hears many alarms
        loop.set_exception_handler(_unaccepted())
        connections: set[Connection] = set()
        app = server.app()
        try:  # another server may have begun to listen since this one bound its address
            wire = await loop.create_server(lambda: Connection(app, loop, connections), sock=listener, backlog=_AT_ONCE)
        except OSError as error:
            raise _cannot_listen(server.settings, error) from None
        listener.listen(_WAITING)
        gc.freeze()  # objects of the start stay for ever: hiding them saves 40 ms in each collection of garbage
        gc.enable()
        sys.setswitchinterval(_GIVES_WAY)
        gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
        warn_if_open(server.settings)
        announce(endpoint)
        await told_to_stop.wait()
        wire.close()
        await say_goodbye(connections, server.settings.grace)
        if server.neighbours.refusal is not None and not server.settings.without_neighbours:
            raise StartError(f"{server.neighbours.refusal} {ALONE}")
    finally:
        await server.close()


def _stopping() -> Iterator[signal.Signals]:
    """The signals that stop the server. A closed terminal (SIGHUP) does, too, unless that is ignored, as by nohup."""
    yield from (signal.SIGTERM, signal.SIGINT)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


def _unaccepted() -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Handles errors that nothing else handles. asyncio reports each attempt to take a connection for which it has no
    file; a second later it tries again, even if the listening socket has been closed meanwhile."""
    silent_until = 0.0

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal silent_until
        if "_start_serving" in context["message"]:
            return
        if "socket" not in context or not isinstance(context.get("exception"), OSError):
            loop.default_exception_handler(context)
        elif loop.time() >= silent_until:
            silent_until = loop.time() + _SILENCE
            _log.error("No connection can be taken at present: %s. See ulimit -n.", context["exception"])

    return handle


def _allow_many_files() -> None:
    """Raises the limit of open files as far as is allowed: half-open clients must not use up a shell's thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, _MANY_FILES)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _forget_the_shells_aws() -> None:
    """Removes AWS profiles and their files from the environment. They mean nothing here, and a missing one would break
    every client that moto makes.
    """
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(name, None)
    os.environ |= dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Without the protocol's name asyncio leaves Nagle's algorithm on.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except (OSError, UnicodeError) as error:
        listener.close()
        raise _cannot_listen(settings, error) from None
    return listener


def _cannot_listen(settings: Settings, error: OSError | UnicodeError) -> StartError:
    return StartError(f"Cannot listen on {settings.host}:{settings.port}: {_reason(error)}")


def _reason(error: OSError | UnicodeError) -> str:
    """Why an address can't be listened on, and how to mend it."""
    if isinstance(error, UnicodeError | socket.gaierror):
        return f"no address has that name. {_ANOTHER_HOST}"
    return f"{(error.strerror or str(error)).lower()}. {_WAYS.get(error.errno or 0, _ANOTHER_PORT)}"


def warn_if_open(settings: Settings) -> None:
    """Warns on standard error if others can reach this server."""
    if not settings.is_loopback:
        print(  # noqa: T201 - a warning to the person who started it
            f"warning: listening on {settings.host}: everyone who reaches this port can read, change and run "
            "everything here. Use --host 127.0.0.1 to keep it to this machine.",
            file=sys.stderr,
        )
