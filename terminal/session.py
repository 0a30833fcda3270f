"""The session of a command: target, configuration and server, from the options that commands share."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from rich.text import Text

from deploy import config, saga, targets
from terminal.errors import TerminalError
from terminal.report import show, tables
from terminal.server import background, standing


@dataclass(frozen=True)
class Session:
    """``directory`` is where the embedded server keeps its state; ``quiet`` asks for JSON instead of words."""

    name: str
    endpoint: str | None
    config_file: Path
    directory: Path
    quiet: bool
    starts: bool = False
    """Whether the command starts the embedded server when none runs. Only a command that deploys does: for any other,
    a new server would hold nothing to work with."""

    @cached_property
    def config(self) -> config.Config:
        return config.load(self.config_file)

    @cached_property
    def target(self) -> targets.Target:
        """The target. Raises ``TerminalError`` if no embedded server runs and the command starts none."""
        if self.name != "embedded" or self.endpoint is not None:
            return targets.connect(self.name, self.config, self.endpoint)
        return targets.connect(self.name, self.config, self.server().url)

    @cached_property
    def saga(self) -> saga.Saga:
        return saga.on(self.target, self.config)

    @property
    def default_url(self) -> str:
        return self.config.targets["embedded"]["endpoint"]

    def server(self) -> background.Running:
        found = background.find(self.directory, self.default_url)
        if found is None and not self.starts:
            raise TerminalError(
                f"no server of {self.directory} is running; 'python cli.py up' starts one, 'python cli.py deploy' "
                "starts one and deploys the saga"
            )
        if found is None:
            found = self.start_server(urlsplit(self.default_url).port, "skip")
            self.say(f"started the embedded server at {found.url} (waits are skipped; 'python cli.py down' stops it)")
        elif standing.is_foreign(found, self.directory):
            show.noted(f"note: the server at {found.url} was started elsewhere; it {standing.place(found)}")
        return found

    def start_server(self, port: int | None, time: str, *more: str) -> background.Running:
        """Starts a server in the background; ``None`` or 0 takes a free port."""
        arguments = ("--time", time, "--region", self.config.targets["embedded"]["region"], *more)
        return background.start(self.directory, "--port", str(port or 0), *arguments)

    def client(self, service: str) -> Any:
        return self.target.client(service)

    def tables(self) -> tables.Snapshot:
        return tables.look(self.client("dynamodb"), self.config.tables)

    def say(self, text: Any) -> None:
        """Prints words (or a rich renderable) for people; nothing if JSON is wanted."""
        if not self.quiet:
            show.told(text)

    def say_lines(self, lines: Iterable[Text]) -> None:
        """Prints a line each: cropped to a terminal's width, whole in a pipe."""
        if not self.quiet:
            show.lines(lines)

    def answer(self, document: Any) -> None:
        """Prints the result for machines; nothing if words are wanted."""
        if self.quiet:
            click.echo(json.dumps(document, indent=2, default=str))  # noqa: TID251 - JSON, and ASCII


ALL = ("target", "config", "state_dir", "json")
SERVER = ("config", "state_dir", "json")
"""The subjects of a command: it has the options of each."""


def command(
    group: click.Group, *, about: Sequence[str] = ALL, starts: bool = False, **settings: Any
) -> Callable[[Callable[..., None]], click.Command]:
    """A command of the group, with the options of the subjects in ``about``. The function gets a ``Session`` first."""

    def decorate(function: Callable[..., None]) -> click.Command:
        @wraps(function)
        def run(**given: Any) -> None:
            told = {name: given.pop(name) for name in _DEFAULTS if name in given}
            function(Session(**{**_DEFAULTS, **told}, starts=starts), **given)

        wrapped: Callable[..., None] = run
        for name in reversed(about):
            for option in reversed(_OPTIONS[name]):
                wrapped = option(wrapped)
        return group.command(**settings)(wrapped)

    return decorate


def _address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    told = urlsplit(value or "http://127.0.0.1")
    if told.scheme not in ("http", "https") or not told.hostname:
        raise click.BadParameter(f"'{value}' is not an address like http://127.0.0.1:8083", param=parameter)
    return value


def _absolute(context: click.Context, parameter: click.Parameter, value: Path) -> Path:
    return value.absolute()


_FILE = click.Path(path_type=Path, dir_okay=False)
_DIRECTORY = click.Path(path_type=Path, file_okay=True)
_STATE = Path(".sfn")
_DEFAULTS: dict[str, Any] = {
    "name": "embedded",
    "endpoint": None,
    "config_file": config.DEFAULT,
    "directory": _STATE.absolute(),
    "quiet": False,
}
_OPTIONS: dict[str, tuple[Callable[..., Any], ...]] = {
    "target": (
        click.option(
            "--target",
            "name",
            envvar="SAGA_TARGET",
            type=click.Choice(targets.NAMES),
            default="embedded",
            help="The target; also SAGA_TARGET. Default: embedded.",
        ),
        click.option(
            "--endpoint",
            envvar="SAGA_ENDPOINT",
            metavar="URL",
            callback=_address,
            help="The target's address, if it is not the usual one.",
        ),
    ),
    "config": (
        click.option(
            "--config", "config_file", type=_FILE, default=config.DEFAULT, help="Instead of deploy/config.yaml."
        ),
    ),
    "state_dir": (
        click.option(
            "--state-dir",
            "directory",
            envvar="SAGA_STATE_DIR",
            type=_DIRECTORY,
            default=_STATE,
            callback=_absolute,
            help="Where the embedded server keeps its state. Default: .sfn.",
        ),
    ),
    "json": (click.option("--json", "quiet", is_flag=True, help="Answer in JSON."),),
}
