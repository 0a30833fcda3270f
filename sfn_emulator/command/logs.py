"""``sfn-emulator logs``: functions' output and executions' logs on a server, oldest first."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import click

from sfn_emulator.command.help_page import HelpPage, say
from sfn_emulator.command.running_server import asking, client, endpoint_option, seconds

POLL: Final = 0.5
"""Seconds between two looks with --follow."""
LATE: Final = 15 * 60_000
"""Milliseconds by which a line may come later than its time says: a function's lines come when it has ended."""

_EXAMPLES: Final = (
    ("sfn-emulator logs", "Every line of every log group."),
    ("sfn-emulator logs Charge --since 10m", "The last ten minutes of the function Charge."),
    ("sfn-emulator logs --follow", "Goes on with new lines, until Ctrl-C."),
    ("sfn-emulator logs /aws/vendedlogs/states/shop --json", "An execution log, one object per line."),
)
_EXITS: Final = {0: "the lines were shown", 1: "no server answered, or there is no such log group"}


@click.command("logs", cls=HelpPage, examples=_EXAMPLES, exits=_EXITS)
@click.argument("names", nargs=-1, metavar="[FUNCTION|GROUP]...")
@click.option("--since", metavar="DURATION", help="Only lines of the last DURATION: seconds, or 15m, 2h, 3d.")
@click.option("--filter", "pattern", metavar="PATTERN", help="Only lines that match; in the form of filterPattern.")
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines.")
@endpoint_option
@click.option("--json", "as_json", is_flag=True, help="One object per line, with time, group, stream and message.")
def command(
    names: tuple[str, ...], since: str | None, pattern: str | None, follow: bool, endpoint: str, as_json: bool
) -> None:
    """Show what functions printed and executions logged."""
    logs = client(endpoint, "logs")
    begin = 0 if since is None else int((time.time() - seconds(since)) * 1000)  # noqa: TID251 - lines bear its time
    more = {"filterPattern": pattern} if pattern else {}
    told: dict[int, int] = {}
    with suppress(KeyboardInterrupt), asking(endpoint, " ".join(names), "without a name those of all groups are shown"):
        while True:
            fresh = [line for line in _lines(logs, names, begin, more) if _key(line) not in told]
            for line in sorted(fresh, key=lambda line: line["timestamp"]):
                told[_key(line)] = line["timestamp"]
                say(_object(line) if as_json else _plain(line))
            if not follow:
                return
            begin = max(begin, int(time.time() * 1000) - LATE)  # noqa: TID251 - lines bear its time
            told = {key: at for key, at in told.items() if at >= begin}
            time.sleep(POLL)  # noqa: TID251 - there is no call that waits for the next line


def _key(line: Mapping[str, Any]) -> int:
    """By which a line is known again. Its time is no order: where waits are skipped, lines of a run are dated ahead."""
    return hash((line["group"], line["logStreamName"], line["eventId"], line["timestamp"], line["message"]))


def _lines(logs: Any, names: tuple[str, ...], begin: int, more: dict[str, str]) -> Iterator[dict[str, Any]]:
    for group in [_group(name) for name in names] or _groups(logs):
        asked = {"logGroupName": group, "startTime": begin, **more}
        while True:
            page = logs.filter_log_events(**asked)
            yield from ({**event, "group": group} for event in page["events"])
            if not page.get("nextToken"):
                break
            asked["nextToken"] = page["nextToken"]


def _group(name: str) -> str:
    return name if name.startswith("/") else f"/aws/lambda/{name}"


def _groups(logs: Any) -> list[str]:
    pages = logs.get_paginator("describe_log_groups").paginate()
    return [group["logGroupName"] for page in pages for group in page["logGroups"]]


def _plain(line: dict[str, Any]) -> str:
    """``12:00:01.123  Charge  what it said``"""
    name = line["group"].removeprefix("/aws/lambda/")
    return f"{_instant(line):%H:%M:%S.%f}"[:-3] + f"  {name}  {line['message'].rstrip()}"


def _object(line: dict[str, Any]) -> str:
    told = {"time": _instant(line).isoformat(timespec="milliseconds"), "group": line["group"]}
    return json.dumps({**told, "stream": line["logStreamName"], "message": line["message"]})


def _instant(line: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(line["timestamp"] / 1000, UTC)
