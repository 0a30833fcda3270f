"""Orders from the command line: by options or a file, repeated, or as an example."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from terminal import inputs, saga_run
from terminal.errors import TerminalError
from terminal.session import Session

T = TypeVar("T")


def once_more(session: Session, file: Path | None, order: dict[str, Any], run: Callable[[dict[str, Any]], T]) -> T:
    """Runs an order. If an earlier saga used the MessageId of its file, it runs under a new one."""
    try:
        return run(order)
    except saga_run.UsedError:
        if file is None or _given("MessageId"):
            raise
    again = {**order, "MessageId": f"{order['MessageId'][:70]}-{secrets.token_hex(4)}"}
    session.say(f"MessageId {order['MessageId']} belongs to an earlier saga; this one is {again['MessageId']}")
    return run(again)


def _given(name: str) -> bool:
    """Whether an option was given on the command line."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def order_of(file: Path | None, fields: dict[str, str | int | None]) -> dict[str, Any]:
    """The order of a file or of the options, with a MessageId made up where it has none. Raises ``TerminalError``."""
    if file and (beside := [name for name in fields if name != "MessageId" and _given(name)]):
        raise TerminalError(f"--input {file} says all of the order; leave {beside[0]} to it, or leave out --input")
    where = str(file) if file else "order"
    order = inputs.parse(inputs.read(file), where) if file else {k: v for k, v in fields.items() if v is not None}
    if isinstance(order, dict) and file and fields.get("MessageId"):
        order = {**order, "MessageId": fields["MessageId"]}
    if isinstance(order, dict) and not order.get("MessageId"):
        order = {**order, "MessageId": f"order-{secrets.token_hex(4)}"}
    return inputs.checked(order, where)


def example(session: Session, function: str) -> dict[str, Any]:
    """An example event: an order in an envelope for a step's function, a request for the API's."""
    told = session.config.functions.get(function)
    if told is None:
        raise TerminalError(
            f"there is no function {function}; deploy/config.yaml has {', '.join(session.config.functions)}"
        )
    order = order_of(None, {"ItemId": "ITEM001", "CustomerId": "ABC/001", "FailAtStage": "None"})
    if told.get("starts"):
        return {"httpMethod": "POST", "path": "/", "body": json.dumps(order), "isBase64Encoded": False}
    return {"OrderId": order["MessageId"], "Saga": "2026-01-01T00:00:00.000Z", "Request": order}
