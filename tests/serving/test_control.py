"""The server's own routes: letting time pass, and forgetting."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import waiting
from tests.cloud.functions import deploy, invoke, make_role
from tests.processes import Process, running
from tests.waiting import PATIENCE

ROLE = "arn:aws:iam::123456789012:role/machine"
KEY: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
ASKS = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"QueueUrl": "http://localhost/123456789012/asked", "MessageBody.$": "$$.Task.Token"},
}


def told(server: Process, path: str, body: Any = None, method: str = "POST") -> tuple[int, Any]:
    text = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, text, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def started(server: Process, *states: dict[str, Any], name: str = "m") -> str:
    """An execution of the states one after the other."""
    chain = {f"S{n}": {**state, "Next": f"S{n + 1}"} for n, state in enumerate(states)}
    definition = {"StartAt": "S0", "States": {**chain, f"S{len(states)}": {"Type": "Succeed"}}}
    client = server.client("stepfunctions")
    machine = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    return str(client.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"])


def ended(server: Process, arn: str) -> dict[str, Any]:
    return waiting.ended(server.client("stepfunctions"), arn)


def lengths(server: Process, arn: str) -> list[float]:
    """Seconds each of its waits has taken, by the server's clock."""
    events = server.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    entered = [event["timestamp"] for event in events if event["type"] == "WaitStateEntered"]
    left = [event["timestamp"] for event in events if event["type"] == "WaitStateExited"]
    return [(b - a).total_seconds() for a, b in zip(entered, left, strict=True)]


def status(server: Process, arn: str) -> str:
    return str(server.client("stepfunctions").describe_execution(executionArn=arn)["status"])


@pytest.fixture(scope="module")
def skipping() -> Iterator[Process]:
    with running("--in-memory", "--time", "skip") as server:
        server.client("sqs").create_queue(QueueName="asked")
        yield server


@pytest.fixture(scope="module")
def forgetful() -> Iterator[Process]:
    """A server for tests that leave nothing in it."""
    with running("--in-memory", "--time", "skip") as server:
        yield server


@pytest.fixture(scope="module")
def real() -> Iterator[Process]:
    with running("--in-memory") as server:
        yield server


def test_a_token_that_holds_the_clock_times_out_when_time_is_moved_on(skipping: Process) -> None:
    arn = started(skipping, {"Type": "Wait", "Seconds": 86_400}, {**ASKS, "TimeoutSeconds": 3600}, name="held")
    assert status(skipping, arn) == "RUNNING"
    told(skipping, "/_sfn/clock", {"advance": 1800})
    assert status(skipping, arn) == "RUNNING"
    told(skipping, "/_sfn/clock", {"advance": 1800})
    found = ended(skipping, arn)
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")
    assert (found["stopDate"] - found["startDate"]).total_seconds() == pytest.approx(86_400 + 3600, abs=1800)


def test_in_real_time_waits_end_one_after_the_other_at_their_own_time(real: Process) -> None:
    waits = [{"Type": "Wait", "Seconds": seconds} for seconds in (60, 600, 6000)]
    arn = started(real, *waits, name="waits")
    status_code, answer = told(real, "/_sfn/clock", {"advance": 7000})
    assert (status_code, answer["time"]) == (200, "real")
    ended(real, arn)
    assert lengths(real, arn) == [pytest.approx(seconds, rel=0.5) for seconds in (60, 600, 6000)]


def test_time_waits_for_a_state_that_takes_long_before_the_next_wait_begins(real: Process) -> None:
    """The machine's processor is busy for several slices of a turn, and only then is there something to wait for."""
    long = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $sum([1..50000].($ * 2)) %}"}
    wait = {"Type": "Wait", "Seconds": 1000}
    arn = started(real, long, wait, long, wait, name="busy")
    told(real, "/_sfn/clock", {"advance": 3000})
    ended(real, arn)
    assert lengths(real, arn) == [pytest.approx(1000, rel=0.3)] * 2


def test_a_wait_that_is_not_due_yet_takes_the_rest_of_its_time(real: Process) -> None:
    arn = started(real, {"Type": "Wait", "Seconds": 101}, name="rest")
    told(real, "/_sfn/clock", {"advance": 100})
    ended(real, arn)
    (length,) = lengths(real, arn)
    assert 101 <= length < 101 + waiting.PATIENCE


def test_executions_begin_at_the_time_that_was_moved_to(real: Process) -> None:
    before = told(real, "/_sfn/clock", method="GET")[1]["now"]
    told(real, "/_sfn/clock", {"advance": 86_400})
    arn = started(real, {"Type": "Pass"}, name="later")
    began = real.client("stepfunctions").describe_execution(executionArn=arn)["startDate"].timestamp()
    assert began - before >= 86_400


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/_sfn/clock", {}, 'Send {"advance": SECONDS}'),
        ("/_sfn/clock", {"advance": -1}, "greater than 0"),
        ("/_sfn/clock", {"advance": True}, 'Send {"advance": SECONDS}'),
        ("/_sfn/clock", {"advance": 1e12}, "at most"),
        ("/_sfn/clock", b"{", "The body is not JSON"),
        ("/_sfn/reset", [], "not a JSON object"),
        ("/_sfn/reset", {"service": 3}, 'or {"service": NAME}'),
        ("/_sfn/reset", {"service": "nothing"}, "There is no service 'nothing'"),
        ("/pace", {"execution": "x"}, '"real" or "skip"'),
    ],
)
def test_a_request_that_cannot_be_understood_is_explained(path: str, body: Any, words: str, skipping: Process) -> None:
    code, answer = told(skipping, path, body)
    assert code == 400
    assert words in answer["message"]


@pytest.mark.parametrize(
    ("path", "words"),
    [("/_sfn/nothing", "There is nothing here."), ("/moto-api/seed", "There is no POST /moto-api/seed here.")],
)
def test_other_paths_of_ours_are_not_taken_for_a_service(path: str, words: str, skipping: Process) -> None:
    code, answer = told(skipping, path, {})
    assert (code, answer["message"]) == (404, words)


def filled(server: Process) -> str:
    """Something in every corner; the ARN of an execution that waits."""
    server.client("dynamodb").create_table(TableName="T", **KEY)
    server.client("s3").create_bucket(Bucket="kept")
    server.client("sqs").create_queue(QueueName="asked")
    server.client("stepfunctions").create_activity(name="pack")
    return started(server, ASKS, name="filled")


def names(server: Process) -> tuple[list[str], ...]:
    states = server.client("stepfunctions")
    return (
        [machine["name"] for machine in states.list_state_machines()["stateMachines"]],
        [activity["name"] for activity in states.list_activities()["activities"]],
        server.client("dynamodb").list_tables()["TableNames"],
        [bucket["Name"] for bucket in server.client("s3").list_buckets()["Buckets"]],
        server.client("sqs").list_queues().get("QueueUrls", []),
    )


NOTHING: tuple[list[str], ...] = ([], [], [], [], [])


@pytest.mark.parametrize("path", ["/_sfn/reset", "/moto-api/reset"])
def test_a_reset_forgets_everything_and_the_next_test_finds_a_new_server(path: str, forgetful: Process) -> None:
    for _ in range(2):
        filled(forgetful)
        assert told(forgetful, path, {}) == (200, {"status": "ok"})
        assert names(forgetful) == NOTHING
    held = told(forgetful, "/health", method="GET")[1]["held"]
    assert (held["executions"], held["tokens"]) == ({"open": 0, "stored": 0}, 0)


def processor_time(server: Process) -> float:
    """Seconds all threads of the server have computed: unlike a clock's, the same on a busy machine."""
    threads = Path(f"/proc/{server.process.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def test_a_reset_takes_less_than_making_what_it_forgets(forgetful: Process) -> None:
    made, forgotten = [], []
    for _ in range(5):
        began = processor_time(forgetful)
        filled(forgetful)
        made.append(processor_time(forgetful) - began)
        told(forgetful, "/moto-api/reset", {})
        forgotten.append(processor_time(forgetful) - began - made[-1])
    assert min(forgotten) < min(made)


def test_one_service_is_reset_and_the_others_stay(forgetful: Process) -> None:
    filled(forgetful)
    told(forgetful, "/_sfn/reset", {"service": "dynamodb"})
    assert names(forgetful)[2:4] == ([], ["kept"])
    told(forgetful, "/_sfn/reset", {"service": "stepfunctions"})
    assert names(forgetful)[:4] == ([], [], [], ["kept"])
    told(forgetful, "/_sfn/reset", {})


def test_who_waits_for_what_is_forgotten_is_let_go(forgetful: Process) -> None:
    states = forgetful.client("stepfunctions")
    activity = states.create_activity(name="pack")["activityArn"]
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(lambda: forgetful.client("stepfunctions").get_activity_task(activityArn=activity))
        while not waits.done():
            told(forgetful, "/_sfn/reset", {"service": "stepfunctions"})
        assert waits.exception() is not None or waits.result().get("taskToken") is None


def test_a_forgotten_resource_does_not_come_back_with_the_next_process(tmp_path: Path) -> None:
    place = ("--state-dir", str(tmp_path), "--time", "skip")
    with running(*place) as server:
        filled(server)
        told(server, "/_sfn/reset", {"service": "s3"})
        server.kill()
    with running(*place) as server:
        assert names(server)[3] == []
        assert names(server)[2] == ["T"]
        told(server, "/_sfn/reset", {})
        server.client("s3").create_bucket(Bucket="new")
        server.kill()
    with running(*place) as server:
        assert names(server) == ([], [], [], ["new"], [])


def test_a_function_of_the_same_name_begins_anew_after_a_reset(forgetful: Process) -> None:
    counting = "n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return n\n"
    for _ in range(2):
        make_role(forgetful)
        deploy(forgetful, "count", counting)
        assert invoke(forgetful, "count") == (1, None)
        told(forgetful, "/_sfn/reset", {})
        with pytest.raises(ClientError, match="Function not found"):
            invoke(forgetful, "count")
