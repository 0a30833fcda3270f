"""The outcome of a saga, in words and in JSON."""

from terminal.report import show, steps, writes
from terminal.saga_run import Run
from terminal.session import Session


def tell(session: Session, made: Run) -> None:
    """Shows the outcome of a saga: its end, the writes of each step, the tables at each moment."""
    told, moments = made.told, made.moments
    session.say(f"{steps.ending(told)}\n")
    if made.writes:
        session.say_lines(show.writes(made.writes))
    session.say(show.tables(moments, made.writes is None))
    if undone := steps.undone_by(told):
        session.say(f"Undone by: {', '.join(undone)}")
    session.answer(
        {
            "executionArn": made.arn,
            "status": told.status,
            "error": told.error,
            "steps": [steps.row(told, visit) for visit in told.visits],
            "writes": None if made.writes is None else [writes.row(write) for write in made.writes],
            "tables": moments,
            "changed": show.change_rows(moments["before"], moments["after"]),
            "undone": undone,
        }
    )
