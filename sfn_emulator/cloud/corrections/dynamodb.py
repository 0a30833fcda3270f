"""DynamoDB tells capacities and collection metrics only when asked (API reference, ReturnConsumedCapacity)."""

import importlib
import zlib
from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.cloud.corrections import transactions
from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.values import dumps, loads

_ASKED_BY: Final = {
    "ConsumedCapacity": "ReturnConsumedCapacity",
    "ItemCollectionMetrics": "ReturnItemCollectionMetrics",
    "ConsumedCapacityUnits": "",
}
"""Member of an answer → the parameter that asks for it."""


def correct() -> None:
    replace(importlib.import_module("moto.dynamodb.responses").DynamoHandler, "call_action", _as_asked)
    transactions.correct()


def _as_asked(inner: Callable[..., Any]) -> Callable[..., Any]:
    def call_action(self: Any) -> Any:
        status, headers, body = inner(self)
        unasked = [name for name in _ASKED_BY if f'"{name}"' in body and not _asks(self.body, name)]
        if status != 200 or not unasked:
            return status, headers, body
        told = loads(body)
        kept = dumps({name: value for name, value in told.items() if name not in unasked})
        return status, {**headers, "x-amz-crc32": str(zlib.crc32(kept.encode()))}, kept

    return call_action


def _asks(given: dict[str, Any], name: str) -> bool:
    return given.get(_ASKED_BY[name]) not in (None, "NONE")
