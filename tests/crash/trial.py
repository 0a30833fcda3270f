"""A trial: executions are started without pause, servers are killed, and in the end everything is looked at.

reference run, never killed → load and kills → all have ended → what must hold is checked, one line per breach
"""

import json
import random  # noqa: TID251 - seeded
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tests.crash.checks import breaches, exists, repeated
from tests.crash.known import Known
from tests.crash.life import Life
from tests.crash.machines import KINDS, create
from tests.crash.participants import Crew, Participants
from tests.waiting import PATIENCE

_END_PATIENCE: Final = 2 * PATIENCE
"""Seconds in which some execution has to end, or no other will."""


@dataclass
class Report:
    kills: int
    executions: int
    events: int
    histories: int
    calls: int
    repeated: int
    longest_start: float
    seconds: float
    kinds: dict[str, int]
    breaches: list[str]


class Trial:
    """``run(kills)`` does all of it. What is random is drawn from ``seed``."""

    def __init__(self, directory: Path, seed: int, *, most: int = 4_000) -> None:
        self.chance = random.Random(seed)
        self.participants = Participants()
        elsewhere = (f"--endpoint=lambda={self.participants.url}", f"--endpoint=sqs={self.participants.url}")
        self.life = Life(directory / "state", *elsewhere)
        self.crew = Crew(self.participants, self.life.client, seed)
        self.known: dict[str, Known] = {}
        self.arns: dict[str, str] = {}
        self.problems: list[str] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._numbers = {kind: 0 for kind in KINDS}
        self._most = most

    def run(self, kills: int) -> Report:
        began = time.monotonic()
        try:
            self.life.begin()
            self.arns = create(self.life.client())
            self.crew.start(self.arns["work"])
            reference = self._reference()
            threads = [threading.Thread(target=self._guarded, args=(job,), daemon=True) for job in self._jobs()]
            for thread in threads:
                thread.start()
            for _ in range(kills):
                self._one_death()
            self.over.set()
            for thread in threads:
                thread.join(PATIENCE)
            ends = self._ends()
            histories = {name: self._history(known.arn) for name, known in self.known.items() if exists(ends.get(name))}
            found = breaches(self.known, ends, histories, reference, self.life.down)
            found += self._stories(set(self.known) - set(ends))
            found += repeated(self.participants.calls, self.life.killed_at, self.known)
            status = self.life.stop()
            return self._report(found + ([f"exit status {status}"] if status else []), histories, began)
        finally:
            self.over.set()
            self.crew.close()
            self.life.end()
            self.participants.close()

    # -- deaths

    def _one_death(self) -> None:
        """Waits for a moment and kills; now and then the next one, too, while it is starting."""
        chance = self.chance.random()
        if chance >= 0.3:
            self._hear_of_some()
        time.sleep(self.chance.uniform(0, 0.15) if chance < 0.3 else self.chance.uniform(0.1, 1.2))  # noqa: TID251
        self.life.kill()
        if self.chance.random() < 0.3:
            self.life.spawn()
            time.sleep(self.chance.uniform(0.05, 1.2))  # noqa: TID251 - the moment is the point
            self.life.kill()
        self.life.begin()

    def _hear_of_some(self) -> None:
        """Some lives are as short as can be; in others something is heard, however slow the machine."""
        wanted = min(self._most, self._acknowledged() + 6)
        give_up = time.monotonic() + PATIENCE
        while self._acknowledged() < wanted and time.monotonic() < give_up:
            time.sleep(0.01)  # noqa: TID251

    def _acknowledged(self) -> int:
        return sum(known.acknowledged for known in list(self.known.values()))

    # -- clients

    def _jobs(self) -> list[Callable[[], None]]:
        return [self._start_some] * 2 + [self._look_at_some] * 2 + [self._stop_some]

    def _guarded(self, job: Callable[[], None]) -> None:
        while not self.over.is_set():
            try:
                job()
            except BotoCoreError:
                self.over.wait(0.02)
            except Exception as error:
                self.problems.append(f"{type(error).__name__}: {error}")
                self.over.wait(0.1)

    def _next(self, kind: str) -> Known:
        with self._lock:
            n = self._numbers[kind] = self._numbers[kind] + 1
            machine = self.arns[kind]
            known = Known(kind, n, machine.replace(":stateMachine:", ":execution:") + f":{kind}-{n}")
            self.known[known.name] = known
            return known

    def _start_some(self) -> None:
        """A burst, then a pause. Who gets no answer asks again under the same name, as AWS advises."""
        if len(self.known) < self._most:
            with self._lock:
                kinds = self.chance.choices(list(KINDS), k=6)
            for kind in kinds:
                self._start(self._next(kind))
        self.over.wait(0.2)

    def _start(self, known: Known) -> None:
        for attempt in range(200):
            try:
                told = self.life.client().start_execution(
                    stateMachineArn=self.arns[known.kind], name=known.name, input=json.dumps({"n": known.n})
                )
                known.acknowledged = True
                assert told["executionArn"] == known.arn, told
                return
            except ClientError as error:
                if attempt and error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                    known.acknowledged = True  # heard the first time, and ended since
                    return
                raise
            except BotoCoreError:
                if known.n % 3 == 0 or self.over.wait(0.05):
                    return  # nobody knows whether it was heard

    def _look_at_some(self) -> None:
        known = self._any(lambda known: known.acknowledged)
        if known is None:
            return
        client = self.life.client()
        described = client.describe_execution(executionArn=known.arn)
        told = client.get_execution_history(executionArn=known.arn, maxResults=1000)
        assert "events" in told, told
        history = told["events"]
        known.described = [*known.described[-5:], plain(described)]
        known.histories = [*known.histories[-5:], (time.monotonic(), history)]
        if described["status"] == "FAILED" and known.kind == "redriven" and not known.redriven:
            client.redrive_execution(executionArn=known.arn, clientToken=known.name)
            known.redriven = True
        self.over.wait(0.01)

    def _stop_some(self) -> None:
        known = self._any(lambda known: known.kind == "stopped" and known.acknowledged and known.stop != "heard")
        if known is not None:
            known.stop = "asked"
            self.life.client().stop_execution(executionArn=known.arn, error="Enough", cause="of it")
            known.stop = "heard"
        self.over.wait(0.3)

    def _any(self, wanted: Callable[[Known], bool]) -> Known | None:
        with self._lock:
            some = [known for known in list(self.known.values())[-150:] if wanted(known)]
            if some:
                return self.chance.choice(some)
        self.over.wait(0.05)
        return None

    # -- the end

    def _reference(self) -> dict[str, Counter[str]]:
        """Types of events of one execution of each kind, by a server that is not killed."""
        some = [self._next(kind) for kind in KINDS]
        for known in some:
            self._start(known)
        self._ends()
        return {known.kind: types(self._history(known.arn), KINDS[known.kind].apart) for known in some}

    def _ends(self) -> dict[str, Any]:
        """How all ended that exist. Those that are meant to be stopped or redriven are."""
        ends: dict[str, Any] = {}
        deadline = time.monotonic() + _END_PATIENCE
        while len(ends) < len(self.known) and time.monotonic() < deadline:
            for name, known in self.known.items():
                if name not in ends and (end := self._end(known)) is not None:
                    ends[name] = end
                    deadline = time.monotonic() + _END_PATIENCE
            time.sleep(0.05)  # noqa: TID251
        return ends

    def _stories(self, names: set[str]) -> list[str]:
        """What is known of those that did not end."""
        kills = [round(at, 1) for at in self.life.killed_at[-5:]]
        now, asked = round(time.monotonic(), 1), self.crew.answers
        return [
            f"{name}: {self._history(self.known[name].arn)[1:]}; answers {asked.get(name)}; last kills at {kills}, "
            f"now {now}"
            for name in sorted(names)
        ]

    def _end(self, known: Known) -> Any:
        client = self.life.client()
        try:
            told = client.describe_execution(executionArn=known.arn)
        except ClientError as error:
            return plain(error.response["Error"])
        if told["status"] == "FAILED" and known.kind == "redriven" and not told["redriveCount"]:
            client.redrive_execution(executionArn=known.arn, clientToken=known.name)
            return None
        if told["status"] == "RUNNING" and known.kind == "stopped":
            client.stop_execution(executionArn=known.arn, error="Enough", cause="of it")
            return None
        return None if told["status"] == "RUNNING" else plain(told)

    def _history(self, arn: str) -> list[Any]:
        pages = self.life.client().get_paginator("get_execution_history")
        return [event for page in pages.paginate(executionArn=arn, maxResults=1000) for event in page["events"]]

    def _report(self, found: list[str], histories: dict[str, list[Any]], began: float) -> Report:
        calls = self.participants.calls.values()
        return Report(
            kills=self.life.kills,
            executions=len(histories),
            events=sum(map(len, histories.values())),
            histories=sum(len(known.histories) for known in self.known.values()),
            calls=sum(map(len, calls)),
            repeated=sum(len(some) - 1 for some in calls),
            longest_start=round(self.life.longest_start, 2),
            seconds=round(time.monotonic() - began, 1),
            kinds=dict(Counter(known.kind for known in self.known.values())),
            breaches=found + self.problems + self.crew.problems + self.participants.problems,
        )


def plain(told: Any) -> Any:
    return {name: value for name, value in told.items() if name != "ResponseMetadata"}


def types(history: list[Any], apart: tuple[str, ...]) -> Counter[str]:
    """How often each type of event occurs, but for those that a crash may add to."""
    return Counter(event["type"] for event in history if not event["type"].startswith(apart or ("-",)))
