"""The order book: an order's row is the saga's semantic lock.

``OrderStatus`` goes PENDING → PAID, or CANCELLING → (row removed). Later steps write only while the row says PENDING,
so a step that arrives late, after the compensations began, is refused instead of leaving something behind. Place Order
has no earlier row to look at: DynamoDB itself remembers its transaction for ten minutes.
"""

from handlers import tables
from handlers.saga import Order, RefusedError, step

PENDING, PAID, CANCELLING = "PENDING", "PAID", "CANCELLING"
WHILE_PENDING = "Saga = :saga AND OrderStatus = :pending"


@step("PlaceOrder", "ORDER_PLACED")
def place(order: Order) -> tables.Row:
    """Writes the order's row once. A late delivery, after the row was removed, does not write it again."""
    row = {
        "OrderId": order.id,
        "Saga": order.saga,
        "ItemId": order.item,
        "CustomerId": order.customer,
        "MessageId": order.message,
        "Quantity": order.quantity,
        "OrderStatus": PENDING,
    }
    try:
        tables.write_all(tables.put(tables.ORDERS, row, "OrderId"), once=f"{order.id} {order.saga}")
    except tables.NotAllError as unmet:
        there = tables.row(tables.ORDERS, {"OrderId": order.id})
        if there is None or there["Saga"] != order.saga:
            raise RefusedError(f"order {order.id} was already placed by another saga") from unmet
    return {}


@step("RemoveOrder", "ORDER_REMOVED", undoes="PlaceOrder")
def remove(order: Order) -> tables.Row:
    """Deletes the row this saga wrote, if it did."""
    return {"Undone": tables.delete_mine(tables.ORDERS, {"OrderId": order.id}, order.saga)}


def cancel(order: Order) -> None:
    """Closes the order to steps that are still on their way. Does nothing when there is no order."""
    change = "SET OrderStatus = :cancelling"
    tables.update_mine(tables.ORDERS, {"OrderId": order.id}, order.saga, change, {":cancelling": CANCELLING})
