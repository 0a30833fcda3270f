"""The saga of this repository under crashes: real functions in child processes, real tables, orders that fail anywhere.

Whatever was killed when, every acknowledged order is either paid or wholly undone, exactly once.
"""

import json
import random  # noqa: TID251 - seeded
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from deploy import config, targets
from deploy.apply import apply
from tests.crash.life import Life, children_of
from tests.saga.places import on
from tests.waiting import PATIENCE

FORWARD: Final = ("PlaceOrder", "UpdateInventory", "MakePayment")
LEFT_BY: Final = {"RevertPayment": "Payments", "RevertInventory": "Reservations", "RemoveOrder": "Orders"}
MODES: Final = ("status", "before", "after")
TABLES: Final = ("Orders", "Payments", "Reservations", "Repairs")
ITEMS: Final = ("ITEM001", "ITEM002", "ITEM003")
_CUSTOMERS: Final = 6
_END_PATIENCE: Final = 2 * PATIENCE


@dataclass
class Order:
    name: str
    stage: str
    mode: str
    item: str
    arn: str
    acknowledged: bool = False

    def text(self) -> str:
        told = {"ItemId": self.item, "CustomerId": "C/1", "MessageId": self.name, "Quantity": 1}
        return json.dumps({**told, "FailAtStage": self.stage, "FailMode": self.mode})


class SagaTrial:
    """``run(kills)`` gives one line per breach, and how many orders there were."""

    def __init__(self, directory: Path, seed: int, *, most: int = 600) -> None:
        self.life = Life(directory / "state", "--time", "skip")
        self._directory = directory
        self._chance = random.Random(seed)
        self._most = most
        self.orders: list[Order] = []
        self._machine = ""
        self._ended = 0
        self._over = threading.Event()
        self._problems: list[str] = []

    def run(self, kills: int) -> tuple[int, list[str]]:
        try:
            self.life.begin()
            self._deploy()
            before = self._stock_and_reserved()
            clients = [threading.Thread(target=self._order, daemon=True) for _ in range(_CUSTOMERS)]
            for client in clients:
                client.start()
            for number in range(kills):
                self._live(to_an_end=number % 2 == 0)
                self.life.kill()
                self.life.begin()
            self._over.set()
            for client in clients:
                client.join(PATIENCE)
            ends = self._ends()
            found = self._breaches(ends, before)
            status = self.life.stop()
            left = children_of(self._directory)
            return len(ends), found + self._problems + [f"exit status {status}"] * bool(status) + left
        finally:
            self._over.set()
            self.life.end()

    def _live(self, *, to_an_end: bool) -> None:
        """Some lives are as short as can be; in others some order ends, however slow the machine."""
        deadline, ended = time.monotonic() + PATIENCE, self._ended
        while to_an_end and self._ended == ended and time.monotonic() < deadline:
            time.sleep(0.01)  # noqa: TID251
        time.sleep(self._chance.uniform(0.02, 1))  # noqa: TID251 - the moment is the point

    def _deploy(self) -> None:
        told = config.load()
        told = replace(told, function={**told.function, "timeout_seconds": 60})
        target = targets.connect("embedded", told, self.life.url)
        ours = on(target, told)
        apply(ours.plan(), target)
        self._machine = ours.machine.alias_arn

    def _order(self) -> None:
        while not self._over.is_set() and len(self.orders) < self._most:
            stage = self._chance.choice(("None", "SendNotification", *FORWARD, *LEFT_BY))
            name, mode = f"order-{len(self.orders)}-{self._chance.randrange(10**6)}", self._chance.choice(MODES)
            base = self._machine.rpartition(":")[0].replace(":stateMachine:", ":execution:")
            order = Order(name, stage, mode, self._chance.choice(ITEMS), f"{base}:{name}")
            self.orders.append(order)
            self._place(order)
            self._await(order)

    def _await(self, order: Order) -> None:
        """A customer who looks after the order. So no more are open than a small machine gets on with."""
        while not self._over.wait(0.05):
            with suppress(BotoCoreError, ClientError):
                if self.life.client().describe_execution(executionArn=order.arn)["status"] != "RUNNING":
                    self._ended += 1
                    return

    def _place(self, order: Order) -> None:
        """Asks until somebody says it was heard."""
        for attempt in range(200):
            try:
                self.life.client().start_execution(stateMachineArn=self._machine, name=order.name, input=order.text())
                order.acknowledged = True
                return
            except ClientError as error:
                if attempt and error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                    order.acknowledged = True
                else:
                    self._problems.append(f"{order.name}: {error}")
                return
            except BotoCoreError:
                self._over.wait(0.05)

    # -- the end

    def _ends(self) -> dict[str, Any]:
        ends: dict[str, Any] = {}
        deadline = time.monotonic() + _END_PATIENCE
        wanted = [order for order in self.orders if order.acknowledged]
        while len(ends) < len(wanted) and time.monotonic() < deadline:
            for order in wanted:
                if order.name not in ends:
                    told = self.life.client().describe_execution(executionArn=order.arn)
                    if told["status"] != "RUNNING":
                        ends[order.name] = told
            time.sleep(0.1)  # noqa: TID251
        return ends

    def _breaches(self, ends: dict[str, Any], before: Counter[str]) -> list[str]:
        rows = {table: Counter(row["OrderId"]["S"] for row in self._rows(table)) for table in TABLES}
        found = []
        for order in self.orders:
            end = ends.get(order.name)
            if end is None:
                found += [f"{order.name} was acknowledged and has not ended"] * order.acknowledged
                continue
            counts = {table: rows[table][order.name] for table in TABLES}
            got, wanted = (end["status"], end.get("error"), counts), _wanted(order)
            if got != wanted:
                found.append(f"{order.name} {order.stage} {order.mode}: {got}, not {wanted} ({end.get('cause')})")
        after = self._stock_and_reserved()
        return found + ([] if after == before else [f"stock and reservations were {before}, are {after}"])

    def _rows(self, table: str) -> list[dict[str, Any]]:
        with closing(self.life.speak("dynamodb")) as client:
            pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
            return [row for page in pages for row in page["Items"]]

    def _stock_and_reserved(self) -> Counter[str]:
        total = Counter({row["ItemId"]["S"]: int(row["ItemsInStock"]["N"]) for row in self._rows("Inventory")})
        for row in self._rows("Reservations"):
            total[row["ItemId"]["S"]] += int(row["Quantity"]["N"])
        return total


def _wanted(order: Order) -> tuple[str, str | None, dict[str, int]]:
    none = dict.fromkeys(TABLES, 0)
    if order.stage in FORWARD:
        return "FAILED", "OrderCompensated", none
    if order.stage in LEFT_BY:
        return "FAILED", "CompensationFailed", {**none, LEFT_BY[order.stage]: int(order.mode == "before"), "Repairs": 1}
    return "SUCCEEDED", None, {**none, "Orders": 1, "Payments": 1, "Reservations": 1}
