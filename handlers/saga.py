"""The parts that all participants of the saga share: the order they work for, and the form of a step's answer.

A step's event, made by the state machine's ``Parameters``::

    {"OrderId": "<execution name>", "Saga": "<execution start time>", "Request": {...the execution's input...}}

``OrderId`` is the idempotency key of every step. ``Saga`` marks the rows this execution wrote: an order id may be used
again (AWS frees an execution's name after 90 days), and a compensation must not undo the work of an earlier saga.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from handlers import faults

Event = dict[str, Any]
Commit = Callable[["Order"], dict[str, Any]]


@dataclass(frozen=True)
class Order:
    """``quantity`` is at least 1; ``item`` is a key of the Inventory table."""

    id: str
    saga: str
    item: str
    customer: str
    message: str
    quantity: int

    @classmethod
    def of(cls, event: Event) -> "Order":
        """The order in a step's event. Raises ``KeyError`` for an event that is none."""
        request = event["Request"]
        return cls(
            id=event["OrderId"],
            saga=event["Saga"],
            item=request["ItemId"],
            customer=request["CustomerId"],
            message=request.get("MessageId", ""),
            quantity=_quantity(request.get("Quantity", 1)),
        )


class RefusedError(Exception):
    """A step refused: it wrote nothing, and trying again would not help. The step answers Status ERROR."""


class TransactionConflictError(Exception):
    """Another saga was writing the same rows. The state machine retries this name with back-off and jitter."""


def step(stage: str, status: str, *, undoes: str = "") -> Callable[[Commit], Callable[[Event, Any], dict[str, Any]]]:
    """Makes a Lambda handler from ``commit(order) -> details``; its answer is ``{Status, OrderId, **details}``.

    ``stage`` is the step's name in FailAtStage, ``status`` its answer when it has done its work, ``undoes`` the step
    whose compensation it is.
    """
    if undoes:
        faults.COMPENSATED_BY[undoes] = stage

    def decorate(commit: Commit) -> Callable[[Event, Any], dict[str, Any]]:
        @wraps(commit)
        def handler(event: Event, context: Any) -> dict[str, Any]:
            order = Order.of(event)
            fault = faults.chosen(event["Request"], stage)
            fault.before(stage)
            try:
                answer = {"Status": status, "OrderId": order.id, **commit(order)}
            except RefusedError as no:
                answer = {"Status": "ERROR", "OrderId": order.id, "Reason": str(no)}
            return fault.after(stage, answer, context)

        return handler

    return decorate


def _quantity(given: Any) -> int:
    if type(given) is not int or given < 1:
        raise ValueError(f"Quantity: {given!r} is not a whole number of at least 1")
    return given
