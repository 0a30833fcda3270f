"""Shows executions as they begin and end, and functions' lines, on a server that was not started here."""

import threading
import time
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from sfn_emulator.command.help_page import say

_LOOK_EVERY: Final = 0.5
_NEWEST: Final = 50


class Passing:
    """``clients(service)`` gives a boto3 client. Earlier executions and lines are not shown."""

    def __init__(self, clients: Any) -> None:
        self._states, self._logs = clients("stepfunctions"), clients("logs")
        self._statuses: dict[str, str] | None = None
        self._since = int(time.time() * 1000)  # noqa: TID251 - lines bear the machine's time
        self._told: set[str] = set()

    def follow(self, stop: threading.Event) -> None:
        """Shows them until it is stopped."""
        while not stop.wait(_LOOK_EVERY):
            try:
                self._look()
            except (ClientError, BotoCoreError, KeyError):
                continue  # it is being reset, or has gone: the next deploy says so

    def _look(self) -> None:
        now = self._executions()
        before = self._statuses
        self._statuses = now
        for arn, status in now.items() if before is not None else ():
            if before is not None and before.get(arn) != status:
                machine, _, name = arn.rpartition(":")
                say(f"{machine.rpartition(':')[2]}:{name} {status}")
        for line in self._lines():
            say(line)

    def _executions(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for machine in self._states.list_state_machines()["stateMachines"]:
            if machine["type"] == "STANDARD":
                arn = machine["stateMachineArn"]
                rows = self._states.list_executions(stateMachineArn=arn, maxResults=_NEWEST)["executions"]
                found |= {row["executionArn"]: row["status"] for row in rows}
        return found

    def _lines(self) -> list[str]:
        made = []
        groups = self._logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
        for group in groups:
            name = group["logGroupName"]
            told = self._logs.filter_log_events(logGroupName=name, startTime=self._since)["events"]
            for event in told:
                if event["eventId"] not in self._told:
                    self._told.add(event["eventId"])
                    made.append(f"{name.removeprefix('/aws/lambda/')}: {event['message'].rstrip()}")
        return made
