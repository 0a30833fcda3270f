"""Deployed code really runs: over a socket, in child processes, with AWS's errors."""

import base64
import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.functions import LONG, ROLE, bundle, deploy, invoke, make_role
from tests.processes import Process, children, running
from tests.waiting import PATIENCE, until


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        yield process


def test_a_handler_gets_its_event_and_its_answer_comes_back(server: Process) -> None:
    deploy(server, "echo", "def handler(event, context):\n    return {'got': event}")
    assert invoke(server, "echo", {"a": [1, None, "ü"]}) == ({"got": {"a": [1, None, "ü"]}}, None)
    assert invoke(server, "echo") == ({"got": {}}, None)


def test_a_warm_process_keeps_its_module_state(server: Process) -> None:
    deploy(server, "counter", "seen = []\ndef handler(event, context):\n    seen.append(1)\n    return len(seen)")
    assert [invoke(server, "counter")[0] for _ in range(3)] == [1, 2, 3]


def test_new_code_is_run_as_soon_as_it_is_deployed(server: Process) -> None:
    deploy(server, "changing", "def handler(event, context):\n    return 1")
    assert invoke(server, "changing")[0] == 1
    server.client("lambda").update_function_code(
        FunctionName="changing", ZipFile=bundle(app="def handler(event, context):\n    return 2")
    )
    assert invoke(server, "changing")[0] == 2


def test_new_variables_are_seen_as_soon_as_they_are_set(server: Process) -> None:
    source = "import os\ndef handler(event, context):\n    return os.environ['COLOUR']"
    deploy(server, "variable", source, Environment={"Variables": {"COLOUR": "red"}})
    assert invoke(server, "variable")[0] == "red"
    server.client("lambda").update_function_configuration(
        FunctionName="variable", Environment={"Variables": {"COLOUR": "blue"}}
    )
    assert invoke(server, "variable")[0] == "blue"


def test_a_handler_sees_no_more_of_the_environment_than_lambda_gives(server: Process) -> None:
    deploy(server, "environment", "import os\ndef handler(event, context):\n    return dict(os.environ)")
    seen = invoke(server, "environment")[0]
    assert not set(seen) & {"PYTHONPATH", "USER", "SHELL", "PWD", "MOTO_ACCOUNT_ID"}
    assert seen["AWS_ENDPOINT_URL"] == server.url
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "environment"
    assert seen["AWS_REGION"] == "us-east-1"


def test_the_context_object_tells_who_and_how_long(server: Process) -> None:
    source = (
        "def handler(event, context):\n    return [context.function_name, context.function_version,"
        " context.invoked_function_arn, context.memory_limit_in_mb, context.log_group_name,"
        " context.get_remaining_time_in_millis(), context.aws_request_id, context.client_context.custom]"
    )
    arn = deploy(server, "contextual", source, Timeout=700, MemorySize=256)
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    told = server.client("lambda").invoke(FunctionName=arn, ClientContext=context)
    *who, left, request_id, custom = json.loads(told["Payload"].read())
    assert who == ["contextual", "$LATEST", arn, "256", "/aws/lambda/contextual"]
    assert 600_000 < left <= 700_000
    assert request_id == told["ResponseMetadata"]["RequestId"]
    assert custom == {"k": "v"}


def test_an_exception_is_told_with_type_message_and_stack(server: Process) -> None:
    deploy(
        server,
        "failing",
        "class OutOfSoap(Exception):\n    pass\ndef handler(event, context):\n    raise OutOfSoap('ITEM001')",
    )
    payload, error = invoke(server, "failing")
    assert error == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("OutOfSoap", "ITEM001")
    assert payload["stackTrace"] == [
        "  File \"/var/task/app.py\", line 4, in handler\n    raise OutOfSoap('ITEM001')\n"
    ]


@pytest.mark.parametrize(
    ("handler", "source", "expected"),
    [
        ("nope.handler", "", ("Runtime.ImportModuleError", "Unable to import module 'nope': No module named 'nope'")),
        ("app.nope", "", ("Runtime.HandlerNotFound", "Handler 'nope' missing on module 'app'")),
        (
            "nodot",
            "",
            ("Runtime.MalformedHandlerName", "Bad handler 'nodot': not enough values to unpack (expected 2, got 1)"),
        ),
        (
            "app.handler",
            "def handler(",
            ("Runtime.UserCodeSyntaxError", "Syntax error in module 'app': '(' was never closed (app.py, line 1)"),
        ),
        ("app.handler", "1 / 0", ("ZeroDivisionError", "division by zero")),
        (
            "app.handler",
            "def handler(event, context):\n    return {1, 2}",
            ("Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
        ),
        (
            "app.handler",
            "def handler(event, context):\n    return 'x' * 6291555",
            (
                "Function.ResponseSizeTooLarge",
                "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes).",
            ),
        ),
    ],
)
def test_a_functions_fault_is_told_as_lambda_tells_it(
    server: Process, request: pytest.FixtureRequest, handler: str, source: str, expected: tuple[str, str]
) -> None:
    name = f"wrong-{abs(hash(request.node.name))}"
    deploy(server, name, source, handler)
    payload, error = invoke(server, name)
    assert error == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == expected


@pytest.mark.parametrize(
    ("source", "ending"),
    [
        ("import sys\ndef handler(event, context):\n    sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("import os\ndef handler(event, context):\n    os._exit(0)", "Runtime exited without providing a reason"),
        (
            "import os\ndef handler(event, context):\n    os.kill(os.getpid(), 9)",
            "Runtime exited with error: signal: killed",
        ),
    ],
)
def test_a_process_that_ends_is_told_and_the_next_call_gets_a_new_one(
    server: Process, request: pytest.FixtureRequest, source: str, ending: str
) -> None:
    name = f"leaving-{abs(hash(request.node.name))}"
    deploy(server, name, source)
    for _ in range(2):
        payload, error = invoke(server, name)
        assert (error, payload["errorType"]) == ("Unhandled", "Runtime.ExitError")
        assert payload["errorMessage"].endswith(f" Error: {ending}")


def test_a_time_out_kills_the_process_with_all_it_started(server: Process) -> None:
    source = (
        "import os, subprocess, time\ndef handler(event, context):\n"
        "    if event.get('quick'):\n        return 'quick'\n"
        "    print('begun', flush=True)\n    subprocess.Popen(['sleep', '600'])\n    time.sleep(600)"
    )
    deploy(server, "slow", source, Timeout=3)
    before = set(children(server.process.pid))
    told = server.client("lambda").invoke(FunctionName="slow", LogType="Tail")
    payload = json.loads(told["Payload"].read())
    request_id = told["ResponseMetadata"]["RequestId"]
    assert payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 3.00 seconds",
    }
    log = base64.b64decode(told["LogResult"]).decode()
    assert "begun" in log and "Task timed out after 3.00 seconds" in log
    until(lambda: set(children(server.process.pid)) <= before)
    server.client("lambda").update_function_configuration(FunctionName="slow", Timeout=LONG)
    assert invoke(server, "slow", {"quick": 1}) == ("quick", None)


def test_a_handlers_boto3_reaches_the_same_port(server: Process) -> None:
    server.client("s3").create_bucket(Bucket="reached")
    source = (
        "import boto3\ndef handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket='reached', Key='k', Body=b'v')\n"
        "    return boto3.client('lambda').invoke(FunctionName='inner')['Payload'].read().decode()"
    )
    deploy(server, "inner", "def handler(event, context):\n    return 'from within'")
    deploy(server, "outer", source)
    assert invoke(server, "outer") == ('"from within"', None)
    assert server.client("s3").get_object(Bucket="reached", Key="k")["Body"].read() == b"v"


def test_many_invocations_run_side_by_side(server: Process, tmp_path: Path) -> None:
    source = (
        "import os, time\ndef handler(event, context):\n"
        "    open(f\"{event['place']}/{event['n']}\", 'w').close()\n"
        "    while len(os.listdir(event['place'])) < 8:\n        time.sleep(0.01)\n"
        "    return event['n']"
    )
    deploy(server, "together", source)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: invoke(server, "together", {"n": n, "place": str(tmp_path)})[0], range(8)))
    assert told == list(range(8)), "each waits for all others"


def test_a_functions_prints_and_logs_are_in_its_log_group(server: Process) -> None:
    source = "import logging\ndef handler(event, context):\n    print('one\\ntwo')\n    logging.warning('three')"
    deploy(server, "talking", source)
    invoke(server, "talking")
    logs = server.client("logs")

    def told() -> list[str]:
        try:
            return [row["message"] for row in logs.filter_log_events(logGroupName="/aws/lambda/talking")["events"]]
        except ClientError:
            return []

    until(lambda: any(line.startswith("REPORT") for line in told()))
    lines = told()
    assert lines[0].startswith("START RequestId: ")
    assert lines[1:3] == ["one", "two"]
    assert lines[3].startswith("[WARNING]\t") and lines[3].endswith("\tthree")
    assert lines[4].startswith("END RequestId: ")
    assert "\tMemory Size: 128 MB\t" in lines[5]


def test_an_event_invocation_is_answered_at_once_and_done_later(server: Process) -> None:
    server.client("s3").create_bucket(Bucket="later")
    source = (
        "import boto3\ndef handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket='later', Key=event['key'], Body=b'')"
    )
    arn = deploy(server, "eventual", source)
    told = server.client("lambda").invoke(FunctionName="eventual", InvocationType="Event", Payload=b'{"key": "a"}')
    assert told["StatusCode"] == 202
    objects = server.client("s3")
    until(lambda: objects.list_objects_v2(Bucket="later").get("KeyCount"))

    topic = server.client("sns").create_topic(Name="to-function")["TopicArn"]
    server.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    server.client("lambda").update_function_code(
        FunctionName="eventual",
        ZipFile=bundle(app=source.replace("event['key']", "event['Records'][0]['Sns']['Message']")),
    )
    server.client("sns").publish(TopicArn=topic, Message="by-topic")
    until(lambda: objects.list_objects_v2(Bucket="later").get("KeyCount") == 2)


def test_a_dry_run_runs_nothing(server: Process) -> None:
    deploy(server, "dry", "1 / 0")
    assert server.client("lambda").invoke(FunctionName="dry", InvocationType="DryRun")["StatusCode"] == 204


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            {"FunctionName": "nobody"},
            "ResourceNotFoundException",
            "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nobody:$LATEST",
        ),
        (
            {"FunctionName": "dry2", "Qualifier": "9"},
            "ResourceNotFoundException",
            "Function not found: arn:aws:lambda:us-east-1:123456789012:function:dry2:9",
        ),
        ({"FunctionName": "dry2", "Payload": b"{"}, "InvalidRequestContentException", "Could not parse request body"),
        (
            {"FunctionName": "dry2", "Payload": b'"' + b"x" * 6_291_456 + b'"'},
            "RequestTooLargeException",
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        ),
        ({"FunctionName": "stopped"}, "TooManyRequestsException", "Rate Exceeded."),
        (
            {"FunctionName": "dry2", "InvocationType": "Later"},
            "ValidationException",
            "Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set",
        ),
        (
            {"FunctionName": "dry2", "LogType": "Head"},
            "ValidationException",
            "Value 'Head' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]",
        ),
    ],
)
def test_a_wrong_call_of_a_function_is_refused_in_lambdas_words(
    server: Process, options: dict[str, Any], code: str, message: str
) -> None:
    functions = server.client("lambda")
    if not any(f["FunctionName"] == "dry2" for f in functions.list_functions()["Functions"]):
        deploy(server, "dry2", "def handler(event, context):\n    return 1")
        deploy(server, "stopped", "def handler(event, context):\n    return 1")
        functions.put_function_concurrency(FunctionName="stopped", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as refusal:
        functions.invoke(**options)
    assert refusal.value.response["Error"]["Code"] == code
    assert message in refusal.value.response["Error"]["Message"]
    if code == "TooManyRequestsException":
        assert refusal.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM])
def test_no_child_outlives_the_server(signal_: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # what a killed server can't remove
    with running("--in-memory") as server:
        make_role(server)
        deploy(server, "busy", "import time\ndef handler(event, context):\n    time.sleep(600)")
        server.client("lambda").invoke(FunctionName="busy", InvocationType="Event")
        kin = until(lambda: len(found := children(server.process.pid)) == 2 and found)
        server.process.send_signal(signal_)
        server.process.communicate(timeout=PATIENCE)
        until(lambda: not any(is_alive(pid) for pid in kin))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_handler_can_run_in_the_servers_own_process() -> None:
    with running("--in-memory", "--lambda", "inprocess") as server:
        make_role(server)
        source = (
            "import os\ndef handler(event, context):\n"
            "    print('seen')\n    return [os.getpid(), os.environ['AWS_LAMBDA_FUNCTION_NAME'], os.getenv('HOME')]"
        )
        deploy(server, "one", source)
        deploy(server, "two", source.replace("os.getpid()", "2"))
        assert invoke(server, "one")[0] == [server.process.pid, "one", "/tmp"]
        assert invoke(server, "two")[0] == [2, "two", "/tmp"]
        assert invoke(server, "one")[0] == [server.process.pid, "one", "/tmp"]
        merges = (
            "    os.environ |= {'B': '2'}\n    return [(os.environ | {'A': '1'})['A'], ({'A': '1'} | os.environ)['B']]"
        )
        deploy(server, "merges", f"import os\ndef handler(event, context):\n{merges}")
        assert invoke(server, "merges")[0] == ["1", "2"]
        deploy(server, "wrong", "def handler(event, context):\n    raise KeyError('x')")
        assert invoke(server, "wrong")[0]["errorType"] == "KeyError"


CLIENT = """
import threading
import time
began = time.process_time()
import boto3
boto3.client("kinesis")
took = time.process_time() - began
def handler(event, context):
    return took
"""


def test_the_second_function_that_makes_a_client_finds_what_that_reads(server: Process) -> None:
    def cold(name: str) -> float:
        deploy(server, name, CLIENT)
        return float(invoke(server, name)[0])

    first = cold("first-client")
    assert until(lambda: cold(f"client-{time.monotonic_ns()}") < first / 1.5)


def test_a_function_that_brings_its_own_boto3_gets_its_own(server: Process) -> None:
    source = "import boto3\ndef handler(event, context):\n    return boto3.mine"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", source)
        files.writestr("boto3/__init__.py", "mine = True")
    server.client("lambda").create_function(
        FunctionName="own-boto3",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Timeout=LONG,
        Code={"ZipFile": archive.getvalue()},
    )
    assert invoke(server, "own-boto3") == (True, None)
