"""Jobs that Tasks wait for: real ones of the neighbours, and the pattern itself with controlled jobs."""

from typing import Any

import pytest

from sfn_emulator.engine.ports import StartTask, TaskFailed, TaskRequest, TaskSubmitted, TaskSucceeded
from sfn_emulator.errors import StateError
from sfn_emulator.tasks.patterns import Job, sync
from sfn_emulator.values import UNSET, Value
from tests.tasks.conftest import IDENTITY, Host, resource
from tests.waiting import PATIENCE

OPTIMISED = "arn:aws:states:::"
QUERY = {"QueryString": "select 1", "ResultConfiguration": {"OutputLocation": "s3://b/"}}


def test_a_query_is_submitted_and_waited_for(aws: Host) -> None:
    aws.start(f"{OPTIMISED}athena:startQueryExecution.sync", QUERY)

    submitted, ended = aws.next(), aws.next()

    assert isinstance(submitted, TaskSubmitted)
    assert isinstance(ended, TaskSucceeded)
    query = ended.output["QueryExecution"]
    assert query["QueryExecutionId"] == submitted.output["QueryExecutionId"]
    assert query["Status"]["State"] == "SUCCEEDED"
    assert isinstance(query["Status"]["CompletionDateTime"], int)


def test_a_job_run_is_told_as_itself(aws: Host) -> None:
    job = {"Name": "j", "Role": "r", "Command": {"Name": "glueetl", "ScriptLocation": "s3://x"}}
    aws.run("arn:aws:states:::aws-sdk:glue:createJob", job)

    aws.start(f"{OPTIMISED}glue:startJobRun.sync", {"JobName": "j"})
    aws.next()

    ended = aws.next()
    assert isinstance(ended, TaskSucceeded)
    assert (ended.output["JobName"], ended.output["JobRunState"]) == ("j", "SUCCEEDED")


def test_deleting_is_done_when_the_thing_is_known_no_more(aws: Host) -> None:
    role = "arn:aws:iam::123456789012:role/r"
    aws.start(f"{OPTIMISED}eks:createCluster.sync", {"Name": "k", "RoleArn": role, "ResourcesVpcConfig": {}})
    assert isinstance(aws.next(), TaskSubmitted)
    created = aws.next()
    assert isinstance(created, TaskSucceeded)
    assert created.output["Cluster"]["Status"] == "ACTIVE"
    aws.start(f"{OPTIMISED}eks:deleteCluster.sync", {"Name": "k"})
    assert isinstance(aws.next(), TaskSubmitted)
    assert isinstance(aws.next(), TaskSucceeded)


def test_a_submission_that_is_refused(aws: Host) -> None:
    told = aws.run(f"{OPTIMISED}glue:startJobRun.sync", {"JobName": "no-such-job"})
    assert isinstance(told, TaskFailed)
    assert (told.error, told.stage) == ("Glue.EntityNotFoundException", "SubmitFailed")


class Told:
    """A job that does as told; ``states`` are what it answers when looked at."""

    def __init__(self, *states: Value | StateError) -> None:
        self.states = list(states)
        self.stopped: list[Value] = []

    def look(self, request: TaskRequest, submitted: Value) -> Any:
        state = self.states.pop(0)
        if isinstance(state, StateError):
            raise state
        return state

    def stop(self, request: TaskRequest, submitted: Value) -> None:
        self.stopped.append(submitted)


def started(host: Host, job: Told, submitted: Value = UNSET) -> Any:
    request = TaskRequest(resource(f"{OPTIMISED}glue:startJobRun.sync"), {}, "t", IDENTITY, "S", 0)
    start = sync(host.workers, host.clock, lambda _: {"Id": 1}, Job(job.look, job.stop))
    return start(StartTask(1, request, submitted), host.tell)


def test_a_job_is_looked_at_until_it_has_ended(host: Host) -> None:
    began = host.clock.now()
    started(host, Told(UNSET, UNSET, UNSET, {"done": True}))
    assert host.next() == TaskSubmitted(1, {"Id": 1})
    assert host.next() == TaskSucceeded(1, {"done": True})
    assert host.clock.now() - began == pytest.approx(0.5 + 0.75 + 1.125)


def test_a_job_that_failed_fails_the_task(host: Host) -> None:
    started(host, Told(UNSET, StateError("States.TaskFailed", '{"State":"FAILED"}')))
    host.next()
    assert host.next() == TaskFailed(1, "States.TaskFailed", '{"State":"FAILED"}')


def test_aborting_stops_the_job_and_tells_nothing(host: Host) -> None:
    job = Told(UNSET, UNSET, UNSET)
    work = started(host, job)
    host.next()
    work.cancel()
    work.cancel()
    host.thunks.get(timeout=PATIENCE)()
    host.idle()
    assert job.stopped == [{"Id": 1}]
    assert host.told == []


def test_after_a_crash_a_submitted_job_is_only_looked_at(host: Host) -> None:
    started(host, Told(UNSET, "done"), submitted={"Id": 7})
    assert host.next() == TaskSucceeded(1, "done")
