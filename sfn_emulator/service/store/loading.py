"""JSON texts of documents → records."""

from collections.abc import Callable
from typing import Any, Final

import orjson

from sfn_emulator.asl.model import MachineType
from sfn_emulator.engine.run import Status
from sfn_emulator.service.store.database import reading
from sfn_emulator.service.store.records import Activity, Alias, Document, MapRun, Revision, StateMachine, Version


def document(kind: type[Any], body: bytes) -> Document:
    """The record of that kind. Raises ``DamagedRowError``."""
    with reading(f"a {kind.__name__}"):
        return _LOADERS[kind](orjson.loads(body))


def _machine(body: dict[str, Any]) -> StateMachine:
    return StateMachine(**body | {"type": MachineType(body["type"])})


def _alias(body: dict[str, Any]) -> Alias:
    return Alias(**body | {"routes": tuple((arn, weight) for arn, weight in body["routes"])})


def _map_run(body: dict[str, Any]) -> MapRun:
    return MapRun(**body | {"status": Status(body["status"])})


_LOADERS: Final[dict[type[Any], Callable[[dict[str, Any]], Document]]] = {
    StateMachine: _machine,
    Revision: lambda body: Revision(**body),
    Version: lambda body: Version(**body),
    Alias: _alias,
    Activity: lambda body: Activity(**body),
    MapRun: _map_run,
}
