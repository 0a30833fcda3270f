"""The stock. The quantity taken and the reservation are written together, so stock + Σ reservations never changes."""

from handlers import tables
from handlers.orders import PENDING, WHILE_PENDING, cancel
from handlers.saga import Order, RefusedError, step

_ORDER, _STOCK = 0, 1
"""The positions of these rows in the transactions."""


@step("UpdateInventory", "INVENTORY_UPDATED")
def update(order: Order) -> tables.Row:
    """Takes the quantity from the stock and notes the reservation: once per order, never below zero."""
    reservation = {
        "OrderId": order.id,
        "Saga": order.saga,
        "ItemId": order.item,
        "Quantity": order.quantity,
    }
    try:
        tables.write_all(
            tables.check(
                tables.ORDERS, {"OrderId": order.id}, WHILE_PENDING, {":saga": order.saga, ":pending": PENDING}
            ),
            tables.update(
                tables.INVENTORY,
                {"ItemId": order.item},
                "SET ItemsInStock = ItemsInStock - :quantity",
                "attribute_exists(ItemId) AND ItemsInStock >= :quantity",
                {":quantity": order.quantity},
            ),
            tables.put(tables.RESERVATIONS, reservation, "OrderId"),
        )
    except tables.NotAllError as unmet:
        if tables.row(tables.RESERVATIONS, {"OrderId": order.id}) != reservation:
            raise RefusedError(_reason(order, unmet.failed)) from unmet
    return {"ItemId": order.item, "Quantity": order.quantity}


@step("RevertInventory", "INVENTORY_REVERTED", undoes="UpdateInventory")
def revert(order: Order) -> tables.Row:
    """Puts back the quantity of this saga's reservation; nothing when there is no reservation."""
    cancel(order)
    reservation = tables.row(tables.RESERVATIONS, {"OrderId": order.id})
    if reservation is None or reservation["Saga"] != order.saga:
        return {"Undone": False}
    try:
        tables.write_all(
            tables.delete(tables.RESERVATIONS, {"OrderId": order.id}, tables.MINE, {":saga": order.saga}),
            tables.update(
                tables.INVENTORY,
                {"ItemId": reservation["ItemId"]},
                "SET ItemsInStock = ItemsInStock + :quantity",
                "attribute_exists(ItemId)",
                {":quantity": reservation["Quantity"]},
            ),
        )
    except tables.NotAllError as unmet:
        if _STOCK in unmet.failed:
            raise RefusedError(f"item {reservation['ItemId']} is no longer in the Inventory table") from unmet
        return {"Undone": False}
    return {"Undone": True, "ItemId": reservation["ItemId"], "Quantity": reservation["Quantity"]}


def _reason(order: Order, failed: frozenset[int]) -> str:
    if _ORDER in failed:
        return f"order {order.id} is not open"
    if _STOCK in failed:
        return f"item {order.item} is unknown or has fewer than {order.quantity} in stock"
    return f"order {order.id} has a reservation of another saga"
