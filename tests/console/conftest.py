"""A server with the saga deployed on it, an order that went through and one that was undone."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy import apply
from terminal.session import Session
from tests.console.page import Page, wait_for
from tests.processes import ROOT, Process, running

ORDER = {"ItemId": "ITEM002", "CustomerId": "ABC/001", "Quantity": 1}


class Saga:
    """``server`` runs in virtual time; an execution may be made to take its time (``start(..., time="real")``)."""

    def __init__(self, server: Process, directory: Path) -> None:
        self.server = server
        session = Session("embedded", server.url, ROOT / "deploy" / "config.yaml", directory, True)
        apply.apply(session.saga.plan(), session.target)
        self.machine = session.saga.machine.arn
        self.states = server.client("stepfunctions")

    def start(self, name: str, *, time: str = "skip", **more: Any) -> str:
        if time == "real":
            self.paced(name)
        order = {**ORDER, "MessageId": name, **more}
        started = self.states.start_execution(stateMachineArn=self.machine, name=name, input=json.dumps(order))
        return str(started["executionArn"])

    def paced(self, name: str) -> None:
        """Lets the next execution of that name take its time."""
        told = json.dumps({"execution": name, "time": "real"}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.server.url}/pace", told, method="POST")).close()

    def arn(self, name: str) -> str:
        return f"{self.machine.replace(':stateMachine:', ':execution:')}:{name}"

    def finished(self, arn: str) -> None:
        wait_for(lambda: self.states.describe_execution(executionArn=arn)["status"] != "RUNNING")


@pytest.fixture(scope="session")
def saga(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saga]:
    with running("--in-memory", "--time", "skip") as server:
        made = Saga(server, tmp_path_factory.mktemp("saga"))
        for name, more in (("went-through", {}), ("undone", {"FailAtStage": "UpdateInventory", "FailMode": "status"})):
            made.finished(made.start(name, **more))
        yield made


@pytest.fixture
def page(browser: Any, saga: Saga) -> Page:
    return Page(browser, saga.server.url)
