"""The targets the saga is proved on, each a server of the test run's own unless it is told to use another."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy import config, saga, targets
from deploy.apply import apply
from deploy.config import Config
from deploy.saga import Saga
from deploy.wanted.resources import StateMachine
from tests.processes import free_port, running
from tests.waiting import PATIENCE

MINISTACK = "ministack"
DEADLINE = 400.0
"""Seconds of real time any execution here may take."""


@dataclass
class Place:
    """A deployed saga. ``look`` reads tables, ``start`` and ``ended`` run executions."""

    name: str
    config: Config
    saga: Saga

    def client(self, service: str) -> Any:
        return self.saga.target.client(service)

    def rows(self, table: str) -> list[dict[str, Any]]:
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [{k: _plain(v) for k, v in item.items()} for page in pages for item in page["Items"]]

    def of(self, order: str) -> dict[str, list[dict[str, Any]]]:
        """An order's rows, by table."""
        names = [name for name in self.config.tables if name != "Inventory"]
        return {name: [row for row in self.rows(name) if row["OrderId"] == order] for name in names}

    def stock_and_reserved(self) -> dict[str, int]:
        """What the saga must keep for every item: what is in stock and what is reserved, together."""
        total = {row["ItemId"]: row["ItemsInStock"] for row in self.rows("Inventory")}
        for row in self.rows("Reservations"):
            total[row["ItemId"]] += row["Quantity"]
        return total

    def put_item(self, item: str, stock: int) -> None:
        row = {"ItemId": {"S": item}, "ItemsInStock": {"N": str(stock)}, "ItemStatus": {"S": ""}}
        self.client("dynamodb").put_item(TableName="Inventory", Item=row)

    def start(self, order: dict[str, Any]) -> str:
        request = {"stateMachineArn": self.saga.machine.alias_arn, "name": order["MessageId"]}
        return str(self.client("stepfunctions").start_execution(**request, input=json.dumps(order))["executionArn"])

    def ended(self, arn: str, clock: Any) -> dict[str, Any]:
        """The description of an execution that has ended."""
        until = clock.monotonic() + DEADLINE
        while clock.monotonic() < until:
            told: dict[str, Any] = self.client("stepfunctions").describe_execution(executionArn=arn)
            if told["status"] != "RUNNING":
                return told
            clock.sleep(0.05)
        raise AssertionError(f"{arn} still runs after {DEADLINE} s")

    def events(self, arn: str) -> list[dict[str, Any]]:
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def states(self, arn: str) -> list[str]:
        entered = [event.get("stateEnteredEventDetails") for event in self.events(arn)]
        return [details["name"] for details in entered if details]

    def at_once(self, calls: list[Any]) -> list[Any]:
        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result() for future in [pool.submit(call) for call in calls]]


def _plain(value: dict[str, str]) -> Any:
    return int(value["N"]) if "N" in value else value["S"]


@contextmanager
def deployed(name: str, directory: Path) -> Iterator[Place]:
    """The saga on a target, and nothing of it left there afterwards."""
    with _PLACES[name](directory) as (told, target):
        ours = on(target, told)
        apply(ours.plan(), target)
        yield Place(name, told, ours)
        apply(ours.teardown().plan, target)
        assert not ours.teardown().plan


def on(target: targets.Target, told: Config) -> Saga:
    """The saga with time enough for every step: functions start slowly where several servers share a core."""
    ours = saga.on(target, told)
    return ours if target.name == "aws" else replace(ours, resources=tuple(map(_patient, ours.resources)))


def _patient(resource: Any) -> Any:
    if not isinstance(resource, StateMachine):
        return resource
    return replace(resource, definition=resource.definition.replace('"TimeoutSeconds": 15', '"TimeoutSeconds": 900'))


@contextmanager
def _embedded(directory: Path) -> Iterator[tuple[Config, targets.Target]]:
    told = _short_timeouts(config.load(), 12)
    with running("--state-dir", str(directory / "state"), "--time", "skip", "--iam", "enforce") as server:
        yield told, targets.connect("embedded", told, server.url)


@contextmanager
def _ministack(directory: Path) -> Iterator[tuple[Config, targets.Target]]:
    told = _short_timeouts(config.load(), 30)
    port = free_port()
    places = {"STATE_DIR": str(directory / "state"), "S3_DATA_DIR": str(directory / "s3")}
    with (directory / "log").open("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env={**os.environ, "GATEWAY_PORT": str(port), "PYTHONUNBUFFERED": "1", **places},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            _until_ready(server, log)
            url = f"http://127.0.0.1:{port}"
            _skip_waits(url)
            yield told, targets.connect("localstack", told, url)
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE)


def _until_ready(server: "subprocess.Popen[str]", log: Any) -> None:
    for line in server.stdout:
        log.write(line)
        if "Running on" in line:
            return
    raise AssertionError("MiniStack did not start")


def _skip_waits(url: str) -> None:
    body = json.dumps({"stepfunctions._SFN_WAIT_SCALE": "0"}).encode()
    request = urllib.request.Request(f"{url}/_ministack/config", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert "_SFN_WAIT_SCALE" in answer.read().decode()


@contextmanager
def _elsewhere(name: str) -> Iterator[tuple[Config, targets.Target]]:
    told = config.load()
    told = replace(told, state_machine={**told.state_machine, "wait_seconds": 1})
    yield told, targets.connect(name, told)


def _short_timeouts(told: Config, seconds: int) -> Config:
    """Short for who waits for a function that sleeps beyond them, long for a function that starts on a loaded core."""
    return replace(told, function={**told.function, "timeout_seconds": seconds})


_PLACES = {
    "embedded": _embedded,
    MINISTACK: _ministack,
    "localstack": lambda directory: _elsewhere("localstack"),
    "aws": lambda directory: _elsewhere("aws"),
}
