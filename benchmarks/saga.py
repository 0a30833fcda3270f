"""Whole sagas on the embedded target, beside the same handlers called in a loop against the same DynamoDB.

It compares the state machine's share of the work. Both write the same rows over the same socket; the loop calls
``place``, ``update``, ``make`` and ``send`` one after the other in this process, the saga goes through StartExecution,
four Lambda processes and a durable history.
"""

import importlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.processor import Used, used
from benchmarks.table import Figure
from deploy import config, saga, targets
from deploy.apply import apply
from deploy.saga import Saga
from terminal.server import background

SAGAS = 40
AT_ONCE = 8
ROUNDS = 5
"""Each round has all three ways, so that whatever else the machine does meets all of them."""


class Way(NamedTuple):
    """``run(name)`` makes ``SAGAS`` orders whose names begin so."""

    name: str
    run: Callable[[str], None]


class Round(NamedTuple):
    """Orders a second, and milliseconds of a processor for one."""

    rate: float
    costs: Used


@contextmanager
def deployed() -> Iterator[tuple[background.Running, Saga]]:
    """A server of its own, and this project's saga deployed to it; it stops with the block."""
    with tempfile.TemporaryDirectory(prefix="saga-bench-") as place:
        directory, told = Path(place), config.load()
        server = background.start(directory, "--port", "0", "--time", "skip")
        try:
            ours = saga.on(targets.connect("embedded", told, server.url), told)
            apply(ours.plan(), ours.target)
            yield server, ours
        finally:
            background.stop(directory)


def figures() -> Iterator[Figure]:
    """Sagas a second, one after the other and several at once, beside the bare handlers."""
    try:
        with deployed() as (server, ours):
            _stock(ours)
            ways = (
                Way("bare handlers in a loop", _bare(server.url, ours)),
                Way("sagas, one after the other", lambda name: _sagas(ours, name, 1)),
                Way(f"sagas, {AT_ONCE} at once", lambda name: _sagas(ours, name, AT_ONCE)),
            )
            rounds = [[_round(way, number, server.pid) for way in ways] for number in range(ROUNDS + 1)][1:]
    finally:
        os.environ.pop("AWS_ENDPOINT_URL", None)  # the handlers in this process needed it
    yield from _told(ways, rounds)


def _told(ways: Sequence[Way], rounds: Sequence[Sequence[Round]]) -> Iterator[Figure]:
    leasts = (None, None, 30)
    for way, least, measured in zip(ways, leasts, zip(*rounds, strict=True), strict=True):
        yield Figure(way.name, median(one.rate for one in measured), "/s", least=least)
        for who in Used._fields:
            milliseconds = median(getattr(one.costs, who) for one in measured) * 1e3 / SAGAS
            yield Figure(f"{way.name}: processor of the {who}", milliseconds, "ms")
    yield Figure("one after the other to bare", median(one.rate / bare.rate for bare, one, _ in rounds), "×", least=0.8)
    yield Figure(f"{AT_ONCE} at once to one", median(many.rate / one.rate for _, one, many in rounds), "×", least=1.6)


def _round(way: Way, number: int, server: int) -> Round:
    before, began = used(server), time.perf_counter()
    way.run(f"round{number}")
    return Round(SAGAS / (time.perf_counter() - began), used(server).since(before))


def _stock(ours: Saga) -> None:
    row = {"ItemId": {"S": "BENCH"}, "ItemsInStock": {"N": "1000000"}}
    ours.target.client("dynamodb").put_item(TableName="Inventory", Item=row)


def _sagas(ours: Saga, name: str, at_once: int) -> None:
    with ThreadPoolExecutor(at_once) as pool:
        for status in pool.map(lambda n: _saga(ours, f"{name}-{at_once}-{n}"), range(SAGAS)):
            assert status == "SUCCEEDED", status


def _saga(ours: Saga, name: str) -> str:
    states = ours.target.client("stepfunctions")
    text = json.dumps(_request(name))
    arn = states.start_execution(stateMachineArn=ours.machine.alias_arn, name=name, input=text)["executionArn"]
    while True:
        status = str(states.describe_execution(executionArn=arn)["status"])
        if status != "RUNNING":
            return status
        time.sleep(0.002)  # noqa: TID251  as a client that waits would


def _bare(url: str, ours: Saga) -> Callable[[str], None]:
    os.environ.update(
        AWS_ENDPOINT_URL=url,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION=ours.target.region,
        TOPIC_ARN=ours.target.arn("sns", "OrderNotifications"),
    )
    modules = {name: importlib.import_module(f"handlers.{name}") for name in ("orders", "inventory", "payments")}
    notifications = importlib.import_module("handlers.notifications")
    steps = (modules["orders"].place, modules["inventory"].update, modules["payments"].make, notifications.send)

    def run(name: str) -> None:
        for number in range(SAGAS):
            order = f"bare-{name}-{number}"
            event = {"OrderId": order, "Saga": "bare", "Request": _request(order)}
            for step in steps:
                answer = step(event, None)
                assert answer["Status"] != "ERROR", answer

    return run


def _request(name: str) -> dict[str, Any]:
    return {"ItemId": "BENCH", "CustomerId": "ABC/001", "MessageId": name, "FailAtStage": "None"}
