"""Executions run by the engine in virtual time, and their histories as AWS tells them."""

import json
from typing import Any

from sfn_emulator.engine.local.execution import Execution, start_locally
from sfn_emulator.picture.graph import graph_of
from sfn_emulator.picture.history.reading import happened
from sfn_emulator.picture.history.visit import Happened, Visit
from sfn_emulator.service.running import history

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:work"


def events_of(execution: Execution) -> list[dict[str, Any]]:
    texts = history.Texts(history.started_of(execution.events))
    told = {"roleArn": "arn:aws:iam::123456789012:role/r"}
    return [history.render(event, number, texts, told) for number, event in enumerate(execution.events, 1)]


def told_of(definition: Any, execution: Execution) -> Happened:
    raw = json.loads(definition) if isinstance(definition, str) else definition
    return happened(events_of(execution), graph_of(raw))


def run(definition: dict[str, Any], given: Any = None, **more: Any) -> Happened:
    return told_of(definition, start_locally(definition, given, **more).finish())


def visits(told: Happened, state: str) -> list[Visit]:
    return [visit for visit in told.visits if visit.state == state]


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": LAMBDA, **fields}


def machine(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}
