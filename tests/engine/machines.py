"""Small machines for the engine's tests, and what every history must keep."""

from typing import Any

from sfn_emulator.engine.events import Event

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:work"
CALLBACK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"

TERMINAL = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"}


def machine(states: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The first state is where it starts."""
    return {"StartAt": next(iter(states)), "States": states, **fields}


def ended(**state: Any) -> dict[str, Any]:
    """A state that ends its branch."""
    return {**state, "End": True}


def task(**fields: Any) -> dict[str, Any]:
    return ended(Type="Task", Resource=LAMBDA, **fields)


def callback(**fields: Any) -> dict[str, Any]:
    parameters = {"QueueUrl": "q", "MessageBody": "m"}
    return ended(Type="Task", Resource=CALLBACK, Parameters=parameters, **fields)


def mapping(inner: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return ended(Type="Map", ItemProcessor=machine(inner), **fields)


def parallel(*branches: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return ended(Type="Parallel", Branches=[machine(branch) for branch in branches], **fields)


def types(events: list[Event]) -> list[str]:
    return [event.type for event in events]


def check_history(events: list[Event], *, finished: bool = True) -> None:
    """Every event follows an earlier one, time never goes back, and nothing is left that was not entered."""
    assert [event.previous for event in events[:2]] == [0, 0][: len(events)]
    inside: dict[str, int] = {}
    for id_, event in enumerate(events, 1):
        assert id_ <= 2 or 0 <= event.previous < id_
        assert id_ == 1 or event.at >= events[id_ - 2].at
        if event.type.endswith("StateEntered"):
            inside[event.detail.name] = inside.get(event.detail.name, 0) + 1
        if event.type.endswith("StateExited"):
            inside[event.detail.name] -= 1
            assert inside[event.detail.name] >= 0
    ends = [index for index, event in enumerate(events) if event.type in TERMINAL]
    if finished:
        assert ends[-1:] == [len(events) - 1]
    assert all(events[index + 1].type == "ExecutionRedriven" for index in ends if index + 1 < len(events))
