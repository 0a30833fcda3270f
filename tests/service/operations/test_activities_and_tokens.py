"""Workers that poll, and tokens that are answered once."""

import asyncio

import pytest

from tests.service.world import CALLBACK, Refused, World, task


@pytest.fixture
def activity(world: World) -> str:
    return str(world.call("CreateActivity", name="a")["activityArn"])


def test_a_worker_that_waits_gets_the_task_as_soon_as_there_is_one(world: World, activity: str) -> None:
    polled = world.later("GetActivityTask", activityArn=activity, workerName="w1")
    assert not polled.done()
    execution = world.start(world.machine(task(activity)), input='{"a":1}')
    told = world.loop.run_until_complete(polled)
    assert told["input"] == '{"a":1}'
    assert world.types(execution)[-1] == "ActivityStarted"
    world.call("SendTaskHeartbeat", taskToken=told["taskToken"])
    world.call("SendTaskSuccess", taskToken=told["taskToken"], output='{"b":2}')
    assert world.describe(execution)["output"] == '{"b":2}'


def test_tasks_wait_for_workers_in_order(world: World, activity: str) -> None:
    machine = world.machine(task(activity))
    for n in range(3):
        world.start(machine, input=str(n))
    inputs = [world.call("GetActivityTask", activityArn=activity)["input"] for _ in range(3)]
    assert inputs == ["0", "1", "2"]


def test_a_poll_that_finds_nothing_ends_after_a_minute_with_no_token(world: World, activity: str) -> None:
    async def hurry() -> None:
        while world.loop._scheduled:  # type: ignore[attr-defined]
            handle = min(world.loop._scheduled)  # type: ignore[attr-defined]
            assert 55 < handle.when() - world.loop.time() <= 60
            handle._run()
            world.loop._scheduled.clear()  # type: ignore[attr-defined]
        await asyncio.sleep(0)

    polled = world.later("GetActivityTask", activityArn=activity)
    world.loop.run_until_complete(hurry())
    assert world.loop.run_until_complete(polled) == {"taskToken": None}


def test_a_worker_that_went_away_gets_no_task(world: World, activity: str) -> None:
    gone = world.later("GetActivityTask", activityArn=activity, workerName="gone")
    gone.cancel()
    world.settle()
    world.start(world.machine(task(activity)), input='"kept"')
    assert world.call("GetActivityTask", activityArn=activity, workerName="here")["input"] == '"kept"'


def test_deleting_an_activity_sends_its_workers_home(world: World, activity: str) -> None:
    polled = world.later("GetActivityTask", activityArn=activity)
    assert world.call("DeleteActivity", activityArn=activity) == {}
    assert world.loop.run_until_complete(polled) == {"taskToken": None}
    with pytest.raises(Refused, match="ActivityDoesNotExist: Activity Does Not Exist: "):
        world.call("GetActivityTask", activityArn=activity)
    assert world.call("DeleteActivity", activityArn=activity) == {}


def test_activities_are_listed_and_created_once(world: World, activity: str) -> None:
    assert world.call("CreateActivity", name="a")["activityArn"] == activity
    key = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k"}
    with pytest.raises(Refused, match="ActivityAlreadyExists"):
        world.call("CreateActivity", name="a", encryptionConfiguration=key)
    world.call("CreateActivity", name="b", encryptionConfiguration=key)
    assert [one["name"] for one in world.call("ListActivities")["activities"]] == ["a", "b"]
    told = world.call("DescribeActivity", activityArn=activity.replace("activity:a", "activity:b"))
    assert told["encryptionConfiguration"]["kmsDataKeyReusePeriodSeconds"] == 300


def test_a_token_is_answered_once(world: World) -> None:
    execution = world.start(world.machine(CALLBACK))
    token = world.hands.attempts[0].request.token
    world.call("SendTaskFailure", taskToken=token, error="Refused", cause="no")
    assert world.describe(execution)["error"] == "Refused"
    for operation, told in (("SendTaskSuccess", {"output": "1"}), ("SendTaskFailure", {}), ("SendTaskHeartbeat", {})):
        with pytest.raises(Refused, match="TaskTimedOut: Task Timed Out: 'Provided task does not exist anymore'"):
            world.call(operation, taskToken=token, **told)


def test_a_token_that_is_none_is_invalid(world: World) -> None:
    with pytest.raises(Refused, match="InvalidToken: Invalid Token: 'Invalid token'"):
        world.call("SendTaskHeartbeat", taskToken="made up")


def test_output_that_is_not_json_leaves_the_token_waiting(world: World) -> None:
    execution = world.start(world.machine(CALLBACK))
    token = world.hands.attempts[0].request.token
    with pytest.raises(Refused, match="InvalidOutput"):
        world.call("SendTaskSuccess", taskToken=token, output="no")
    world.call("SendTaskSuccess", taskToken=token, output="1")
    assert world.status(execution) == "SUCCEEDED"
