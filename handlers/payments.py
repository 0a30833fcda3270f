"""The payments. A payment exists if and only if its order is PAID, until a compensation begins."""

from handlers import tables
from handlers.orders import PAID, PENDING, WHILE_PENDING, cancel
from handlers.saga import Order, RefusedError, step


@step("MakePayment", "PAYMENT_COMPLETED")
def make(order: Order) -> tables.Row:
    """Writes the payment and marks the order PAID: once per order, and only for an open order whose goods are
    reserved.
    """
    payment = {
        "OrderId": order.id,
        "Saga": order.saga,
        "CustomerId": order.customer,
        "ItemId": order.item,
        "Quantity": order.quantity,
        "PaymentStatus": "COMPLETED",
    }
    mine = {":saga": order.saga}
    try:
        tables.write_all(
            tables.update(
                tables.ORDERS,
                {"OrderId": order.id},
                "SET OrderStatus = :paid",
                WHILE_PENDING,
                {**mine, ":pending": PENDING, ":paid": PAID},
            ),
            tables.check(tables.RESERVATIONS, {"OrderId": order.id}, tables.MINE, mine),
            tables.put(tables.PAYMENTS, payment, "OrderId"),
        )
    except tables.NotAllError as unmet:
        if tables.row(tables.PAYMENTS, {"OrderId": order.id}) != payment:
            raise RefusedError(f"order {order.id} is not open, or nothing is reserved for it") from unmet
    return {}


@step("RevertPayment", "PAYMENT_REVERTED", undoes="MakePayment")
def revert(order: Order) -> tables.Row:
    """Deletes the payment this saga made, if it did."""
    cancel(order)
    return {"Undone": tables.delete_mine(tables.PAYMENTS, {"OrderId": order.id}, order.saga)}
