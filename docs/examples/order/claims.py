"""What the example claims of its tables."""

from sfn_emulator.prove.invariants import at_the_end, sometimes


def in_stock(tables):
    return sum(row["InStock"] for row in tables["Stock"])


@at_the_end
def an_order_that_failed_leaves_no_trace(before, after, execution):
    if execution.error == "OrderUndone":
        assert after == before


@at_the_end
def an_order_that_completed_takes_one_item_and_one_payment(before, after, execution):
    if execution.status == "SUCCEEDED":
        assert in_stock(after) == in_stock(before) - 1
        assert len(after["Payments"]) == 1


@at_the_end
def a_saga_ends_as_it_says(execution):
    assert execution.status == "SUCCEEDED" or execution.error in ("OrderUndone", "RepairNeeded")


@sometimes
def a_payment_is_refunded(execution):
    return execution.visited("Refund Card") and execution.error == "OrderUndone"
