"""Events reach a topic, a bus, a log group or an HTTP endpoint; refused ones are kept."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from sfn_emulator.cloud.events.courier import MOST_HOPS
from tests.cloud.functions import make_role
from tests.cloud.schedules.test_firing import queue, taken
from tests.processes import Process, running
from tests.waiting import until


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    with running("--in-memory") as process:
        make_role(process)
        yield process


def rule(server: Process, name: str, target: str, bus: str = "default", **settings: Any) -> None:
    events = server.client("events")
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": [name]}))
    told = events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "t", "Arn": target, **settings}])
    assert told["FailedEntryCount"] == 0


def put(server: Process, source: str, bus: str = "default") -> None:
    entry = {"Source": source, "DetailType": "Told", "Detail": '{"n": 1}', "EventBusName": bus}
    assert server.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_a_topic_gets_the_event(server: Process) -> None:
    url, arn = queue(server, "alarms")
    topic = server.client("sns").create_topic(Name="alarms")["TopicArn"]
    server.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    rule(server, "topic", topic)
    put(server, "topic")
    event = json.loads(json.loads(taken(server, url)["Body"])["Message"])
    assert (event["source"], event["detail"]) == ("topic", {"n": 1})


def test_another_bus_gets_the_event_and_its_rules_take_it(server: Process) -> None:
    url, arn = queue(server, "second-bus")
    bus = server.client("events").create_event_bus(Name="second")["EventBusArn"]
    rule(server, "bus", bus)
    rule(server, "bus", arn, "second")
    put(server, "bus")
    assert json.loads(taken(server, url)["Body"])["detail"] == {"n": 1}


def test_a_bus_that_is_its_own_target_ends(server: Process) -> None:
    url, arn = queue(server, "circle-seen")
    bus = server.client("events").create_event_bus(Name="circle")["EventBusArn"]
    events = server.client("events")
    rule(server, "circle", bus, "circle")
    events.put_targets(Rule="circle", EventBusName="circle", Targets=[{"Id": "q", "Arn": arn}])
    for n in (1, 2):  # had the first not ended, there would be more than twice as many after the second
        put(server, "circle", "circle")
        until(lambda n=n: _count(server, url) >= n * (MOST_HOPS + 1))
    assert _count(server, url) == 2 * (MOST_HOPS + 1)


def _count(server: Process, url: str) -> int:
    told = server.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(told["Attributes"]["ApproximateNumberOfMessages"])


def test_a_log_group_gets_the_event(server: Process) -> None:
    logs = server.client("logs")
    logs.create_log_group(logGroupName="/aws/events/told")
    rule(server, "log", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/told")
    put(server, "log")
    found = until(lambda: logs.filter_log_events(logGroupName="/aws/events/told")["events"])
    assert json.loads(found[0]["message"])["source"] == "log"


def test_an_api_destination_gets_the_event_with_its_connections_key(server: Process) -> None:
    seen: list[tuple[str, str | None, Any]] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["X-Key"], json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    web = HTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    events = server.client("events")
    connection = events.create_connection(
        Name="shop",
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"}},
    )["ConnectionArn"]
    destination = events.create_api_destination(
        Name="shop",
        ConnectionArn=connection,
        HttpMethod="POST",
        InvocationEndpoint=f"http://127.0.0.1:{web.server_port}/orders/*",
    )["ApiDestinationArn"]
    rule(server, "http", destination, HttpParameters={"PathParameterValues": ["7"]}, InputPath="$.detail")
    put(server, "http")
    until(lambda: seen)
    web.shutdown()
    web.server_close()
    assert seen == [("/orders/7", "secret", {"n": 1})]


@pytest.mark.parametrize(
    ("status", "values", "path", "code"),
    [(404, ["7", "8"], "/404/7/8", "SDK_CLIENT_ERROR"), (302, ["*", "8"], "/302/*/8", "SDK_CLIENT_ERROR")],
    ids=["refused for good", "sent elsewhere"],
)
def test_an_api_destination_that_refuses_or_redirects_is_called_once(
    server: Process, status: int, values: list[str], path: str, code: str
) -> None:
    seen: list[str] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            seen.append("followed")
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    web = HTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    name = f"answers-{status}"
    url, dead = queue(server, name)
    destination = destination_of(server, name, f"http://127.0.0.1:{web.server_port}/{status}/*/*")
    more = {"HttpParameters": {"PathParameterValues": values}, "DeadLetterConfig": {"Arn": dead}}
    rule(server, name, destination, **more)
    put(server, name)
    why = dead_letter(server, url)
    web.shutdown()
    web.server_close()
    assert (why["ERROR_CODE"], why["RETRY_ATTEMPTS"]) == (code, "0")
    assert seen == [path]


def test_an_api_destination_is_no_file(server: Process) -> None:
    url, dead = queue(server, "file-dead")
    rule(server, "file", destination_of(server, "file", "file:///etc/passwd"), DeadLetterConfig={"Arn": dead})
    put(server, "file")
    assert "by http and https, not by file" in dead_letter(server, url)["ERROR_MESSAGE"]


def dead_letter(server: Process, url: str) -> dict[str, str]:
    """The attributes of what lies in a dead-letter queue."""
    queues = server.client("sqs")
    found = until(lambda: queues.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages"))[0]
    return {name: value["StringValue"] for name, value in found["MessageAttributes"].items()}


def destination_of(server: Process, name: str, endpoint: str) -> str:
    """An API destination with a connection of its own."""
    events = server.client("events")
    connection = events.create_connection(
        Name=name,
        AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"}},
    )["ConnectionArn"]
    made = events.create_api_destination(
        Name=name, ConnectionArn=connection, HttpMethod="POST", InvocationEndpoint=endpoint
    )
    return str(made["ApiDestinationArn"])


def test_an_api_destination_of_an_oauth_connection_gets_a_token_first(server: Process) -> None:
    seen: list[tuple[str, str | None, str]] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            seen.append((self.path, self.headers["Authorization"], body))
            answer = b'{"access_token": "t0ken"}' if self.path == "/token" else b""
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None: ...

    web = HTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{web.server_port}"
    events = server.client("events")
    client = {"ClientID": "shop", "ClientSecret": "hush"}
    oauth = {"ClientParameters": client, "AuthorizationEndpoint": f"{here}/token", "HttpMethod": "POST"}
    added = {
        "QueryStringParameters": [{"Key": "v", "Value": "2", "IsValueSecret": False}],
        "BodyParameters": [{"Key": "by", "Value": "bus", "IsValueSecret": True}],
    }
    connection = events.create_connection(
        Name="oauth",
        AuthorizationType="OAUTH_CLIENT_CREDENTIALS",
        AuthParameters={"OAuthParameters": oauth, "InvocationHttpParameters": added},
    )["ConnectionArn"]
    destination = events.create_api_destination(
        Name="oauth", ConnectionArn=connection, HttpMethod="POST", InvocationEndpoint=f"{here}/orders"
    )["ApiDestinationArn"]
    rule(server, "oauth", destination, InputPath="$.detail")
    put(server, "oauth")
    until(lambda: len(seen) == 2)
    web.shutdown()
    web.server_close()
    assert seen[0][0] == "/token" and "client_id=shop&client_secret=hush" in seen[0][2]
    assert seen[1] == ("/orders?v=2", "Bearer t0ken", '{"n": 1, "by": "bus"}')


def test_a_refused_delivery_goes_to_the_dead_letter_queue_with_its_reason(server: Process) -> None:
    url, dead = queue(server, "event-dead")
    nobody = "arn:aws:lambda:us-east-1:123456789012:function:nobody"
    rule(server, "lost", nobody, DeadLetterConfig={"Arn": dead})
    put(server, "lost")
    message = until(
        lambda: server.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages")
    )[0]
    assert json.loads(message["Body"])["source"] == "lost"
    told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert (told["TARGET_ARN"], told["ERROR_CODE"]) == (nobody, "ResourceNotFoundException")
