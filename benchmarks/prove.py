"""This project's saga proved: placements of faults a second, beside the same failures by StartExecution over the wire.

Over the wire a failure is asked for by FailAtStage and FailMode, as a person would ask who has no proof: the tables are
read before and after each execution. Time-outs are left out there, for these really sleep.
"""

import json
import time
from collections.abc import Generator, Iterator, Sequence
from itertools import product
from typing import Any

from benchmarks.saga import deployed
from benchmarks.table import Figure
from deploy import config
from deploy.saga import Saga as Deployed
from deploy.wanted import definition
from sfn_emulator.asl.parse import load
from sfn_emulator.prove.claims import inputs_of, read_claims
from sfn_emulator.prove.executed.saga import Saga
from sfn_emulator.prove.proof import Wanted, world_of
from sfn_emulator.prove.walk.walk import walk

STAGES = (
    "PlaceOrder",
    "UpdateInventory",
    "MakePayment",
    "SendNotification",
    "RevertPayment",
    "RevertInventory",
    "RemoveOrder",
)
MODES = ("status", "before", "after")


def figures() -> Iterator[Figure]:
    claims = read_claims(definition.PATH.with_name("saga.yaml"))
    began = time.perf_counter()
    proved = world_of(Wanted(claims, claims.setup, claims.invariants))
    given = inputs_of(claims)[0]
    proved.warm_up(given)
    yield Figure("prove: making the world", time.perf_counter() - began, "s")
    yield _static(proved)
    singles = yield from _explored(proved, given, 1, "single faults")
    yield from _explored(proved, given, 2, "single faults and all pairs", bar=90)
    wire = _over_the_wire()
    yield Figure("the same failures by StartExecution over the wire", wire, "/s")
    yield Figure("single faults to those over the wire", singles / wire, "×")


def _static(proved: Saga) -> Figure:
    machine = load(proved.definition)
    began = time.perf_counter()
    assert not walk(machine, proved.claims, faults=2).counterexamples
    return Figure("prove: static, two faults", time.perf_counter() - began, "s", bar=0.5)


def _explored(
    proved: Saga, given: Any, most: int, what: str, bar: float | None = None
) -> Generator[Figure, None, float]:
    """Gives the rate."""
    began = time.perf_counter()
    runs = list(proved.explored(given, most))
    seconds = time.perf_counter() - began
    assert not any(run.broken for run in runs)
    yield Figure(f"prove: {what}", len(runs), "")
    yield Figure(f"prove: {what}, all of them", seconds, "s", bar=bar)
    yield Figure(f"prove: {what}", len(runs) / seconds, "/s", least=25)
    yield Figure(f"prove: {what}, processor each", sum(run.seconds for run in runs) / len(runs), "s", bar=0.08)
    return len(runs) / seconds


def _over_the_wire() -> float:
    """Executions a second, one after the other."""
    with deployed() as (_, ours):
        cases, tables = list(product(STAGES, MODES)), list(config.load().tables)
        _ended(ours, tables, "warm", *cases[0])
        began = time.perf_counter()
        for number, (stage, mode) in enumerate(cases):
            _ended(ours, tables, f"case-{number}", stage, mode)
        return len(cases) / (time.perf_counter() - began)


def _ended(ours: Deployed, tables: Sequence[str], name: str, stage: str, mode: str) -> None:
    states, database = ours.target.client("stepfunctions"), ours.target.client("dynamodb")
    order = {"ItemId": "ITEM001", "CustomerId": "ABC/001", "MessageId": name, "FailAtStage": stage, "FailMode": mode}
    for table in tables:
        database.scan(TableName=table)
    text = json.dumps(order)
    arn = states.start_execution(stateMachineArn=ours.machine.alias_arn, name=name, input=text)["executionArn"]
    while states.describe_execution(executionArn=arn)["status"] == "RUNNING":
        time.sleep(0.002)  # noqa: TID251  as a client that waits would
    for table in tables:
        database.scan(TableName=table)
