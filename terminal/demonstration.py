"""The demonstration: an order that goes through, and one that is undone."""

from deploy.apply import apply
from terminal import orders, outcomes, saga_run
from terminal.report.show import change_rows
from terminal.session import Session

THROUGH = {"ItemId": "ITEM001", "CustomerId": "ABC/001", "FailAtStage": "None"}
UNDONE = {"ItemId": "ITEM002", "CustomerId": "DEF/002", "FailAtStage": "UpdateInventory"}


def run(session: Session) -> bool:
    """Deploys, runs both orders and shows what they did. Whether all went as it should."""
    apply(session.saga.plan(), session.target)
    session.say(f"Deployed on {session.target.endpoint}.\n\nAn order that goes through:")
    through = saga_run.run(session, orders.order_of(None, {**THROUGH}))
    outcomes.tell(session, through)
    session.say("\nAn order whose inventory step fails on purpose:")
    undone = saga_run.run(session, orders.order_of(None, {**UNDONE}))
    outcomes.tell(session, undone)
    back = not change_rows(undone.moments["before"], undone.moments["after"])
    session.say("\nEvery table is back where it was." if back else "\nThe tables are NOT back where they were.")
    return through.succeeded and undone.told.error == "OrderCompensated" and back
