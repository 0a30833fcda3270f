"""What came of a saga, in words and in JSON."""

from typing import Any

from terminal import saga_run, show, steps
from terminal.session import Session


def tell(session: Session, outcome: saga_run.Outcome) -> None:
    told, moments = outcome.told, outcome.moments
    session.say(f"{told.status}{f': {told.error}' if told.error else ''}\n")
    session.say(show.tables(moments))
    if undone := [step.state for step in told.steps if step.outcome == "compensated"]:
        session.say(f"Undone by: {', '.join(undone)}")
    session.answer(
        {
            "executionArn": outcome.arn,
            "status": told.status,
            "error": told.error or None,
            "steps": [row(step) for step in told.steps],
            "tables": moments,
            "changed": show.change_rows(moments["before"], moments["after"]),
            "undone": [step.state for step in told.steps if step.outcome == "compensated"],
        }
    )


def row(step: steps.Step) -> dict[str, Any]:
    told = {"state": step.state, "type": step.type, "outcome": step.outcome, "seconds": step.seconds}
    said = {"status": step.status or None, "error": step.error or None, "reason": step.reason or None}
    return {**told, **said, "attempts": step.attempts}
