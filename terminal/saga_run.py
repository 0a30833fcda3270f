"""One order, from the tables before to the tables after."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, HTTPClientError

from sfn_emulator.picture.history.visit import Happened, Outcome, Visit
from terminal.errors import TerminalError
from terminal.report import show, writes
from terminal.report.steps import Steps, settled, unfinished
from terminal.report.tables import Snapshot, changes
from terminal.report.writes import Write
from terminal.server import background
from terminal.session import Session

POLL = {"embedded": 0.02, "localstack": 0.1, "aws": 0.5}
"""Seconds between two looks at a history."""
PACES = ("skip", "real")
"""The times that can be asked for one saga. A server may have another, such as 60 times as fast."""
AT_WAIT = "at the wait"
ON_THE_WAY = "on the way"


@dataclass
class Run:
    """A saga that was followed. ``writes`` is ``None`` on targets that do not report the writes of each step.

    ``moments`` are the tables before, at the wait (else when most rows differed), and after.
    """

    arn: str
    told: Happened = field(default_factory=Happened)
    moments: dict[str, Snapshot] = field(default_factory=dict)
    writes: list[Write] | None = None

    @property
    def succeeded(self) -> bool:
        return self.told.status == "SUCCEEDED"


def run(session: Session, order: Mapping[str, Any], via: str = "states", time_mode: str | None = None) -> Run:
    """Starts the saga and follows it to its end, showing its steps as they pass.

    ``time_mode`` is ``skip`` or ``real``; ``None`` leaves the saga's waits to the server.
    """
    before = _known(session, order)
    embedded = session.name == "embedded"
    server = background.answering(session.target.endpoint, background.PATIENCE) if embedded else None
    time_mode = time_mode or (server.time if server else None)
    paced = time_mode in PACES and background.pace(session.target.endpoint, order["MessageId"], "real")
    looks = _Looks(session, before, order["MessageId"] if paced and time_mode == "skip" else None)
    made = Run(_STARTS[via](session, order), moments=looks.moments)
    with _followed(made.arn, server):
        made.told = follow(session, made.arn, looks)
        if embedded:
            made.writes = writes.of(session.target.endpoint, made.arn, session.config.tables)
        after = session.tables()
    made.moments = {"before": before, **_between(looks.moments, made.writes, after), "after": after}
    return made


@contextmanager
def _followed(arn: str, server: background.Running | None) -> Iterator[None]:
    """Turns Ctrl-C, and the end of an embedded server, into errors that say what becomes of the saga."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedFollowingError(arn) from None
    except (EndpointConnectionError, ConnectTimeoutError, HTTPClientError):
        if server is None:
            raise
        raise ServerGoneError(arn, server) from None


def _between(seen: Mapping[str, Snapshot], written: list[Write] | None, after: Snapshot) -> Mapping[str, Snapshot]:
    """The moment between before and after that shows most, if there is one."""
    if AT_WAIT in seen:
        return {AT_WAIT: seen[AT_WAIT]}
    before = seen["before"]
    step, most = ("", seen.get(ON_THE_WAY, before)) if written is None else writes.furthest(before, written)
    return {} if most in (before, after) else {f"after {step}" if step else ON_THE_WAY: most}


class _Looks:
    """Looks at the tables while a saga runs. ``hurried`` names the saga whose waits are skipped after a look."""

    def __init__(self, session: Session, before: Snapshot, hurried: str | None) -> None:
        self.moments = {"before": before}
        self.hurried = hurried
        self._session = session
        self._most = 0
        self._seen: set[int] = set()

    def at_step(self) -> None:
        """Looks at the tables after each step, on targets that do not report writes."""
        if self._session.name == "embedded" or AT_WAIT in self.moments:
            return
        now = self._session.tables()
        if (count := len(changes(self.moments["before"], now))) >= self._most:
            self._most, self.moments[ON_THE_WAY] = count, now

    def at(self, visit: Visit) -> bool:
        """Looks at the tables while a visit waits or will be retried. Returns whether it is seen for the first time."""
        if visit.number in self._seen:
            return False
        self._seen.add(visit.number)
        if visit.outcome is Outcome.WAITING and AT_WAIT not in self.moments:
            self.moments[AT_WAIT] = self._session.tables()
        if self.hurried is not None:
            background.pace(self._session.target.endpoint, self.hurried, "skip")
        return True


class StoppedFollowingError(TerminalError):
    """Ctrl-C was pressed; the saga goes on by itself."""

    def __init__(self, arn: str) -> None:
        name = arn.rpartition(":")[2]
        super().__init__(
            f"no longer followed; the saga {name} goes on: 'python cli.py history {name}' shows it, "
            f"'python cli.py stop {name}' stops it where it is"
        )


class ServerGoneError(TerminalError):
    """The embedded server ended while a saga was followed."""

    def __init__(self, arn: str, server: background.Running) -> None:
        name = arn.rpartition(":")[2]
        kept = (
            f"the saga {name} is kept and goes on after 'python cli.py up'; 'python cli.py history {name}' shows it"
            if server.directory
            else f"it kept its state in memory, so the saga {name} is lost; 'python cli.py deploy' begins anew"
        )
        super().__init__(f"the server at {server.url} answers no longer; {kept}")


def start(session: Session, order: Mapping[str, Any], via: str, time_mode: str | None) -> str:
    """Starts the saga. Returns the execution's ARN."""
    _known(session, order)
    if time_mode is not None:
        background.pace(session.target.endpoint, order["MessageId"], time_mode)
    return _STARTS[via](session, order)


def _known(session: Session, order: Mapping[str, Any]) -> Snapshot:
    tables = session.tables()
    if order["ItemId"] not in tables["Inventory"]:
        known = ", ".join(tables["Inventory"]) or "none"
        raise TerminalError(f"ItemId: there is no item {order['ItemId']} in the Inventory table; there are {known}")
    return tables


class UsedError(TerminalError):
    """The order's id belongs to an earlier saga."""


def _by_states(session: Session, order: Mapping[str, Any]) -> str:
    text = json.dumps(order, sort_keys=True)
    request = {"stateMachineArn": session.saga.machine.alias_arn, "name": order["MessageId"], "input": text}
    try:
        return str(session.client("stepfunctions").start_execution(**request)["executionArn"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
            message = (
                f"MessageId: {order['MessageId']} belongs to an earlier saga; see 'python cli.py executions', or use "
                "another one"
            )
            raise UsedError(message) from error
        raise


def _by_api(session: Session, order: Mapping[str, Any]) -> str:
    url = session.saga.api_url()
    if url is None:
        raise TerminalError(f"the REST API is not deployed on {session.name}; run 'python cli.py deploy'")
    request = urllib.request.Request(url, json.dumps(order).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(json.load(answer)["executionArn"])
    except urllib.error.HTTPError as error:
        raise TerminalError(f"{url} answered {error.code}: {_message(error.read())}") from error
    except (OSError, ValueError, KeyError) as error:
        raise TerminalError(f"{url}: an answer that can't be understood ({error})") from error


_STARTS: dict[str, Callable[[Session, Mapping[str, Any]], str]] = {"states": _by_states, "api": _by_api}


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]


def follow(session: Session, arn: str, looks: _Looks) -> Happened:
    """Shows each step once its outcome is known. A step that waits or is retried is shown meanwhile, too."""
    steps, shown = Steps(session.client("stepfunctions")), 0
    console = show.console()
    spinner = console.status("starting") if console.is_terminal and not session.quiet else nullcontext()
    with spinner as status:
        while True:
            told = steps.read(arn)
            over = settled(told)
            session.say_lines(steps.lines(told, over[shown:]))
            if told.status != "RUNNING":
                return told
            if len(over) > shown:
                looks.at_step()
            shown = len(over)
            if status and (current := told.on(0)[shown : shown + 1]):
                status.update(next(steps.lines(told, current)))
            for visit in unfinished(told, Outcome.WAITING, Outcome.RETRYING):
                if looks.at(visit) and looks.hurried is None:
                    session.say_lines(steps.lines(told, [visit]))
            time.sleep(POLL[session.name])  # noqa: TID251  there is no call that waits for the next event
