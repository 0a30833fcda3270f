"""History: every event type has its details, and what is stored comes back the same."""

import pytest

from sfn_emulator.api.protocol import service_model
from sfn_emulator.engine import events as engine
from sfn_emulator.engine.events import Event
from sfn_emulator.service.running import history
from sfn_emulator.values import UNSET

BIG = {"list": [1, 2.5, None, True, "ü\ud800"], "whole": 2**70}
EVENTS = [
    Event("ExecutionStarted", 0, 1.001, engine.Started(BIG, '{"as": "given"}')),
    Event("TaskStateEntered", 0, 1.001, engine.Entered("T", BIG)),
    Event("TaskScheduled", 2, 1.001, engine.TaskScheduled("sqs", "sendMessage", "eu-west-1", BIG, 5, 2, "role")),
    Event("TaskStarted", 3, 1.001, engine.TaskOutcome("sqs", "sendMessage")),
    Event("TaskSucceeded", 4, 2.5, engine.TaskOutcome("sqs", "sendMessage", None)),
    Event("TaskFailed", 4, 2.5, engine.TaskOutcome("sqs", "sendMessage", UNSET, "E", None)),
    Event("LambdaFunctionScheduled", 4, 2.5, engine.LambdaScheduled("arn", 1, None, "role")),
    Event("LambdaFunctionStarted", 4, 2.5),
    Event("ActivityScheduled", 4, 2.5, engine.ActivityScheduled("arn", [], 3, None)),
    Event("ActivityStarted", 4, 2.5, engine.ActivityStarted(None)),
    Event("MapStateStarted", 4, 2.5, engine.MapStarted(0)),
    Event("MapIterationStarted", 4, 2.5, engine.Iteration("M", 0)),
    Event("MapRunStarted", 4, 2.5, engine.MapRun("arn")),
    Event("ExecutionRedriven", 4, 2.5, engine.Redriven(1)),
    Event("EvaluationFailed", 4, 2.5, engine.Evaluation("E", "c", "", "T")),
    Event("TaskStateExited", 5, 2.5, engine.Exited("T", BIG, {"x": BIG, "y": 0})),
    Event("ExecutionFailed", 5, 2.5, engine.Failure(None, "c")),
    Event("ExecutionSucceeded", 5, 2.5, engine.Succeeded(False)),
]


def test_the_table_is_the_models_62_types_and_their_detail_fields() -> None:
    model = service_model()
    types = model.shape_for("HistoryEventType").enum
    assert set(history.DETAILS) == set(types)
    assert len(types) == 62
    fields = {name for name in model.shape_for("HistoryEvent").members if name.endswith("EventDetails")}
    assert {field for field in history.DETAILS.values() if field} == fields


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_every_event_renders_to_members_the_model_knows(event: Event) -> None:
    shape = service_model().shape_for("HistoryEvent")
    told = history.render(event, 3, history.Texts(None), {})
    field = history.DETAILS[event.type]
    assert set(told) <= set(shape.members)
    if field is not None:
        details = shape.members[field]
        assert set(told[field]) <= set(details.members)
        assert set(told[field]) >= set(details.required_members)


def test_details_say_what_aws_says() -> None:
    texts = history.Texts(None)
    told = history.render(EVENTS[2], 3, texts, {})["taskScheduledEventDetails"]
    assert told.pop("parameters").startswith('{"list":[1,2.5,null,true,')
    assert told == {
        "resourceType": "sqs",
        "resource": "sendMessage",
        "region": "eu-west-1",
        "timeoutInSeconds": 5,
        "heartbeatInSeconds": 2,
        "taskCredentials": {"roleArn": "role"},
    }
    succeeded = history.render(EVENTS[4], 5, texts, {})["taskSucceededEventDetails"]
    assert (succeeded["output"], succeeded["outputDetails"]) == ("null", {"truncated": False})
    assert "outputDetails" not in history.render(EVENTS[5], 6, texts, {})["taskFailedEventDetails"]
    assert history.render(EVENTS[14], 15, texts, {})["evaluationFailedEventDetails"] == {
        "error": "E",
        "cause": "c",
        "state": "T",
    }
