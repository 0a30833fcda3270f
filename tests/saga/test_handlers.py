"""Each step and each compensation alone: done once, twice, never, too late, and with every fault."""

import pytest

from handlers import faults, inventory, notifications, orders, payments, tables
from handlers.saga import TransactionConflictError
from tests.saga.conftest import contents, context, event, stock

pytestmark = pytest.mark.usefixtures("aws")

FORWARD = (orders.place, inventory.update, payments.make)
BACKWARD = (payments.revert, inventory.revert, orders.remove)


def run(*steps, **request):
    return [step(event(**request), context())["Status"] for step in steps]


def test_a_whole_order_leaves_one_order_one_reservation_one_payment_and_less_stock():
    assert run(*FORWARD, Quantity=3) == ["ORDER_PLACED", "INVENTORY_UPDATED", "PAYMENT_COMPLETED"]
    found = contents()
    assert [row["OrderStatus"] for row in found["Orders"]] == ["PAID"]
    assert [row["Quantity"] for row in found["Reservations"]] == [3]
    assert [row["PaymentStatus"] for row in found["Payments"]] == ["COMPLETED"]
    assert stock() == 997


def test_every_step_delivered_twice_does_its_work_once():
    before_last = [run(step, step) for step in FORWARD]
    assert before_last == [["ORDER_PLACED"] * 2, ["INVENTORY_UPDATED"] * 2, ["PAYMENT_COMPLETED"] * 2]
    assert stock() == 999
    assert len(contents()["Payments"]) == 1


@pytest.mark.parametrize("done", range(4))
def test_the_compensations_put_everything_back_however_far_the_saga_came_and_can_run_twice(done):
    untouched = contents()
    run(*FORWARD[:done])
    for compensation in BACKWARD:
        first, second = run(compensation, compensation)
        assert first == second != "ERROR"
    assert contents() == untouched


def test_a_compensation_leaves_the_rows_of_an_earlier_saga_with_the_same_order_id_alone():
    run(*FORWARD)
    earlier = contents()
    for compensation in BACKWARD:
        compensation(event(saga="2027-01-01T00:00:00Z"), context())
    assert contents() == earlier


def test_an_order_id_of_an_earlier_saga_is_refused():
    run(orders.place)
    answer = orders.place(event(saga="2027-01-01T00:00:00Z"), context())
    assert answer["Status"] == "ERROR"
    assert "another saga" in answer["Reason"]


def test_stock_never_goes_below_zero():
    run(orders.place, Quantity=1001)
    answer = inventory.update(event(Quantity=1001), context())
    assert answer["Status"] == "ERROR"
    assert "fewer than 1001" in answer["Reason"]
    assert stock() == 1000


def test_an_unknown_item_is_refused_and_nothing_is_reserved():
    run(orders.place, ItemId="NOPE")
    assert run(inventory.update, ItemId="NOPE") == ["ERROR"]
    assert contents()["Reservations"] == []


@pytest.mark.parametrize("late", [inventory.update, payments.make])
def test_a_step_that_arrives_after_the_compensations_began_is_refused(late):
    run(*FORWARD[: FORWARD.index(late)])
    run(payments.revert)
    assert run(late) == ["ERROR"]
    run(inventory.revert, orders.remove)
    assert run(late) == ["ERROR"]
    assert contents()["Payments"] == contents()["Reservations"] == []
    assert stock() == 1000


def test_a_payment_needs_a_reservation():
    run(orders.place)
    assert run(payments.make) == ["ERROR"]
    assert contents()["Orders"][0]["OrderStatus"] == "PENDING"


def test_stock_taken_from_an_item_that_was_removed_cannot_be_put_back_and_says_so():
    run(orders.place, inventory.update)
    tables.dynamodb().delete_item(TableName=tables.INVENTORY, Key=tables.typed({"ItemId": "ITEM001"}))
    answer = inventory.revert(event(), context())
    assert answer["Status"] == "ERROR"
    assert len(contents()["Reservations"]) == 1


@pytest.mark.parametrize("quantity", [0, -1, 1.5, True, "2"])
def test_a_quantity_that_is_not_a_whole_number_raises_before_anything_is_written(quantity):
    with pytest.raises(ValueError, match="Quantity"):
        orders.place(event(Quantity=quantity), context())
    assert contents()["Orders"] == []


def test_fail_mode_status_commits_and_answers_error():
    assert run(orders.place, stage="PlaceOrder") == ["ERROR"]
    assert len(contents()["Orders"]) == 1


def test_fail_mode_before_raises_and_commits_nothing():
    with pytest.raises(faults.InjectedError):
        orders.place(event("PlaceOrder", FailMode="before"), context())
    assert contents()["Orders"] == []


def test_fail_mode_after_commits_and_raises():
    with pytest.raises(faults.InjectedError, match="after its commit"):
        orders.place(event("PlaceOrder", FailMode="after"), context())
    assert len(contents()["Orders"]) == 1


def test_fail_mode_timeout_commits_and_answers_later_than_the_function_may(monkeypatch):
    slept = []
    monkeypatch.setattr(faults.time, "sleep", slept.append)
    orders.place(event("PlaceOrder", FailMode="timeout"), context(2000))
    assert slept[0] > 2
    assert len(contents()["Orders"]) == 1


def test_failing_a_compensation_makes_the_step_it_compensates_fail_first_with_something_to_undo():
    request = {"stage": "RevertPayment", "FailMode": "before"}
    assert run(*FORWARD, **request) == ["ORDER_PLACED", "INVENTORY_UPDATED", "ERROR"]
    with pytest.raises(faults.InjectedError):
        run(payments.revert, **request)
    assert len(contents()["Payments"]) == 1


def test_a_transaction_that_lost_a_race_raises_the_name_the_state_machine_retries():
    busy = tables._cancelled([{"Code": "None"}, {"Code": "TransactionConflict"}])
    assert type(busy) is TransactionConflictError


def test_a_notification_goes_to_the_topic():
    answer = notifications.send(event(), context())
    assert answer["Status"] == "NOTIFICATION_SENT"
    assert answer["MessageId"]
