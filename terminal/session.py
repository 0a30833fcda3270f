"""Where a command works: target, configuration and server, from the options every command has."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from rich.text import Text

from deploy import config, saga, targets
from terminal import background, show, tables
from terminal.errors import TerminalError


@dataclass(frozen=True)
class Session:
    """``directory`` is where the embedded server keeps its state; ``quiet`` asks for JSON instead of words."""

    name: str
    endpoint: str | None
    config_file: Path
    directory: Path
    quiet: bool

    @cached_property
    def config(self) -> config.Config:
        return config.load(self.config_file)

    @cached_property
    def target(self) -> targets.Target:
        """The target, its server started first when it is the embedded one and does not run."""
        if self.name == "embedded" and self.endpoint is None:
            return targets.connect(self.name, self.config, self.server().url)
        return targets.connect(self.name, self.config, self.endpoint)

    @cached_property
    def saga(self) -> saga.Saga:
        return saga.on(self.target, self.config)

    @property
    def default_url(self) -> str:
        return self.config.targets["embedded"]["endpoint"]

    def server(self) -> background.Running:
        found = background.find(self.directory, self.default_url)
        if found is None:
            found = self.start_server(urlsplit(self.default_url).port, "skip")
            self.say(f"started the embedded server at {found.url} (waits are skipped; 'cli.py down' stops it)")
        return found

    def start_server(self, port: int | None, time: str, *more: str) -> background.Running:
        arguments = ("--time", time, "--region", self.config.targets["embedded"]["region"], *more)
        return background.start(self.directory, "--port", str(port or 0), *arguments)

    def client(self, service: str) -> Any:
        return self.target.client(service)

    def tables(self) -> tables.Snapshot:
        return tables.look(self.client("dynamodb"), self.config.tables)

    def say(self, text: Any) -> None:
        """Words (or a rich renderable) for people; nothing when JSON is wanted."""
        if not self.quiet:
            show.console().print(text)

    def say_lines(self, lines: Iterable[Text]) -> None:
        """A line each, cropped to a terminal's width, whole in a pipe."""
        if not self.quiet:
            show.lines(lines)

    def answer(self, document: Any) -> None:
        """The result for machines; nothing when words are wanted."""
        if self.quiet:
            click.echo(json.dumps(document, indent=2, default=str))


def command(group: click.Group, **settings: Any) -> Callable[[Callable[..., None]], click.Command]:
    """A command of the group with the options all have; the function gets a ``Session`` first."""

    def decorate(function: Callable[..., None]) -> click.Command:
        @wraps(function)
        def run(
            target: str, endpoint: str | None, config_file: Path, state_dir: Path, as_json: bool, **more: Any
        ) -> None:
            function(Session(target, endpoint, config_file, state_dir.absolute(), as_json), **more)

        wrapped: Callable[..., None] = run
        for option in reversed(_OPTIONS):
            wrapped = option(wrapped)
        return group.command(**settings)(wrapped)

    return decorate


_FILE = click.Path(path_type=Path, dir_okay=False)
_DIRECTORY = click.Path(path_type=Path, file_okay=True)
_OPTIONS = (
    click.option(
        "--target",
        envvar="SAGA_TARGET",
        type=click.Choice(targets.NAMES),
        default="embedded",
        show_default=True,
        help="Where to; also SAGA_TARGET.",
    ),
    click.option("--endpoint", envvar="SAGA_ENDPOINT", metavar="URL", help="Where the target answers, if elsewhere."),
    click.option("--config", "config_file", type=_FILE, default=config.DEFAULT, help="Instead of deploy/config.yaml."),
    click.option(
        "--state-dir",
        envvar="SAGA_STATE_DIR",
        type=_DIRECTORY,
        default=Path(".sfn"),
        help="Where the embedded server keeps its state (default: .sfn).",
    ),
    click.option("--json", "as_json", is_flag=True, help="Answer in JSON."),
)


def only_embedded(session: Session, what: str) -> None:
    """Raises ``TerminalError`` for a command that has no meaning elsewhere."""
    if session.name != "embedded":
        raise TerminalError(f"{what} is about the embedded server; {session.name} is started by its own means")


def is_terminal() -> bool:
    return os.isatty(1)
