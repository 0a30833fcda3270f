"""The machines that run while servers are killed: one for each thing that must survive, and its end.

Every call a Task makes names itself (``key``, ``retry``, ``redrive``), so that whoever is called can count.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

COUNTER: Final = "arn:aws:lambda:us-east-1:123456789012:function:counter"
QUEUE: Final = "http://localhost/123456789012/callbacks"
ROLE: Final = "arn:aws:iam::123456789012:role/machine"

NAME: Final = "$states.context.Execution.Name"
AGAIN: Final = {"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}


def call(what: str, **more: Any) -> dict[str, Any]:
    """A Task that calls the counter; ``failures`` and ``broken`` in ``more`` tell it to fail."""
    told = {name: more.pop(name) for name in ("failures", "broken") if name in more}
    arguments = {
        "key": f"{{% {NAME} & '/' & {what} %}}",
        "retry": "{% $states.context.State.RetryCount %}",
        "redrive": "{% $states.context.Execution.RedriveCount %}",
        "value": "{% $states.context.Execution.Input.n %}",
        **told,
    }
    return {"Type": "Task", "Resource": COUNTER, "Arguments": arguments, "Output": "{% $states.result.value %}", **more}


def machine(start: str, **states: Any) -> dict[str, Any]:
    return {"QueryLanguage": "JSONata", "StartAt": start, "States": states}


def block(start: str, **states: Any) -> dict[str, Any]:
    return {"StartAt": start, "States": states}


def asking(**more: Any) -> dict[str, Any]:
    """A Task that hands its token to a queue and waits."""
    body = {"key": f"{{% {NAME} %}}", "token": "{% $states.context.Task.Token %}"}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Arguments": {"QueueUrl": QUEUE, "MessageBody": body},
        **more,
    }


LOOP = machine(
    "Begin",
    Begin={"Type": "Pass", "Assign": {"i": 0, "total": 0}, "Next": "Call"},
    Call=call(
        "'call' & $string($i)",
        Assign={"i": "{% $i + 1 %}", "total": "{% $total + $states.result.value %}"},
        Next="More",
    ),
    More={"Type": "Choice", "Choices": [{"Condition": "{% $i < 3 %}", "Next": "Call"}], "Default": "Done"},
    Done={"Type": "Pass", "Output": {"i": "{% $i %}", "total": "{% $total %}"}, "End": True},
)
MAP = machine(
    "Each",
    Each={
        "Type": "Map",
        "Items": [0, 1, 2, 3],
        "MaxConcurrency": 2,
        "ItemSelector": {"index": "{% $states.context.Map.Item.Index %}"},
        "ItemProcessor": block(
            "Call",
            Call=call(
                "'item' & $string($states.input.index)",
                failures="{% $states.input.index = 2 ? 1 : 0 %}",
                Retry=[AGAIN],
                End=True,
            ),
        ),
        "End": True,
    },
)
CHILD = call("'child'", failures="{% $states.input.index = 2 ? 1 : 0 %}", Retry=[AGAIN], End=True)
CHILD["Arguments"] |= {
    "key": "{% $states.input.parent & '/child' & $string($states.input.index) %}",
    "value": "{% $states.input.n %}",
}
DISTRIBUTED = machine(
    "Each",
    Each={
        "Type": "Map",
        "Items": [0, 1, 2, 3, 4, 5],
        "MaxConcurrency": 3,
        "ItemSelector": {
            "index": "{% $states.context.Map.Item.Index %}",
            "parent": f"{{% {NAME} %}}",
            "n": "{% $states.input.n %}",
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **block("Call", Call=CHILD),
        },
        "End": True,
    },
)
PARALLEL = machine(
    "Both",
    Both={
        "Type": "Parallel",
        "Branches": [
            block("W", W={"Type": "Wait", "Seconds": 1, "Next": "A"}, A=call("'a'", End=True)),
            block("B", B=call("'b'", Next="W2"), W2={"Type": "Wait", "Seconds": 1, "End": True}),
            block("C", C={"Type": "Pass", "Output": "c", "End": True}),
        ],
        "End": True,
    },
)
RETRY = machine(
    "Retried",
    Retried=call("'retried'", failures=2, Retry=[AGAIN], Assign={"kept": "{% $states.result.value %}"}, Next="Caught"),
    Caught=call(
        "'caught'",
        broken=True,
        Catch=[{"ErrorEquals": ["Broken"], "Next": "Done", "Assign": {"error": "{% $states.errorOutput.Error %}"}}],
        End=True,
    ),
    Done={"Type": "Pass", "Output": {"kept": "{% $kept %}", "error": "{% $error %}"}, "End": True},
)
CALLBACK = machine("Ask", Ask=asking(Next="W"), W={"Type": "Wait", "Seconds": 1, "End": True})
LATE = machine(
    "Ask",
    Ask=asking(
        TimeoutSeconds=2,
        Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Late"}],
        End=True,
    ),
    Late={"Type": "Pass", "Output": "late", "End": True},
)
LEAF = machine("W", W={"Type": "Wait", "Seconds": 1, "Next": "Call"}, Call=call("'leaf'", End=True))
NESTED = machine(
    "Child",
    Child={
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {"StateMachineArn": "${leaf}", "Input": {"n": "{% $states.input.n %}"}},
        "Output": "{% $states.result.Output %}",
        "End": True,
    },
)
ACTIVITY = machine(
    "Work",
    Work={
        "Type": "Task",
        "Resource": "${activity}",
        "Arguments": {"key": f"{{% {NAME} %}}", "retry": "{% $states.context.State.RetryCount %}"},
        "TimeoutSeconds": 3,
        "Retry": [{**AGAIN, "ErrorEquals": ["Again", "States.Timeout"], "MaxAttempts": 20}],
        "End": True,
    },
)
SPIN = {
    "StartAt": "Begin",
    "States": {
        "Begin": {"Type": "Pass", "Result": {"i": 0}, "Next": "Inc"},
        "Inc": {"Type": "Pass", "Parameters": {"i.$": "States.MathAdd($.i, 1)"}, "Next": "More"},
        "More": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.i", "NumericLessThan": 1500, "Next": "Inc"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}
WAIT = machine("W", W={"Type": "Wait", "Seconds": 2, "Next": "X"}, X={"Type": "Wait", "Seconds": 1, "End": True})
STOPPED = machine("W", W={"Type": "Wait", "Seconds": 3600, "End": True})
REDRIVEN = machine(
    "First",
    First=call("'first'", Assign={"first": "{% $states.result.value %}"}, Next="Second"),
    Second=call("'second'", broken="{% $states.context.Execution.RedriveCount = 0 %}", Next="W"),
    W={"Type": "Wait", "Seconds": 1, "Output": "{% $first %}", "End": True},
)


@dataclass(frozen=True)
class Kind:
    """``status`` and ``output`` of every execution's end; ``output`` is told the input's ``n``."""

    definition: Mapping[str, Any]
    output: Callable[[int], Any] = lambda n: None
    status: str = "SUCCEEDED"
    apart: tuple[str, ...] = field(default=())
    """Beginnings of event types that a crash may add or take: a worker that was killed with its server's answer is
    given the task again by a retry; a message may not be sent before its time is over."""


KINDS: Final = {
    "leaf": Kind(LEAF, lambda n: n),
    "loop": Kind(LOOP, lambda n: {"i": 3, "total": 3 * n}),
    "map": Kind(MAP, lambda n: [n] * 4),
    "distributed": Kind(DISTRIBUTED, lambda n: [n] * 6),
    "parallel": Kind(PARALLEL, lambda n: [n, n, "c"]),
    "retry": Kind(RETRY, lambda n: {"kept": n, "error": "Broken"}),
    "callback": Kind(CALLBACK, lambda n: {"answered": f"callback-{n}"}),
    "late": Kind(LATE, lambda n: "late", apart=("TaskSubmitted",)),
    "nested": Kind(NESTED, lambda n: n),
    "activity": Kind(ACTIVITY, lambda n: {"done": f"activity-{n}"}, apart=("Activity",)),
    "spin": Kind(SPIN, lambda n: {"i": 1500}),
    "wait": Kind(WAIT, lambda n: {"n": n}),
    "stopped": Kind(STOPPED, status="ABORTED"),
    "redriven": Kind(REDRIVEN, lambda n: n),
}


def create(client: Any) -> dict[str, str]:
    """Makes them all; gives the machines' ARNs by kind, and the activity's as ``"work"``."""
    made = {"work": client.create_activity(name="work")["activityArn"]}
    for name, kind in KINDS.items():
        text = json.dumps(kind.definition).replace("${activity}", made["work"])
        text = text.replace("${leaf}", made.get("leaf", ""))
        made[name] = client.create_state_machine(name=name, definition=text, roleArn=ROLE)["stateMachineArn"]
    return made
