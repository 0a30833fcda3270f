"""Everything else that is acknowledged while servers are killed: rows, objects, messages, stacks, schedules, pipes,
mappings, functions invoked for later, callbacks over a queue of the server's own.

Each kind is asked for by a client of its own, by a name that is never used again. What was acknowledged must be found
in the end: done, and for a stack whole or wholly undone.
"""

import io
import json
import random  # noqa: TID251 - seeded
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from tests.crash.life import Life
from tests.crash.machines import ROLE, asking, machine
from tests.waiting import PATIENCE

_END_PATIENCE: Final = 150.0
_ACCOUNT: Final = "us-east-1:123456789012"
_QUEUES: Final = ("messages", "piped", "mapped", "scheduled", "callbacks")
_FUNCTION: Final = f"arn:aws:lambda:{_ACCOUNT}:function:see"
_SEES: Final = """
import boto3
rows = boto3.client("dynamodb")
def handler(event, context):
    for name in [one["body"] for one in event.get("Records", ())] or [event["name"]]:
        rows.put_item(TableName="Seen", Item={"name": {"S": name}})
"""
TABLE: Final = {
    "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "name", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
_SINK: Final = machine("End", End={"Type": "Succeed"})

Speak: TypeAlias = Callable[[str], Any]
"""A client of a service, of whichever server is alive."""


def queue_of(name: str) -> str:
    return f"http://localhost/123456789012/{name}"


def arn_of(service: str, name: str) -> str:
    return f"arn:aws:{service}:{_ACCOUNT}:{name}"


# -- how each kind is asked for


def _send(queue: str) -> Callable[[Speak, str], None]:
    return lambda to, name: to("sqs").send_message(QueueUrl=queue_of(queue), MessageBody=name)


def _schedule(to: Speak, name: str) -> None:
    """For a moment that is still to come when it is acknowledged: no other ever does."""
    target = {"Arn": arn_of("sqs", "scheduled"), "RoleArn": ROLE, "Input": name}
    call = to("scheduler").create_schedule
    for seconds in (3, 15, 60):
        moment = (_now() + timedelta(seconds=seconds)).replace(microsecond=0)
        expression = f"at({moment:%Y-%m-%dT%H:%M:%S})"
        call(Name=name, ScheduleExpression=expression, FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
        if _now() < moment:
            return
        call = to("scheduler").update_schedule


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - by the servers' clock


def _stack(to: Speak, name: str) -> None:
    key = [{"AttributeName": "k", "KeyType": "HASH"}]
    attributes = [{"AttributeName": "k", "AttributeType": "S"}]
    table = {"KeySchema": key, "AttributeDefinitions": attributes, "BillingMode": "PAY_PER_REQUEST"}
    resources: dict[str, Any] = {
        "Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
        "T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}, "DependsOn": "Q"},
        "D": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": name, **table}, "DependsOn": "T"},
        "L": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}, "DependsOn": "D"},
    }
    to("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))


ASKS: Final[Mapping[str, Callable[[Speak, str], object]]] = {
    "row": lambda to, name: to("dynamodb").put_item(TableName="Rows", Item={"name": {"S": name}}),
    "object": lambda to, name: to("s3").put_object(Bucket="kept", Key=name, Body=name.encode() * 500),
    "message": _send("messages"),
    "piped": _send("piped"),
    "mapped": _send("mapped"),
    "invoked": lambda to, name: to("lambda").invoke(
        FunctionName="see", InvocationType="Event", Payload=json.dumps({"name": name})
    ),
    "schedule": _schedule,
    "stack": _stack,
    "callback": lambda to, name: to("stepfunctions").start_execution(
        stateMachineArn=arn_of("states", "stateMachine:ask"), name=name
    ),
}


# -- where each kind is found in the end


def rows_of(table: str) -> Callable[[Speak], Iterable[str]]:
    def found(to: Speak) -> Iterable[str]:
        pages = to("dynamodb").get_paginator("scan").paginate(TableName=table)
        return [row["name"]["S"] for page in pages for row in page["Items"]]

    return found


def received(queue: str) -> Callable[[Speak], Iterable[str]]:
    def found(to: Speak) -> Iterable[str]:
        while told := to("sqs").receive_message(QueueUrl=queue_of(queue), MaxNumberOfMessages=10).get("Messages"):
            for one in told:
                yield one["Body"]
                to("sqs").delete_message(QueueUrl=queue_of(queue), ReceiptHandle=one["ReceiptHandle"])

    return found


def succeeded(name: str) -> Callable[[Speak], Iterable[Any]]:
    def found(to: Speak) -> Iterable[Any]:
        pages = to("stepfunctions").get_paginator("list_executions")
        asked = {"stateMachineArn": arn_of("states", f"stateMachine:{name}"), "statusFilter": "SUCCEEDED"}
        return [one for page in pages.paginate(**asked) for one in page["executions"]]

    return found


def _sunk(to: Speak) -> Iterable[str]:
    for one in succeeded("sink")(to):
        told = to("stepfunctions").describe_execution(executionArn=one["executionArn"])
        yield from (record["body"] for record in json.loads(told["input"]))


def _stacks(to: Speak) -> Iterable[str]:
    """Those that have come to rest with all of their resources there, or none."""
    tables = {name for page in to("dynamodb").get_paginator("list_tables").paginate() for name in page["TableNames"]}
    queues = to("sqs").list_queues(QueueNamePrefix="stack-").get("QueueUrls", [])
    there = tables & {url.rpartition("/")[2] for url in queues}
    some = tables | {url.rpartition("/")[2] for url in queues}
    for page in to("cloudformation").get_paginator("describe_stacks").paginate():
        for one in page["Stacks"]:
            whole, undone = one["StackStatus"] == "CREATE_COMPLETE", one["StackStatus"] == "ROLLBACK_COMPLETE"
            if (whole and one["StackName"] in there) or (undone and one["StackName"] not in some):
                yield one["StackName"]


FOUND: Final[Mapping[str, Callable[[Speak], Iterable[str]]]] = {
    "row": rows_of("Rows"),
    "object": lambda to: [
        one["Key"]
        for page in to("s3").get_paginator("list_objects_v2").paginate(Bucket="kept")
        for one in page.get("Contents", ())
        if to("s3").get_object(Bucket="kept", Key=one["Key"])["Body"].read() == one["Key"].encode() * 500
    ],
    "message": received("messages"),
    "piped": _sunk,
    "mapped": rows_of("Seen"),
    "invoked": rows_of("Seen"),
    "schedule": received("scheduled"),
    "stack": _stacks,
    "callback": lambda to: [one["name"] for one in succeeded("ask")(to)],
}


def answer(to: Speak) -> None:
    """Those who answer callbacks: a message is deleted when its answer was heard."""
    told = to("sqs").receive_message(QueueUrl=queue_of("callbacks"), MaxNumberOfMessages=10)
    for one in told.get("Messages", ()):
        token = json.loads(one["Body"])["token"]
        with suppress(to("stepfunctions").exceptions.TaskTimedOut):  # heard before
            to("stepfunctions").send_task_success(taskToken=token, output="{}")
        to("sqs").delete_message(QueueUrl=queue_of("callbacks"), ReceiptHandle=one["ReceiptHandle"])


@dataclass(frozen=True)
class Subject:
    """What is asked for, by kind, where it is found in the end, and what must be there before."""

    asks: Mapping[str, Callable[[Speak, str], object]]
    found: Mapping[str, Callable[[Speak], Iterable[str]]]
    prepare: Callable[[Speak], None]
    meanwhile: Callable[[Speak], None] = lambda to: None
    """Somebody who does something again and again until all is found."""


def furnish(to: Speak, tables: Iterable[str], queues: Iterable[str], function: str, code: str) -> None:
    """What trials share: tables with a ``name`` as their key, queues, the role of machines, and a function."""
    for table in tables:
        to("dynamodb").create_table(TableName=table, **TABLE)
    for queue in queues:
        to("sqs").create_queue(QueueName=queue, Attributes={"VisibilityTimeout": "2"})
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    to("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps({"Statement": [trusted]}))
    to("lambda").create_function(
        FunctionName=function, Runtime="python3.12", Handler="app.handler", Role=ROLE, Timeout=60,
        Code={"ZipFile": zipped(code)},
    )  # fmt: skip


def prepare(to: Speak) -> None:
    furnish(to, ("Rows", "Seen"), _QUEUES, "see", _SEES)
    to("s3").create_bucket(Bucket="kept")
    to("lambda").create_event_source_mapping(FunctionName="see", EventSourceArn=arn_of("sqs", "mapped"), BatchSize=5)
    for name, definition in (("sink", _SINK), ("ask", machine("Ask", Ask=_asking()))):
        to("stepfunctions").create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    to("pipes").create_pipe(
        Name="pipe", RoleArn=ROLE, Source=arn_of("sqs", "piped"), Target=arn_of("states", "stateMachine:sink"),
        TargetParameters={"StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"}},
    )  # fmt: skip
    for service in ("scheduler", "cloudformation"):  # made by one thread, used by many
        to(service)


class NeighbourTrial:
    """``run(kills)`` gives how much was acknowledged, by kind, and one line per breach."""

    def __init__(
        self,
        directory: Path,
        seed: int,
        *,
        most: int = 120,
        of: Subject | None = None,
        options: tuple[str, ...] = (),
        kind: type[Life] = Life,
    ) -> None:
        """``kind`` is how its servers die."""
        self.life = kind(directory / "state", *options)
        self._of = of or Subject(ASKS, FOUND, prepare, answer)
        self._chance = random.Random(seed)
        self._most = most
        self._acknowledged: dict[str, set[str]] = {kind: set() for kind in self._of.asks}
        self._found: dict[str, set[str]] = {kind: set() for kind in self._of.asks}
        self._over, self._answered = threading.Event(), threading.Event()
        self._problems: list[str] = []
        self._clients: dict[str, Any] = {}

    def run(self, kills: int) -> tuple[dict[str, int], list[str]]:
        jobs = [lambda kind=kind: self._ask_for(kind) for kind in self._of.asks]
        threads = [threading.Thread(target=job, daemon=True) for job in [*jobs, self._do_meanwhile]]
        try:
            self.life.begin()
            self._of.prepare(self._speak)
            for thread in threads:
                thread.start()
            for number in range(kills):
                self._live(to_something=number % 3 == 0)
                self.life.kill()
                self.life.begin()
            self._over.set()
            for thread in threads[:-1]:
                thread.join(PATIENCE)
            lost = self._lost()
            self._answered.set()
            status = self.life.stop()
            counts = {kind: len(names) for kind, names in self._acknowledged.items()}
            return counts, lost + self._problems + [f"exit status {status}"] * bool(status)
        finally:
            self._over.set()
            self._answered.set()
            for client in self._clients.values():
                client.close()
            self.life.end()

    def _speak(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.life.speak(service)
        return self._clients[service]

    def _live(self, *, to_something: bool) -> None:
        """Some lives are as short as can be; in others something of each kind is heard, however slow the machine."""
        before = {kind: len(names) for kind, names in self._acknowledged.items()}
        deadline = time.monotonic() + PATIENCE
        while to_something and time.monotonic() < deadline:
            if all(len(names) > before[kind] or before[kind] >= self._most for kind, names in self._names()):
                break
            time.sleep(0.02)  # noqa: TID251
        time.sleep(self._chance.uniform(0.02, 1))  # noqa: TID251 - the moment is the point

    def _names(self) -> list[tuple[str, set[str]]]:
        return list(self._acknowledged.items())

    def _ask_for(self, kind: str) -> None:
        number = 0
        while not self._over.wait(0.1) and len(self._acknowledged[kind]) < self._most:
            number += 1
            name = f"{kind}-{number}"
            try:
                self._of.asks[kind](self._speak, name)
                self._acknowledged[kind].add(name)
            except BotoCoreError:
                number -= self._chance.random() < 0.5 and kind in ("row", "object")  # asked again, or given up
            except ClientError as error:
                self._problems.append(f"{name}: {error}")

    def _do_meanwhile(self) -> None:
        while not self._answered.wait(0.05):
            try:
                self._of.meanwhile(self._speak)
            except ClientError as error:
                at = time.strftime("%H:%M:%S")
                self._problems.append(f"meanwhile, at {at} after {self.life.kills} kills: {error}")
            except BotoCoreError:
                pass

    def _lost(self) -> list[str]:
        """What was acknowledged and is not there, when there was time enough."""
        deadline = time.monotonic() + _END_PATIENCE
        missing = list(self._of.asks)
        while missing and time.monotonic() < deadline:
            for kind in missing:
                with suppress(BotoCoreError):  # a slow answer is no loss
                    self._found[kind].update(self._of.found[kind](self._speak))
            missing = [kind for kind in missing if self._acknowledged[kind] - self._found[kind]]
            time.sleep(0.2)  # noqa: TID251
        return [
            f"{name} was acknowledged and is not there"
            for kind, names in self._acknowledged.items()
            for name in sorted(names - self._found[kind])
        ]


def _asking() -> dict[str, Any]:
    return asking(End=True)


def zipped(source: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", source)
    return content.getvalue()
