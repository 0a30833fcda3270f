"""The claims of this saga about its tables. `python cli.py prove` checks them after every step and at the end."""

from pathlib import Path

import yaml

from sfn_emulator.prove.faults import TRANSIENT, Kind
from sfn_emulator.prove.invariants import always, at_the_end, sometimes

UNDO = yaml.safe_load(Path(__file__).with_name("saga.yaml").read_text(encoding="utf-8"))["undo"]
"""Each step, and the compensation that undoes it."""


def is_recording(task):
    """Whether it writes the row for a person to repair what a compensation left."""
    return task.startswith("Record ")


def is_step(task):
    return task not in UNDO.values() and not is_recording(task)


def of_orders(tables):
    """The tables a saga writes rows of its own into."""
    return {name: tables[name] for name in ("Orders", "Payments", "Reservations", "Repairs")}


def owned(tables):
    """Items in stock and reserved, together: what selling and putting back must never change."""
    total = {row["ItemId"]: row["ItemsInStock"] for row in tables["Inventory"]}
    for row in tables["Reservations"]:
        total[row["ItemId"]] += row["Quantity"]
    return total


@always
def goods_are_neither_lost_nor_made(before, now):
    assert owned(now) == owned(before)


@always
def a_payment_belongs_to_a_reservation(now):
    reserved = {row["OrderId"] for row in now["Reservations"]}
    repairs = {row["OrderId"] for row in now["Repairs"]}
    for row in now["Payments"]:
        assert row["OrderId"] in reserved | repairs


@at_the_end
def a_failed_order_leaves_no_trace(before, after, execution):
    if execution.error == "OrderCompensated":
        assert after == before


@at_the_end
def a_completed_order_is_whole(after, execution):
    if execution.status == "SUCCEEDED":
        assert [row["OrderStatus"] for row in after["Orders"]] == ["PAID"]
        assert len(after["Payments"]) == len(after["Reservations"]) == 1
        assert not after["Repairs"]
        told = {step: execution.output[step.replace(" ", "")].get("Status", "ERROR") for step in UNDO}
        assert "ERROR" not in told.values(), told


@at_the_end
def what_is_left_over_has_an_open_repair(after, execution, faults):
    recorded = not any(is_recording(fault.task) for fault in faults if fault.kind not in TRANSIENT)
    if execution.error == "CompensationFailed" and recorded:
        assert [row for row in after["Repairs"] if row["RepairStatus"] == "OPEN"]


@at_the_end
def a_repair_is_asked_for_what_failed_and_nothing_else(after, faults):
    assert {row["Step"] for row in after["Repairs"]} <= {fault.task.replace(" ", "") for fault in faults}


@at_the_end
def a_compensation_that_does_not_confirm_is_not_taken_for_done(execution, faults):
    if any(f.task in UNDO.values() and f.kind in (Kind.ANSWER, Kind.OTHER_ANSWER) for f in faults):
        assert execution.error == "CompensationFailed"


@at_the_end
def a_saga_ends_in_one_of_three_ways(execution):
    assert execution.status == "SUCCEEDED" or execution.error in ("OrderCompensated", "CompensationFailed")


@at_the_end
def what_passes_by_itself_undoes_nothing(execution, faults):
    if all(fault.kind in TRANSIENT for fault in faults):
        assert execution.status == "SUCCEEDED"
        assert not execution.caught


@at_the_end
def what_passes_by_itself_gives_up_no_compensation(execution, faults):
    if all(fault.kind in TRANSIENT or is_step(fault.task) for fault in faults):
        assert execution.error != "CompensationFailed"


@sometimes
def the_notification_fails_and_the_order_stays(execution):
    return execution.failed("Send Notification") and execution.status == "SUCCEEDED"


@sometimes
def a_payment_is_reverted(execution):
    return execution.visited("Revert Payment") and execution.error == "OrderCompensated"


@sometimes
def each_compensation_is_given_up_at_last(execution):
    return execution.visited("Record payment repair")


@sometimes
def the_inventory_is_repaired_by_hand(execution):
    return execution.visited("Record inventory repair")


@sometimes
def the_order_is_repaired_by_hand(execution):
    return execution.visited("Record order repair")
