import base64
import contextlib
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
import urllib3

from sfn_emulator.engine.ports import TaskFailed, TaskSucceeded
from sfn_emulator.tasks.integrations.exchange import send
from sfn_emulator.values import dumps, loads
from tests.tasks.conftest import REGION, Host

HTTP = "arn:aws:states:::http:invoke"
API = "arn:aws:states:::apigateway:invoke"


class Echo(BaseHTTPRequestHandler):
    """Answers what it was asked; /status/NNN answers with that status, /token like an OAuth endpoint."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        asked = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.rfile.read(length).decode(),
        }
        status = int(self.path.partition("?")[0].split("/")[2]) if self.path.startswith("/status/") else 200
        told = {"access_token": "t0k"} if self.path == "/token" else asked
        body = dumps(told).encode() if status < 300 else b"sorry"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Two", "1")
        self.send_header("X-Two", "2")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the standard library's names

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def connection(host: Host, name: str, kind: str, **parameters: Any) -> str:
    events = host.clients.client("events", REGION)
    known = {found["Name"] for found in events.list_connections()["Connections"]}
    if name in known:
        events.delete_connection(Name=name)
    created = events.create_connection(Name=name, AuthorizationType=kind, AuthParameters=parameters)
    return str(created["ConnectionArn"])


@pytest.fixture
def key(aws: Host) -> str:
    return connection(
        aws,
        "with-key",
        "API_KEY",
        ApiKeyAuthParameters={"ApiKeyName": "X-Key", "ApiKeyValue": "secret"},
        InvocationHttpParameters={
            "HeaderParameters": [{"Key": "X-Mine", "Value": "connection", "IsValueSecret": False}],
            "QueryStringParameters": [{"Key": "q", "Value": "connection", "IsValueSecret": False}],
        },
    )


def output(told: Any) -> Any:
    assert isinstance(told, TaskSucceeded), told
    return told.output


def test_a_request_and_its_answer(aws: Host, site: str, key: str) -> None:
    told = output(
        aws.run(
            HTTP,
            {
                "ApiEndpoint": f"{site}/orders",
                "Method": "POST",
                "Authentication": {"ConnectionArn": key},
                "Headers": {"X-Mine": "task", "X-More": ["a", "b"]},
                "QueryParameters": {"q": "task", "r": ["1", "2"]},
                "RequestBody": {"n": 1},
            },
        )
    )

    assert list(told) == ["Headers", "ResponseBody", "StatusCode", "StatusText"]
    assert (told["StatusCode"], told["StatusText"]) == (200, "OK")
    assert told["Headers"]["x-two"] == ["1", "2"]
    asked = told["ResponseBody"]
    assert asked["path"] == "/orders?q=connection&r=1&r=2"
    assert asked["headers"]["x-mine"] == "connection"
    assert asked["headers"]["x-more"] == "a, b"
    assert asked["headers"]["x-key"] == "secret"
    assert asked["headers"]["content-type"] == "application/json"
    assert asked["headers"]["user-agent"] == f"Amazon|StepFunctions|HttpInvoke|{REGION}"
    assert loads(asked["body"]) == {"n": 1}


def test_basic_and_oauth_connections_authorize_a_request(aws: Host, site: str) -> None:
    basic = connection(aws, "basic", "BASIC", BasicAuthParameters={"Username": "u", "Password": "p"})
    oauth = connection(
        aws,
        "oauth",
        "OAUTH_CLIENT_CREDENTIALS",
        OAuthParameters={
            "ClientParameters": {"ClientID": "c", "ClientSecret": "s"},
            "AuthorizationEndpoint": f"{site}/token",
            "HttpMethod": "POST",
        },
    )
    given = {"ApiEndpoint": site, "Method": "GET"}

    def authorization(arn: str) -> str:
        told = output(aws.run(HTTP, {**given, "Authentication": {"ConnectionArn": arn}}))
        return str(told["ResponseBody"]["headers"]["authorization"])

    assert authorization(basic) == "Basic " + base64.b64encode(b"u:p").decode()
    assert authorization(oauth) == "Bearer t0k"


@pytest.mark.parametrize(
    ("array_format", "encoded"),
    [
        (None, "a%5B0%5D=1&a%5B1%5D=2&o%5Bk%5D=v"),
        ("REPEAT", "a=1&a=2&o%5Bk%5D=v"),
        ("BRACKETS", "a%5B%5D=1&a%5B%5D=2&o%5Bk%5D=v"),
        ("COMMAS", "a=1%2C2&o%5Bk%5D=v"),
    ],
)
def test_a_form_body_is_encoded(aws: Host, site: str, key: str, array_format: str | None, encoded: str) -> None:
    options = {"RequestEncodingOptions": {"ArrayFormat": array_format}} if array_format else {}
    told = output(
        aws.run(
            HTTP,
            {
                "ApiEndpoint": site,
                "Method": "POST",
                "Authentication": {"ConnectionArn": key},
                "RequestBody": {"a": [1, 2], "o": {"k": "v"}},
                "Transform": {"RequestBodyEncoding": "URL_ENCODED", **options},
            },
        )
    )
    assert told["ResponseBody"]["body"] == encoded
    assert told["ResponseBody"]["headers"]["content-type"] == "application/x-www-form-urlencoded"


def test_a_bad_status_is_the_error(aws: Host, site: str, key: str) -> None:
    given = {"ApiEndpoint": f"{site}/status/404", "Method": "GET", "Authentication": {"ConnectionArn": key}}
    assert aws.run(HTTP, given) == TaskFailed(1, "States.Http.StatusCode.404", "sorry")


def test_no_answer_is_a_socket_error(aws: Host, key: str) -> None:
    given = {"ApiEndpoint": "http://127.0.0.1:9/", "Method": "GET", "Authentication": {"ConnectionArn": key}}
    told = aws.run(HTTP, given)
    assert isinstance(told, TaskFailed)
    assert told.error == "States.Http.Socket"


def test_an_answer_that_drips_is_not_waited_for_longer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            with listener.accept()[0] as client, contextlib.suppress(OSError):
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while True:
                    client.sendall(b"x")
                    Event().wait(0.02)

        Thread(target=drip, daemon=True).start()
        with pytest.raises(urllib3.exceptions.HTTPError):
            send("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", {}, None, seconds=0.3)


def test_a_connection_that_is_not_there(aws: Host, site: str) -> None:
    given = {"ApiEndpoint": site, "Method": "GET", "Authentication": {"ConnectionArn": "arn:a:b:c:d:connection/no/1"}}
    told = aws.run(HTTP, given)
    assert isinstance(told, TaskFailed)
    assert told.error == "Events.ConnectionResource.ResourceNotFoundException"


@pytest.mark.parametrize("header", ["Host", "Transfer-Encoding", "X-Forwarded-For", "x-amz-date", "Authorization"])
def test_some_headers_are_never_sent(host: Host, header: str) -> None:
    told = host.run(
        HTTP,
        {
            "ApiEndpoint": "http://x",
            "Method": "GET",
            "Authentication": {"ConnectionArn": "c"},
            "Headers": {header: "v"},
        },
    )
    assert isinstance(told, TaskFailed)
    assert (told.error, told.stage) == ("States.Runtime", "Runtime")
    assert header in str(told.cause)


# -- API Gateway


def test_an_api_is_called_where_it_is_really_served(site: str) -> None:
    told = output(
        Host(site).run(
            API,
            {
                "ApiEndpoint": "abc123.execute-api.us-east-1.amazonaws.com",
                "Method": "POST",
                "Stage": "prod",
                "Path": "orders/1",
                "QueryParameters": {"q": ["a", "b"]},
                "Headers": {"X-Many": ["1", "2"]},
                "RequestBody": {"kept": 1, "dropped": None},
            },
        )
    )

    asked = told["ResponseBody"]
    assert asked["path"] == "/prod/orders/1?q=a&q=b"
    assert asked["headers"]["host"] == "abc123.execute-api.us-east-1.amazonaws.com"
    assert asked["headers"]["x-many"] == "1, 2"
    assert loads(asked["body"]) == {"kept": 1}
    assert told["Headers"]["X-Two"] == ["1", "2"]


def test_an_api_that_refuses_fails_the_task(site: str) -> None:
    told = Host(site).run(API, {"ApiEndpoint": site, "Method": "GET", "Path": "status/403"})
    assert told == TaskFailed(1, "ApiGateway.403", "sorry")


def test_headers_of_an_api_are_lists(host: Host) -> None:
    given = {"ApiEndpoint": "x", "Method": "GET", "Headers": {"X-One": "single"}}
    told = host.run(API, given)
    assert isinstance(told, TaskFailed)
    assert told.cause == (
        f"The Parameters '{dumps(given)}' could not be used to start the Task: "
        "[The value of the field 'Headers' has an invalid format]"
    )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"Method": {"a": 1}}, "Method"),
        ({"Method": ["GET"]}, "Method"),
        ({"ApiEndpoint": {"a": 1}}, "ApiEndpoint"),
        ({"ApiEndpoint": "http://["}, "ApiEndpoint"),
        ({"Transform": "x"}, "Transform"),
        ({"Transform": {"RequestBodyEncoding": "XML"}}, "RequestBodyEncoding"),
        ({"Transform": {"RequestEncodingOptions": 1}}, "RequestEncodingOptions"),
        ({"Transform": {"RequestEncodingOptions": {"ArrayFormat": "X"}}}, "ArrayFormat"),
    ],
)
def test_a_field_of_an_http_task_that_holds_something_else_is_told(
    host: Host, site: str, given: dict[str, Any], field: str
) -> None:
    connection = {"ConnectionArn": f"arn:aws:events:{REGION}:123456789012:connection/c/1"}
    told = host.run(HTTP, {"ApiEndpoint": site, "Method": "GET", "Authentication": connection, **given})
    assert isinstance(told, TaskFailed)
    assert told.error == "States.Runtime"
    assert f"The value of the field '{field}' has an invalid format" in str(told.cause)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"Method": {}}, "Method"), ({"Stage": 1}, "Stage"), ({"ApiEndpoint": {"a": 1}}, "ApiEndpoint")],
)
def test_a_field_of_an_api_call_that_holds_something_else_is_told(
    host: Host, given: dict[str, Any], field: str
) -> None:
    told = host.run(API, {"ApiEndpoint": "x.execute-api.us-east-1.amazonaws.com", "Method": "GET", **given})
    assert isinstance(told, TaskFailed)
    assert f"The value of the field '{field}' has an invalid format" in str(told.cause)


def test_a_value_that_no_header_can_hold_is_refused_in_plain_words(site: str) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        send("GET", site, {"X": "a\nb"}, None)
