"""DynamoDB: members that it returns only when asked (ReturnConsumedCapacity), and transactions that are not made twice.

A ClientRequestToken is remembered for ten minutes after its transaction was made: the same request succeeds again and
writes nothing, another one is refused (API_TransactWriteItems).
"""

import importlib
import zlib
from collections.abc import Callable
from typing import Any, Final

from sfn_emulator.cloud.corrections.replacing import replace
from sfn_emulator.cloud.corrections.tables import attributes, expressions, transactions
from sfn_emulator.values import dumps, loads

_ASKED_BY: Final = {
    "ConsumedCapacity": "ReturnConsumedCapacity",
    "ItemCollectionMetrics": "ReturnItemCollectionMetrics",
    "ConsumedCapacityUnits": "",
}
"""Member of an answer → the parameter that asks for it."""
_REMEMBERED: Final = 600.0
_MISMATCH: Final = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException"
_OTHER_REQUEST: Final = "The request uses the same client token as a previous, but non-identical request."


def correct() -> None:
    handler = importlib.import_module("moto.dynamodb.responses").DynamoHandler
    replace(handler, "call_action", _as_asked)
    replace(handler, "transact_write_items", _once)
    transactions.correct()
    expressions.correct()


def _once(inner: Callable[..., Any]) -> Callable[..., Any]:
    """``backend.transactions``: token → when it was made, and a digest of what."""
    clock = importlib.import_module("moto.core.utils").unix_time
    refused = importlib.import_module("moto.dynamodb.exceptions").DynamodbException
    answered = importlib.import_module("moto.core.responses").ActionResult

    def transact_write_items(self: Any) -> Any:
        token = self.body.get("ClientRequestToken")
        if token is None:
            return inner(self)
        made = self.dynamodb_backend.__dict__.setdefault("transactions", {})
        present, asked = clock(), zlib.crc32(dumps(self.body["TransactItems"]).encode())
        while made and present - next(iter(made.values()))[0] > _REMEMBERED:
            del made[next(iter(made))]
        if token in made:
            if made[token][1] != asked:
                raise refused(_MISMATCH, _OTHER_REQUEST)
            return answered({})
        answer = inner(self)
        made[token] = present, asked
        return answer

    return transact_write_items


def _as_asked(inner: Callable[..., Any]) -> Callable[..., Any]:
    def call_action(self: Any) -> Any:
        given = getattr(self, "params", {})
        attributes.look_at(given)
        try:
            status, headers, body = inner(self)
        except (LookupError, TypeError) as error:
            raise attributes.unknown(given, error) or error from None
        unasked = [name for name in _ASKED_BY if f'"{name}"' in body and not _asks(self.body, name)]
        if status != 200 or not unasked:
            return status, headers, body
        told = loads(body)
        kept = dumps({name: value for name, value in told.items() if name not in unasked})
        return status, {**headers, "x-amz-crc32": str(zlib.crc32(kept.encode()))}, kept

    return call_action


def _asks(given: dict[str, Any], name: str) -> bool:
    return given.get(_ASKED_BY[name]) not in (None, "NONE")
