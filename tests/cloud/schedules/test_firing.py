"""Schedules fire: by the clock, when the clock is moved by hand, and once only through a restart."""

import json
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.functions import make_role
from tests.processes import Process, running
from tests.waiting import until

ROLE = "arn:aws:iam::123456789012:role/worker"
PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
WINDOW = {"Mode": "OFF"}


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory", "--time", "skip") as process:
        make_role(process)
        yield process


def queue(server: Process, name: str) -> tuple[str, str]:
    queues = server.client("sqs")
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    return url, queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def machine(server: Process, name: str) -> str:
    made = server.client("stepfunctions").create_state_machine(name=name, definition=PASS, roleArn=ROLE)
    return str(made["stateMachineArn"])


def inputs(server: Process, arn: str, count: int) -> list[Any]:
    machines = server.client("stepfunctions")

    def enough() -> Any:
        found = machines.list_executions(stateMachineArn=arn)["executions"]
        return found if len(found) >= count else None

    return [json.loads(machines.describe_execution(executionArn=e["executionArn"])["input"]) for e in until(enough)]


def pass_time(server: Process, seconds: float) -> None:
    body = json.dumps({"advance": seconds}).encode()
    request = urllib.request.Request(f"{server.url}/_sfn/clock", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request).close()


def present(server: Process) -> datetime:
    with urllib.request.urlopen(f"{server.url}/_sfn/clock") as reply:
        return datetime.fromtimestamp(json.load(reply)["now"], UTC)


def taken(server: Process, url: str) -> Any:
    return until(lambda: server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"))[0]


def test_a_rate_fires_as_often_as_time_passes(server: Process) -> None:
    arn = machine(server, "hourly")
    server.client("events").put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
    server.client("events").put_targets(Rule="hourly", Targets=[{"Id": "m", "Arn": arn, "RoleArn": ROLE}])
    pass_time(server, 3 * 3600 + 60)
    events = inputs(server, arn, 3)
    assert len(events) == 3
    assert {event["detail-type"] for event in events} == {"Scheduled Event"}
    assert events[0]["resources"][0].endswith(":rule/hourly")
    server.client("events").disable_rule(Name="hourly")


def test_a_schedule_fires_once_at_its_time_and_goes(server: Process) -> None:
    arn, schedules = machine(server, "once"), server.client("scheduler")
    due = present(server) + timedelta(hours=2)
    schedules.create_schedule(
        Name="once",
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow=WINDOW,
        Target={"Arn": arn, "RoleArn": ROLE, "Input": '{"at": "<aws.scheduler.scheduled-time>"}'},
        ActionAfterCompletion="DELETE",
    )
    pass_time(server, 3600)
    assert not server.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    pass_time(server, 3700)
    assert inputs(server, arn, 1) == [{"at": f"{due:%Y-%m-%dT%H:%M:%SZ}"}]
    until(lambda: not schedules.list_schedules(NamePrefix="once")["Schedules"])


def test_a_schedule_may_call_any_operation(server: Process) -> None:
    url, _ = queue(server, "universal")
    server.client("scheduler").create_schedule(
        Name="universal",
        ScheduleExpression="rate(1 minutes)",
        FlexibleTimeWindow=WINDOW,
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
            "RoleArn": ROLE,
            "Input": json.dumps({"QueueUrl": url, "MessageBody": "by name"}),
        },
    )
    pass_time(server, 61)
    assert taken(server, url)["Body"] == "by name"
    server.client("scheduler").delete_schedule(Name="universal")


def test_a_refused_delivery_is_left_in_the_dead_letter_queue(server: Process) -> None:
    url, dead = queue(server, "schedule-dead")
    server.client("scheduler").create_schedule(
        Name="lost",
        ScheduleExpression="rate(1 minutes)",
        FlexibleTimeWindow=WINDOW,
        Target={
            "Arn": "arn:aws:states:us-east-1:123456789012:stateMachine:nobody",
            "RoleArn": ROLE,
            "Input": '{"n": 1}',
            "DeadLetterConfig": {"Arn": dead},
        },
    )
    pass_time(server, 61)
    assert taken(server, url)["Body"] == '{"n": 1}'
    server.client("scheduler").delete_schedule(Name="lost")


def test_a_forgotten_schedule_does_not_fire(server: Process) -> None:
    url, arn = queue(server, "forgotten")
    target = {"Arn": arn, "RoleArn": ROLE, "Input": "fired"}
    timing = {"ScheduleExpression": "rate(1 minutes)", "FlexibleTimeWindow": WINDOW}
    server.client("scheduler").create_schedule(Name="forgotten", Target=target, **timing)
    body = b'{"service": "scheduler"}'
    urllib.request.urlopen(urllib.request.Request(f"{server.url}/_sfn/reset", body, method="POST")).close()
    server.client("scheduler").create_schedule(Name="kept", Target={**target, "Input": "kept"}, **timing)
    pass_time(server, 61)
    assert taken(server, url)["Body"] == "kept"
    server.client("scheduler").delete_schedule(Name="kept")


@pytest.mark.parametrize("expression", ["rate(5 minute)", "rate(1 fortnight)", "cron(0 10 * * * *)"])
def test_a_rules_wrong_expression_is_refused_in_awss_words(server: Process, expression: str) -> None:
    with pytest.raises(ClientError, match=r"Parameter ScheduleExpression is not valid\.") as refused:
        server.client("events").put_rule(Name="no", ScheduleExpression=expression)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_schedules_wrong_expression_is_refused_in_awss_words(server: Process) -> None:
    with pytest.raises(ClientError, match=r"Invalid Schedule Expression rate\(1 fortnight\)"):
        server.client("scheduler").create_schedule(
            Name="no",
            ScheduleExpression="rate(1 fortnight)",
            FlexibleTimeWindow=WINDOW,
            Target={"Arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "RoleArn": ROLE},
        )


def test_in_real_time_a_schedule_fires_by_itself_and_once_only_through_a_restart(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with running("--state-dir", state) as process:
        make_role(process)
        _, arn = queue(process, "soon")
        once(process, "soon", arn)
        first = fired(process)
        assert first["schedule"].endswith("/soon")
        process.kill()
    with running("--state-dir", state) as process:
        assert process.client("scheduler").get_schedule(Name="soon")["Name"] == "soon"
        once(process, "later", arn)
        while not (then := fired(process))["schedule"].endswith("/later"):
            assert then == first, "it was brought again, as a kill may do, and did not fire again"


def test_a_schedule_fires_though_its_server_was_killed_before_it_had_read_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running("--state-dir", str(state)) as process:
        make_role(process)
        _, arn = queue(process, "soon")
        due = once(process, "unread", arn)
        process.kill()
    nothing_was_noted = suppress(sqlite3.OperationalError)
    with nothing_was_noted, closing(sqlite3.connect(state / "sources.sqlite")) as noted, noted:
        noted.execute("DELETE FROM checkpoint WHERE key LIKE 'anchor %'")
    until(lambda: datetime.now(UTC) > due)  # noqa: TID251 - the server's clock is the machine's
    with running("--state-dir", str(state)) as process:
        assert fired(process)["schedule"].endswith("/unread")


def once(process: Process, name: str, queue_arn: str) -> datetime:
    """A schedule of a moment to come that is soon enough for a test, and not past when it is made; the moment."""
    for margin in (2, 10, 60):
        due = present(process) + timedelta(seconds=margin)
        told = {
            "ScheduleExpression": f"at({due:%Y-%m-%dT%H:%M:%S})",
            "FlexibleTimeWindow": WINDOW,
            "Target": {
                "Arn": queue_arn,
                "RoleArn": ROLE,
                "Input": '{"schedule": "<aws.scheduler.schedule-arn>", "id": "<aws.scheduler.execution-id>"}',
            },
        }
        schedules = process.client("scheduler")
        (schedules.create_schedule if margin == 2 else schedules.update_schedule)(Name=name, **told)
        if present(process) < due.replace(microsecond=0):
            return due
    raise AssertionError("a minute is too short here")


def fired(process: Process) -> Any:
    """What the next message says."""
    queues = process.client("sqs")
    url = queues.get_queue_url(QueueName="soon")["QueueUrl"]
    message = taken(process, url)
    queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return json.loads(message["Body"])
