"""One order, from the tables before to the tables after."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from terminal import background, show
from terminal.errors import TerminalError
from terminal.session import Session
from terminal.steps import Told, read
from terminal.tables import Change, Snapshot, changes

POLL = {"embedded": 0.02, "localstack": 0.1, "aws": 0.5}
"""Seconds between two looks at a history."""


@dataclass
class Outcome:
    """``moments`` are the tables before, when most was changed, at the wait (if it came to that) and after."""

    arn: str
    told: Told = field(default_factory=Told)
    moments: dict[str, Snapshot] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return self.told.status == "SUCCEEDED"


def run(session: Session, order: Mapping[str, Any], via: str = "states", time_mode: str = "skip") -> Outcome:
    """Starts the saga and follows it to its end, telling its steps as they pass."""
    moments = {"before": _known(session, order)}
    paced = session.name == "embedded" and background.pace(session.target.endpoint, order["MessageId"], "real")

    def hurry() -> None:
        if paced and time_mode == "skip":
            background.pace(session.target.endpoint, order["MessageId"], "skip")

    def at_wait() -> None:
        moments["at the wait"] = session.tables()
        hurry()

    def at_step() -> None:
        now = session.tables()
        if "at the wait" not in moments and len(changes(moments["before"], now)) >= len(_most(moments)):
            moments["on the way"] = now

    outcome = Outcome(_STARTS[via](session, order), moments=moments)
    try:
        outcome.told = follow(session, outcome.arn, {"waiting": at_wait, "retrying": hurry}, at_step)
    except KeyboardInterrupt:
        raise StoppedFollowingError(outcome.arn) from None
    moments["after"] = session.tables()
    if "at the wait" in moments or not _most(moments):
        moments.pop("on the way", None)
    return outcome


class StoppedFollowingError(TerminalError):
    """Ctrl-C, while the saga goes on by itself."""

    def __init__(self, arn: str) -> None:
        name = arn.rpartition(":")[2]
        super().__init__(
            f"not followed any further; the saga {name} goes on: 'python cli.py history {name}' shows it, "
            f"'python cli.py stop {name}' stops it where it is"
        )


def _most(moments: Mapping[str, Snapshot]) -> list[Change]:
    return changes(moments["before"], moments.get("on the way", moments["before"]))


def start(session: Session, order: Mapping[str, Any], via: str, time_mode: str | None) -> str:
    """The execution's ARN."""
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
    """The order's id names an earlier saga."""


def _by_states(session: Session, order: Mapping[str, Any]) -> str:
    text = json.dumps(order, sort_keys=True)
    request = {"stateMachineArn": session.saga.machine.alias_arn, "name": order["MessageId"], "input": text}
    try:
        return str(session.client("stepfunctions").start_execution(**request)["executionArn"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
            message = f"MessageId: {order['MessageId']} names an earlier saga; see 'cli.py history', or take another"
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
        raise TerminalError(f"{url}: no answer that can be understood ({error})") from error


_STARTS: dict[str, Callable[[Session, Mapping[str, Any]], str]] = {"states": _by_states, "api": _by_api}


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]


def history(session: Session, arn: str) -> list[dict[str, Any]]:
    pages = session.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event for page in pages for event in page["events"]]


def follow(session: Session, arn: str, when: Mapping[str, Callable[[], None]], at_step: Callable[[], None]) -> Told:
    """Tells each step once it is over, and calls ``at_step``.

    ``when`` is called once for each outcome a step under way is first seen in.
    """
    shown, reached = 0, set()
    console = show.console()
    spinner = console.status("starting") if console.is_terminal and not session.quiet else nullcontext()
    with spinner as status:
        while True:
            told = read(history(session, arn))
            seen, shown = shown, _tell_over(session, told, shown)
            if shown > seen and told.status == "RUNNING":
                at_step()
            if told.status != "RUNNING":
                return told
            current = told.steps[-1] if told.steps else None
            if current is not None and current.left is None:
                if status:
                    status.update(show.step_line(current))
                if current.outcome in when and current.outcome not in reached:
                    reached.add(current.outcome)
                    session.say(show.step_line(current))
                    when[current.outcome]()
            time.sleep(POLL[session.name])  # noqa: TID251  there is no call that waits for the next event


def _tell_over(session: Session, told: Told, shown: int) -> int:
    """Tells the steps that are over since the last look; how many that makes."""
    over = [step for step in told.steps if step.left is not None or told.status != "RUNNING"]
    for step in over[shown:]:
        if step.type != "Choice":
            session.say(show.step_line(step))
    return len(over)
