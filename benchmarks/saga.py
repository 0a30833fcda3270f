"""Whole sagas on the embedded target, beside the same handlers called in a loop against the same DynamoDB.

What is compared: the state machine's share of the work. Both write the same rows over the same socket; the loop calls
``place``, ``update``, ``make`` and ``send`` one after the other in this process, the saga goes through StartExecution,
four Lambda processes and a durable history.
"""

import importlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.table import Figure
from deploy import config, saga, targets
from deploy.apply import apply
from deploy.saga import Saga
from terminal import background

SAGAS = 50
AT_ONCE = 8
ROUNDS = 3


def figures() -> Iterator[Figure]:
    """Sagas a second, one after the other and several at once, and the ratio to the bare handlers."""
    with tempfile.TemporaryDirectory(prefix="saga-bench-") as place:
        directory = Path(place)
        server = background.start(directory, "--port", "0", "--time", "skip")
        try:
            told = config.load()
            ours = saga.on(targets.connect("embedded", told, server.url), told)
            apply(ours.plan(), ours.target)
            _stock(ours)
            bare = _best(_bare(server.url, ours))
            alone = _best(lambda name: _sagas(ours, name, 1))
            together = _best(lambda name: _sagas(ours, name, AT_ONCE))
        finally:
            background.stop(directory)
    yield Figure("bare handlers in a loop", bare, "orders/s")
    yield Figure("sagas, one after the other", alone, "sagas/s")
    yield Figure(f"sagas, {AT_ONCE} at once", together, "sagas/s")
    yield Figure("saga to bare handlers, one after the other", alone / bare, "×")
    yield Figure(f"saga to bare handlers, {AT_ONCE} at once", together / bare, "×")


def _best(run: Callable[[str], None]) -> float:
    """Orders a second in the best of the rounds, after one that warms up."""
    run("warm")
    rates = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        run(f"round{number}")
        rates.append(SAGAS / (time.perf_counter() - began))
    return max(rates)


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
