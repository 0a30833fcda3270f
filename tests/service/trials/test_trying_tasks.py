"""TestState of Tasks that are really run; of HTTP Tasks also what TRACE shows, with secrets and without."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from sfn_emulator.values import dumps, loads
from tests.processes import Process, running

ROLE = "arn:aws:iam::000000000000:role/r"


class Site(BaseHTTPRequestHandler):
    """Tells what it was asked; /broken answers 500."""

    def do_POST(self) -> None:
        told = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(500 if self.path.startswith("/broken") else 201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        yield process


@pytest.fixture(scope="module")
def connection(server: Process) -> str:
    made = server.client("events").create_connection(
        Name="site",
        AuthorizationType="API_KEY",
        AuthParameters={
            "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "hush"},
            "InvocationHttpParameters": {"QueryStringParameters": [{"Key": "who", "Value": "me"}]},
        },
    )
    return str(made["ConnectionArn"])


def ask(server: Process, connection: str, url: str, **told: Any) -> Any:
    arguments = {
        "Method": "POST",
        "ApiEndpoint": url,
        "Authentication": {"ConnectionArn": connection},
        "Headers": {"X-Mine": "1"},
        "RequestBody": {"n": 1},
    }
    definition = {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Parameters": arguments, "End": True}
    return server.client("stepfunctions", inject_host_prefix=False).test_state(
        definition=dumps(definition), roleArn=ROLE, **told
    )


def test_trace_shows_the_exchange_without_secrets(server: Process, connection: str, site: str) -> None:
    answer = ask(server, connection, f"{site}/a", inspectionLevel="TRACE")
    assert answer["status"] == "SUCCEEDED", answer
    seen = answer["inspectionData"]
    request, response = seen["request"], seen["response"]
    assert (request["protocol"], request["method"], request["url"]) == ("http", "POST", f"{site}/a")
    assert request["body"] == '{"n":1}'
    assert "X-Mine: 1" in request["headers"] and "hush" not in request["headers"]
    assert (response["statusCode"], response["statusMessage"], response["body"]) == ("201", "Created", '{"n":1}')
    assert "content-type: application/json" in response["headers"]
    assert loads(seen["result"])["ResponseBody"] == {"n": 1}


def test_secrets_are_shown_when_asked_for(server: Process, connection: str, site: str) -> None:
    request = ask(server, connection, site, inspectionLevel="TRACE", revealSecrets=True)["inspectionData"]["request"]
    assert request["url"] == f"{site}?who=me"
    assert "X-Key: hush" in request["headers"]


def test_debug_shows_no_exchange(server: Process, connection: str, site: str) -> None:
    assert (
        ask(server, connection, site, inspectionLevel="DEBUG")["inspectionData"]
        .keys()
        .isdisjoint({"request", "response"})
    )


def test_a_refused_request_is_shown_too(server: Process, connection: str, site: str) -> None:
    answer = ask(server, connection, f"{site}/broken", inspectionLevel="TRACE")
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Http.StatusCode.500")
    assert answer["inspectionData"]["response"]["statusCode"] == "500"


def test_a_real_task_answers_through_the_neighbours(server: Process) -> None:
    queue = server.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    definition = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "QueryLanguage": "JSONata",
        "Arguments": {"QueueUrl": queue, "MessageBody": "{% $states.input.text %}"},
        "Output": "{% $exists($states.result.MessageId) %}",
        "End": True,
    }
    answer = server.client("stepfunctions", inject_host_prefix=False).test_state(
        definition=dumps(definition), roleArn=ROLE, input='{"text":"hi"}'
    )
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "true")
    assert server.client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hi"
