from sfn_emulator.engine.ports import TaskBegun, TaskFailed, TaskHeartbeat, TaskSucceeded
from tests.tasks.conftest import ACCOUNT, REGION, Host

ACTIVITY = f"arn:aws:states:{REGION}:{ACCOUNT}:activity:pack"


def test_a_worker_takes_the_task_and_answers_its_token(host: Host) -> None:
    host.queues.known.add(ACTIVITY)

    host.start(ACTIVITY, {"order": 1}, token="t")
    text, taken = host.queues.offered["t"]
    taken("worker-1")
    waiter = host.tokens.waiting["t"]
    waiter.heartbeat()
    waiter.succeeded("packed")

    assert text == '{"order":1}'
    assert host.told == [TaskBegun(1, "worker-1"), TaskHeartbeat(1), TaskSucceeded(1, "packed")]
    assert host.tokens.waiting == {}


def test_an_activity_that_does_not_exist_is_never_scheduled(host: Host) -> None:
    assert host.run(ACTIVITY, {}) == TaskFailed(
        1, "States.Runtime", f"The activity {ACTIVITY} does not exist.", "Runtime"
    )


def test_cancelling_takes_the_task_out_of_the_queue(host: Host) -> None:
    host.queues.known.add(ACTIVITY)
    work = host.start(ACTIVITY, {}, token="t")
    waiter = host.tokens.waiting["t"]
    work.cancel()
    waiter.succeeded(1)
    assert host.queues.offered == {}
    assert host.told == []


def test_a_failing_worker_fails_the_task(host: Host) -> None:
    host.queues.known.add(ACTIVITY)
    host.start(ACTIVITY, {}, token="t")
    host.tokens.waiting["t"].failed("E", "C")
    assert host.told == [TaskFailed(1, "E", "C")]
