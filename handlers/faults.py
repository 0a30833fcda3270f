"""Failures on purpose: the one place that knows FailAtStage and FailMode.

=========  ==========================================================
FailMode   what the step does
=========  ==========================================================
status     commits, then answers Status ERROR (the default)
before     raises before the commit
after      raises after the commit: done, but the answer is lost
timeout    commits, then does not answer in time
=========  ==========================================================

A compensation runs only after something failed. So FailAtStage RevertPayment also makes MakePayment answer Status
ERROR (after its commit, so that there is something to undo), and so do the other two for the step they compensate.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Answer = dict[str, Any]

COMPENSATED_BY: dict[str, str] = {}
"""Step → its compensation, for the steps in this function's code: both stand in one file."""
OVERTIME_SECONDS = 1.0


class InjectedError(Exception):
    """Raised by FailMode before and after. The class's name is the error's name in the execution's history."""


@dataclass(frozen=True)
class Fault:
    """``before(stage)`` is called ahead of the commit, ``after(stage, answer, context)`` makes the answer."""

    before: Callable[[str], None]
    after: Callable[[str, Answer, Any], Answer]


def chosen(request: dict[str, Any], stage: str) -> Fault:
    """The fault that the request asks of this stage; a fault that does nothing when it asks for none."""
    wanted = request.get("FailAtStage", "None")
    if wanted == stage:
        return _FAULTS[request.get("FailMode", "status")]
    if wanted == COMPENSATED_BY.get(stage):
        return _FAULTS["status"]
    return _NONE


def _pass(stage: str) -> None:
    return None


def _raise(stage: str) -> None:
    raise InjectedError(f"{stage} was asked to fail")


def _answer(stage: str, answer: Answer, context: Any) -> Answer:
    return answer


def _answer_error(stage: str, answer: Answer, context: Any) -> Answer:
    return {**answer, "Status": "ERROR", "Reason": f"{stage} was asked to fail"}


def _lose_answer(stage: str, answer: Answer, context: Any) -> Answer:
    raise InjectedError(f"{stage} was asked to fail after its commit")


def _overstay(stage: str, answer: Answer, context: Any) -> Answer:
    # Sleeping is the fault itself: a function that is busy past its time-out.
    time.sleep(context.get_remaining_time_in_millis() / 1000 + OVERTIME_SECONDS)  # noqa: TID251
    return answer


_NONE = Fault(_pass, _answer)
_FAULTS = {
    "status": Fault(_pass, _answer_error),
    "before": Fault(_raise, _answer),
    "after": Fault(_pass, _lose_answer),
    "timeout": Fault(_pass, _overstay),
}
